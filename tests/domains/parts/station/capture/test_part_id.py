"""A part's id is what everything agrees on, or it is unread; it is never a guess."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from core.settings import Settings
from domains.parts.station.capture.cameras import Grabbed
from domains.parts.station.capture.code_finder import read_codes
from domains.parts.station.capture.part_id import CodeReading, has_check_digit, id_in, identify
from domains.parts.station.capture.part_id_reader import PartIdReader
from domains.parts.station.capture.sources.encoding import encode
from domains.parts.station.part import CapturedFrame, Trigger
from domains.parts.station.part_id_options import PartIdOptions
from domains.parts.station.recipe import CameraOptions, Recipe
from domains.parts.station.result import LineReason
from tests.domains.parts.station.codes import damage, draw_code, on_part

# Damaged codes by the hundred take ten seconds and more.
pytestmark = pytest.mark.slow

UNREAD, MISMATCH = (LineReason.ID_UNREAD,), (LineReason.ID_MISMATCH,)


def options(**changes) -> PartIdOptions:
    return PartIdOptions(**{"source": "code", "pattern": r"P-\d{6}", **changes})


def reading(text, way="one", kind="QRCode"):
    return CodeReading(text, kind, way)


def identified(readings, trigger_id="", names=(), **changes):
    found = identify(options(**changes), readings, trigger_id, names)
    return found.part_id, found.reasons


def test_two_decodings_that_agree_are_an_id():
    assert identified([reading("P-000017"), reading("P-000017", "two")]) == ("P-000017", ())


@pytest.mark.parametrize(
    "readings",
    [
        [],
        [reading("P-000017")],
        [reading("P-000017"), reading("P-000017")],  # one decoding twice is one
        [reading("P-000017"), reading("P-000018", "two")],
        [reading("P-000017"), reading("P-000017", "two"), reading("P-000018", "three")],
        [reading("LOT-9"), reading("LOT-9", "two")],
        [reading("P-000017\x00"), reading("P-000017\x00", "two")],
    ],
)
def test_anything_less_is_unread(readings):
    assert identified(readings) == ("", UNREAD)


def test_other_labels_on_the_part_do_not_count():
    readings = [reading(t, w) for t in ("P-000017", "LOT-9") for w in ("one", "two")]
    assert identified(readings) == ("P-000017", ())


def test_as_many_decodings_as_the_recipe_asks_for_have_to_agree():
    readings = [reading("P-000017", way) for way in ("one", "two")]
    assert identified(readings, agree=3) == ("", UNREAD)
    assert identified(readings[:1], agree=1) == ("P-000017", ())


def test_the_id_is_the_patterns_group_where_it_has_one():
    pattern = r"(?P<id>[A-Z]\d+)_cam\d"
    names = ["A17_cam1", "A17_cam2"]
    assert identified([], names=names, source="file_name", pattern=pattern) == ("A17", ())
    names[1] = "A18_cam2"
    assert identified([], names=names, source="file_name", pattern=pattern) == ("", UNREAD)
    assert identified([], names=[], source="file_name", pattern=pattern) == ("", UNREAD)


def test_the_id_of_the_trigger_has_to_fit_too():
    assert identified([], "P-000017", source="trigger") == ("P-000017", ())
    assert identified([], "17", source="trigger") == ("", UNREAD)
    assert identified([], "", source="trigger") == ("", UNREAD)
    assert identified([], "anything", source="none") == ("anything", ())


def test_a_part_that_is_not_the_announced_one_is_a_mismatch():
    readings = [reading("P-000017", way) for way in ("one", "two")]
    assert identified(readings, "P-000018") == ("P-000017", MISMATCH)
    assert identified(readings, "nonsense") == ("P-000017", MISMATCH)
    assert identified(readings, "P-000017") == ("P-000017", ())
    assert identified([], "P-000018") == ("", UNREAD)


@pytest.mark.parametrize(
    ("kind", "right"),
    [
        ("gs1", ["4006381333931", "96385074", "036000291452", "106141412345678908"]),
        ("luhn", ["79927398713", "4539578763621486", "18"]),
    ],
)
def test_check_digits_of_published_examples_hold_and_no_single_error_does(kind, right):
    for part_id in right:
        assert has_check_digit(part_id, kind)
        for place, digit in enumerate(part_id):
            for other in "0123456789":
                changed = part_id[:place] + other + part_id[place + 1 :]
                assert has_check_digit(changed, kind) == (other == digit)
    assert not any(has_check_digit(text, kind) for text in ("", "0", "12a4", "٤٠"))


def test_a_bar_code_without_a_check_counts_only_where_its_length_is_fixed():
    """Part of an ITF code reads as a shorter one, in every way of decoding."""
    both = [reading("1892", way, "ITF") for way in ("one", "two")]
    assert identified(both, pattern=r"\d{1,8}") == ("", UNREAD)
    assert identified(both, pattern=r".{1,64}") == ("", UNREAD)
    assert identified(both, pattern=r"\d{4,8}") == ("", UNREAD)
    assert identified(both, pattern=r"\d{4}") == ("1892", ())
    garbled = [reading("P-509160>^,0*2&", way, "PDF417") for way in ("one", "two")]
    assert identified(garbled, pattern=r".{1,64}") == ("", UNREAD)
    gs1 = [reading("96385074", way, "ITF") for way in ("one", "two")]
    assert identified(gs1, pattern=r"\d+", check_digit="gs1") == ("96385074", ())


texts = st.sampled_from(["P-000017", "P-000018", "P-17", "x"])
readings_of = st.lists(
    st.builds(CodeReading, texts, st.sampled_from(["QRCode", "ITF"]), st.sampled_from("abcd")),
    max_size=8,
)


@given(readings_of, st.sampled_from(["", "P-000017", "P-000018"]), st.integers(1, 3))
def test_an_id_is_one_that_enough_read_and_none_contradicts(readings, trigger_id, agree):
    part_id, reasons = identified(readings, trigger_id, agree=agree)
    fitting = {one.text for one in readings if id_in(one.text, options())}
    if part_id:
        assert fitting == {part_id}
        assert len({one.source for one in readings if one.text == part_id}) >= agree
        assert reasons == (MISMATCH if trigger_id not in ("", part_id) else ())
    else:
        assert reasons == UNREAD


def test_five_hundred_damaged_codes_give_no_wrong_id():
    """Most of them are unread; a fifth at least is read, or nothing would have been tested."""
    rng = np.random.default_rng(12)
    outcomes: Counter[str] = Counter()
    kinds = {"QRCode": {}, "DataMatrix": {}, "Code128": {}, "EAN13": {},
             "ITF": {"pattern": r"\d{8}"}}  # fmt: skip
    for number in range(500):
        kind = list(kinds)[number % len(kinds)]
        text = _text(kind, rng)
        wanted = PartIdOptions(source="code", **kinds[kind])
        picture = damage(draw_code(text, kind), rng)
        part_id = identify(wanted, read_codes(picture, wanted), "", []).part_id
        outcomes["right" if part_id == text else "wrong" if part_id else "unread"] += 1
    assert outcomes["wrong"] == 0
    assert outcomes["right"] > 100
    assert outcomes["unread"] > 100


def _text(kind, rng):
    if kind == "ITF":
        return f"{rng.integers(10**8):08d}"
    if kind != "EAN13":
        return f"P-{rng.integers(10**6):06d}"
    digits = f"{rng.integers(10**12):012d}"
    return next(d for d in (f"{digits}{c}" for c in range(10)) if has_check_digit(d, "gs1"))


def test_only_the_recipes_formats_are_read():
    picture = draw_code("P-000017", "Code128")
    for formats, expected in ((("Code128",), "P-000017"), (("QRCode", "DataMatrix"), "")):
        wanted = options(formats=formats)
        assert identify(wanted, read_codes(picture, wanted), "", []).part_id == expected


def test_a_weakly_checked_bar_code_is_read_again_in_each_half():
    """Two halves of two different codes: each way of decoding would take one of them."""
    wanted = options(formats=("EAN13",), pattern=r"\d{13}")
    one, other = (draw_code(text, "EAN13") for text in ("4006381333931", "5901234123457"))
    whole = identify(wanted, read_codes(one, wanted), "", [])
    assert whole.part_id == "4006381333931"
    middle = len(one) // 2
    mixed = np.vstack([one[:middle], other[middle:]])
    assert identify(wanted, read_codes(mixed, wanted), "", []).part_id == ""
    flat = np.vstack([one[:30], one[40:42], one[-30:]])  # two rows of bars cannot be divided
    assert read_codes(flat, wanted) == []


def test_a_upc_e_counts_only_where_no_other_code_can_be_meant():
    picture = draw_code("01234565", "UPCE")
    assert read_codes(picture, options()) == []
    alone = options(formats=("UPCE",))
    assert {one.format for one in read_codes(picture, alone)} == {"UPCE"}


@pytest.mark.parametrize("turn", [0, 17, 90, 180, 200])
def test_turned_bar_codes_are_read_in_halves_too(turn):
    code = draw_code("4006381333931", "EAN13", scale=3)
    side = 700
    canvas = np.full((side, side), 255, np.uint8)
    top, left = (side - code.shape[0]) // 2, (side - code.shape[1]) // 2
    canvas[top : top + code.shape[0], left : left + code.shape[1]] = code
    matrix = cv2.getRotationMatrix2D((side / 2, side / 2), turn, 1.0)
    turned = cv2.warpAffine(canvas, matrix, (side, side), borderValue=255)
    wanted = options(pattern=r"\d{13}")
    assert identify(wanted, read_codes(turned, wanted), "", []).part_id == "4006381333931"


def grabbed(*pictures, name=""):
    frames = [
        CapturedFrame(f"camera{n}", data, None, 0.0, None, f"{n}", 9, name)
        for n, data in enumerate(pictures)
    ]
    return [Grabbed(frame.camera, frame, ()) for frame in frames]


def recipe(kind, cameras=1, **changes):
    all_cameras = [CameraOptions(name=f"camera{n}", kind=kind, source="0") for n in range(cameras)]
    return Recipe(number=1, product="cell", cameras=all_cameras, part_id=options(**changes))


@pytest.mark.parametrize("kind", ["folder", "video"])
def test_a_part_is_known_by_the_code_in_its_picture(kind):
    """Files are read in the sandbox, own frames in this process; the answer is the same."""
    right = encode(on_part(draw_code("P-000017")))
    blurred = encode(np.full((480, 640, 3), 150, np.uint8))
    with PartIdReader(recipe(kind), Settings()) as reader:
        assert (reader._sandbox is not None) == (kind == "folder")
        for picture, trigger_id, expected in (
            (right, "", ("P-000017", ())),
            (right, "P-000018", ("P-000017", MISMATCH)),
            (blurred, "", ("", UNREAD)),
            (b"no picture", "", ("", UNREAD)),
        ):
            found = reader(Trigger(1, 0.0, part_id=trigger_id), grabbed(picture))
            assert (found.part_id, found.reasons) == expected


def test_a_file_that_does_not_decode_is_not_read_for_codes():
    right = encode(on_part(draw_code("P-000017")))
    with PartIdReader(recipe("folder"), Settings()) as reader:
        trigger = Trigger(1, 0.0, faults=(LineReason.UNREADABLE,))
        assert reader(trigger, grabbed(right)).reasons == UNREAD


def test_two_cameras_that_see_two_parts_give_no_id():
    pictures = [encode(on_part(draw_code(f"P-00001{n}"))) for n in (7, 8)]
    with PartIdReader(recipe("video", cameras=2), Settings()) as reader:
        assert reader(Trigger(1, 0.0), grabbed(*pictures)).reasons == UNREAD
        assert reader(Trigger(1, 0.0), grabbed(pictures[0])).part_id == "P-000017"
        missing = [replace(one, frame=None) for one in grabbed(*pictures)]
        assert reader(Trigger(1, 0.0), missing).reasons == UNREAD


def test_the_id_may_be_the_files_name():
    with PartIdReader(recipe("folder", source="file_name"), Settings()) as reader:
        found = reader(Trigger(1, 0.0), grabbed(b"", name="P-000017.jpg"))
        assert found.part_id == "P-000017"


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"pattern": "("}, "expected a regular expression"),
        ({"formats": ("QRCod3",)}, "not a valid barcode format"),
        ({"formats": ("UPCE", "EAN13")}, "stands beside others"),
    ],
)
def test_a_recipe_that_cannot_be_read_by_is_refused(wrong, error):
    with pytest.raises(ValidationError, match=error):
        recipe("video", **wrong)


@pytest.mark.parametrize("text", ["A\x1b[2J", "A\n=1", "\ufffd1", "A\x00", "A\u202e"])
@pytest.mark.parametrize("source", ["none", "trigger"])
def test_a_trigger_that_brings_no_plain_text_brings_no_id(text, source):
    any_text = {"source": source, "pattern": ".{1,64}", "check_digit": "none"}
    assert identified([], trigger_id=text, **any_text) == ("", UNREAD)
    assert identified([], trigger_id="A 1-\u00e4", **any_text) == ("A 1-\u00e4", ())

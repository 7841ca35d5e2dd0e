"""Pictures of several bands, and tiles of larger ones: from bytes to a verdict."""

import hashlib
import io
import re
from dataclasses import replace

import cv2
import numpy as np
import pytest

from core import packs
from core.errors import ConfigError, UnreadableImage
from core.imaging.files import wrap_bytes
from core.imaging.function_sandbox import FunctionSandbox, unparsed
from core.imaging.sandbox import Sandbox
from core.service.assessment.assessor import Assessor
from core.settings import Settings
from core.types import Disposition, Frame, Reason, Sample, Tile, Unreadable
from tests.contract import bands_pack
from tests.contract.bands_pack import BANDS, SIDE, pack

ENTRY = "tests.contract.bands_pack:pack"


def as_bytes(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.fixture(scope="module")
def product(tiny_product):
    """The plates' product, whose pictures come as false colours of five bands from now on."""
    bundle, policy = tiny_product.opened()
    return replace(bundle, pack=pack), policy


@pytest.fixture(scope="module")
def plates(tiny_product):
    return [cv2.imread(str(path)) for path in tiny_product.pictures("test")[:4]]


def five_bands(plate):
    """Lay a plate's colours into near infrared, red and green; the other bands are noise."""
    noise = np.random.default_rng(0).random((*plate.shape[:2], 2), dtype=np.float32)
    blue, green, red = np.moveaxis(plate.astype(np.float32) / 255, 2, 0)
    return np.stack([noise[..., 0], blue, green, noise[..., 1], red], axis=2)


@pytest.fixture
def assessor(tiny_product, product, monkeypatch):
    monkeypatch.setattr("core.service.bundles.decoders.entry_of", {"bands": ENTRY}.get)
    with Assessor(*product, tiny_product.settings) as opened:
        yield opened


def test_five_float_bands_come_to_the_verdict_of_the_colours_made_of_them(
    tiny_product, product, plates, assessor, monkeypatch
):
    made = [assessor.one(as_bytes(five_bands(plate))) for plate in plates]
    bundle, policy = product
    as_usual = replace(bundle, pack=packs.load("domains.parts:pack"))
    monkeypatch.setattr("core.service.bundles.decoders.entry_of", packs.entry_of)
    with Assessor(as_usual, policy, tiny_product.settings) as usual:
        expected = [usual.one(bytes(cv2.imencode(".png", plate)[1])) for plate in plates]
    for one, other in zip(made, expected, strict=True):
        assert one.evidence.features.tobytes() == other.evidence.features.tobytes()
        assert one.verdict == other.verdict
        assert one.tile is None
    assert {one.verdict.disposition for one in made} > {Disposition.NEGATIVE}


def test_tiles_of_a_mosaic_come_to_verdicts_that_name_their_place(product, plates, assessor):
    rows = [np.hstack([five_bands(one) for one in plates[at : at + 2]]) for at in (0, 2)]
    whole = np.vstack(rows)
    assert whole.shape == (2 * SIDE, 2 * SIDE, 5)
    item = wrap_bytes("field.npy", as_bytes(whole))
    cutting = FunctionSandbox(
        "tests.contract.bands_pack:cut",
        Settings(),
        unparsed,
        arguments={"side": SIDE},
        outbox_bytes=whole.nbytes,
    )
    with cutting:
        tiles = list(bands_pack.frames_of(cutting.call(item.data), item.sha256))
    found = list(assessor.frames(Sample(f"tile {n}", one) for n, one in enumerate(tiles)))
    assert [one.tile for one in found] == [
        Tile(item.sha256, row, column) for row in (0, SIDE) for column in (0, SIDE)
    ]
    alone = [assessor.one(as_bytes(five_bands(plate))) for plate in plates]
    for one, other in zip(found, alone, strict=True):
        assert one.evidence.features.tobytes() == other.evidence.features.tobytes()
        assert one.verdict == other.verdict


def test_a_tile_keeps_its_place_through_the_decoder_process(product):
    with Sandbox("tests.contract.bands_pack:tiled", SIDE, Settings()) as sandbox:
        (sample,) = sandbox.samples([wrap_bytes("a", as_bytes(np.zeros((96, 96, 5), np.float32)))])
    assert sample.frame.tile == Tile("f" * 64, 7, 8)


def test_bands_that_a_pack_does_not_take_are_unreadable_and_never_a_verdict(product, assessor):
    made = assessor.one(as_bytes(np.zeros((96, 96, 5), np.float32)[:, :, :4]))
    assert [finding.reason for finding in made.verdict.findings] == [Reason.UNREADABLE]
    five = bands_pack.frame_of(np.zeros((96, 96, 5), np.float32), "0" * 64)
    parts = packs.load("domains.parts:pack")
    with pytest.raises(UnreadableImage, match="blue, green, red, red edge"):
        parts.prepare(five, SIDE)


@pytest.mark.parametrize(
    ("shape", "dtype", "given", "message"),
    [
        ((4, 4, 13), np.uint8, {"bit_depth": 8}, "1 to 12"),
        ((4, 4), np.uint8, {"bit_depth": 8}, "1 to 12"),
        ((4, 4, 5), np.float64, {"bit_depth": 32, "bands": BANDS}, "float64"),
        ((4, 4, 5), np.float32, {"bit_depth": 16, "bands": BANDS}, "bit_depth: 16"),
        ((4, 4, 5), np.uint16, {"bit_depth": 12}, "expected 5 different names"),
        ((4, 4, 2), np.uint16, {"bit_depth": 12, "bands": ("red", "red")}, "red, red"),
    ],
)
def test_a_frame_that_is_none_is_refused(shape, dtype, given, message):
    bit_depth = given.pop("bit_depth")
    with pytest.raises(ValueError, match=message):
        Frame(np.zeros(shape, dtype), bit_depth, "", shape[:2], **given)


def test_usual_bands_have_their_names():
    assert Frame(np.zeros((2, 2, 1), np.uint8), 8, "", (2, 2)).bands == ("grey",)
    colours = Frame(np.zeros((2, 2, 3), np.uint8), 8, "", (2, 2))
    colours.pixels[:, :, 1] = 9
    assert np.array_equal(colours.band("green"), np.full((2, 2), 9))


def test_a_tile_lies_inside_of_a_picture_that_has_a_name():
    for wrong in (("", 0, 0), ("a", -1, 0), ("a", 0, -1)):
        with pytest.raises(ValueError, match="tile"):
            Tile(*wrong)


def test_a_named_function_gives_arrays_and_a_record_out_of_bytes():
    sandbox = FunctionSandbox(
        "tests.contract.bands_pack:say",
        Settings(),
        unparsed,
        arguments={"n": [1, None]},
        outbox_bytes=16,
    )
    with sandbox:
        found = sandbox.call(b"\x01\x02\x03")
        assert found.arrays["twice"].tolist() == [2, 4, 6]
        assert found.record["name"] == "Jané"
        assert found.record["n"] == [1, None]
        assert found.record["max_pixels"] == Settings().max_pixels
        assert isinstance(sandbox.call(b"x" * 17), Unreadable), "more than its outbox holds"
        assert sandbox.call(b"\x04").arrays["twice"].tolist() == [8]


@pytest.mark.parametrize(
    ("function", "message"),
    [("crash", r"crashed on this picture \(SIGABRT\)"), ("boast", "its arrays take 8000 bytes")],
)
def test_a_function_that_dies_or_gives_too_much_is_unreadable(function, message):
    with FunctionSandbox(f"tests.contract.bands_pack:{function}", Settings(), unparsed) as sandbox:
        for _ in range(2):
            outcome = sandbox.call(b"x")
            assert isinstance(outcome, Unreadable)
            assert re.search(message, outcome.message)


def test_a_function_that_is_not_there_is_named():
    with (
        FunctionSandbox("tests.contract.bands_pack:nothing", Settings(), unparsed) as sandbox,
        pytest.raises(ConfigError, match="bands_pack:nothing"),
    ):
        sandbox.call(b"x")


@pytest.fixture
def large_file(tmp_path):
    """A sandbox whose function reads a file that never travels, and is not where it may look."""
    path = tmp_path / "large"
    path.write_bytes(bytes(range(100)))
    with path.open("rb") as file:
        path.unlink()
        with FunctionSandbox(
            "tests.contract.bands_pack:read_at",
            Settings(),
            unparsed,
            outbox_bytes=8,
            file=file.fileno(),
        ) as sandbox:
            yield sandbox


def test_parts_of_an_open_file_are_read_in_order_and_one_that_kills_takes_none_along(large_file):
    asked = [*range(40), 13, *range(40, 60)]

    found = list(large_file.map(str(at).encode() for at in asked))

    values = [None if isinstance(one, Unreadable) else one.arrays["byte"][0] for one in found]
    assert values == [None if at == 13 else at for at in asked]
    assert len({one.record["pid"] for one in found if not isinstance(one, Unreadable)}) > 1


def test_several_processes_read_parts_in_order_and_nonsense_costs_its_part_alone(tmp_path):
    path = tmp_path / "large"
    path.write_bytes(bytes(range(100)))

    def parse(output, sha256):
        value = int(output.arrays["byte"][0])
        if value == 17:
            raise ValueError("no such byte")
        return value, sha256, output.record["pid"]

    with (
        path.open("rb") as file,
        FunctionSandbox(
            "tests.contract.bands_pack:read_at",
            Settings(),
            parse,
            outbox_bytes=8,
            processes=3,
            batch=2,
            file=file.fileno(),
        ) as sandbox,
    ):
        found = list(sandbox.map(str(at).encode() for at in range(14, 50)))

    nonsense = found.pop(3)
    assert isinstance(nonsense, Unreadable)
    assert "nonsense" in nonsense.message
    expected = [at for at in range(14, 50) if at != 17]
    digests = [hashlib.sha256(str(at).encode()).hexdigest() for at in expected]
    assert [one[:2] for one in found] == list(zip(expected, digests, strict=True))
    assert len({pid for _, _, pid in found}) >= 3


def test_parts_are_read_a_batch_ahead_and_left_when_nobody_wants_more(large_file):
    taken = []
    parts = large_file.map(str(taken.append(at) or at).encode() for at in range(20, 90))

    assert next(parts).arrays["byte"][0] == 20
    assert len(taken) == 32
    with pytest.raises(ValueError, match="no `map`"):
        large_file.call(b"99")
    parts.close()
    assert large_file.call(b"99").arrays["byte"][0] == 99
    with pytest.raises(ValueError, match="65536"):
        list(large_file.map([b"1" * 65537]))


def test_a_sandbox_ends_though_somebody_still_has_parts_of_it(tmp_path):
    path = tmp_path / "large"
    path.write_bytes(bytes(range(100)))
    with path.open("rb") as file:
        with FunctionSandbox(
            "tests.contract.bands_pack:read_at",
            Settings(),
            unparsed,
            outbox_bytes=8,
            file=file.fileno(),
        ) as sandbox:
            parts = sandbox.map(str(at).encode() for at in range(20, 90))
            next(parts)
        parts.close()

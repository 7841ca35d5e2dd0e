"""Which value of a 16-bit file is white: measured on training pictures, never on the picture."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from core.imaging.attempt import attempt
from core.imaging.depth import CHECK, describe_depths, measure, peak_of
from core.packs import pack_named
from core.types import Frame, Prepared, Reason

PNG = "PNG of 16 bits, grey"
SIDE = 64


@pytest.fixture(scope="module")
def parts():
    return pack_named("parts")


def plate(bits: int, light: float = 1.0) -> np.ndarray:
    """Grey levels 0.1 to 0.9 of what ``bits`` hold, times ``light``."""
    grey = np.random.default_rng(7).uniform(0.1, 0.9, (SIDE, SIDE)) * light
    return (np.clip(grey, 0, 1) * (2**bits - 1)).astype(np.uint16)


def png(pixels: np.ndarray, suffix: str = ".png") -> bytes:
    return cv2.imencode(suffix, pixels)[1].tobytes()


def pgm(pixels: np.ndarray, largest: int) -> bytes:
    head = f"P5 {pixels.shape[1]} {pixels.shape[0]} {largest}\n".encode()
    return head + pixels.astype(">u2").tobytes()


def prepared(pack, data: bytes, depths) -> Prepared:
    outcome, _ = attempt(pack, data, SIDE, 10**7, depths)
    assert isinstance(outcome, Prepared)
    return outcome


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize(
    ("written", "source"),
    [
        (png, PNG),
        (lambda pixels: png(pixels, ".tiff"), "TIFF of 16 bits, grey"),
        (lambda pixels: pgm(pixels, 65535), "PNM of 16 bits, grey"),
    ],
)
def test_a_camera_of_fewer_bits_looks_as_one_of_sixteen(parts, bits, written, source):
    measured = prepared(parts, written(plate(bits)), None)
    depths = measure([(measured.source, measured.peak)])

    assert depths == {source: bits}
    narrow = prepared(parts, written(plate(bits)), depths)
    whole = prepared(parts, written(plate(16)), {source: 16})
    assert np.abs(narrow.pixels.astype(int) - whole.pixels).max() <= 1
    assert narrow.findings == whole.findings == ()


def test_colour_and_grey_are_sources_of_their_own(parts):
    colour = np.dstack([plate(12)] * 3)

    assert prepared(parts, png(colour), None).source == "PNG of 16 bits, colour"


def test_a_header_that_states_the_range_is_a_source_of_that_range(parts):
    stated = prepared(parts, pgm(plate(12), 4095), {})

    assert stated.source == "PNM of 12 bits, grey"
    assert stated.pixels.max() > 200


def test_files_of_eight_bits_need_no_measure(parts):
    eight = prepared(parts, png((plate(8)).astype(np.uint8)), {PNG: 12})

    assert (eight.source, eight.peak, eight.findings) == ("", 0, ())


def test_light_stays_a_difference(parts):
    usual, dim = (prepared(parts, png(plate(12, light)), {PNG: 12}) for light in (1.0, 0.5))

    assert dim.measures["brightness"] == pytest.approx(usual.measures["brightness"] / 2, abs=1)


def test_a_full_range_beside_a_camera_of_twelve_bits_is_seen(parts):
    full = prepared(parts, png(plate(16)), {PNG: 12})

    (found,) = [one for one in full.findings if one.check == CHECK]
    assert found.reason is Reason.WRONG_INPUT
    assert "in the training pictures (PNG of 16 bits, grey) they end at 4095" in found.detail


@pytest.mark.parametrize("depths", [{}, {"TIFF of 16 bits, grey": 16}])
def test_a_source_that_no_training_picture_had_is_judged_only_where_white_is_plain(parts, depths):
    narrow, full = (prepared(parts, png(plate(bits)), depths) for bits in (12, 16))

    assert [one.check for one in full.findings] == []
    details = [one.detail for one in narrow.findings if one.check == CHECK]
    assert len(details) == 1
    assert "no training picture says which value is white" in details[0]


def test_a_stray_picture_or_hot_cell_sets_no_range():
    pixels = np.tile(plate(12), (3, 3))[:, :, None]
    pixels[0, 0] = 65535
    frame = Frame(pixels, 16, "", (SIDE, SIDE), source=PNG)

    assert peak_of(frame) < 4096
    assert measure([(PNG, 4000)] * 99 + [(PNG, 65535)]) == {PNG: 12}
    assert measure([(PNG, 4000)] * 97 + [(PNG, 65535)] * 3) == {PNG: 16}
    assert measure([(PNG, 4000), (PNG, 65535)]) == {PNG: 16}


@pytest.mark.parametrize(
    ("peak", "bits"),
    [(0, 8), (255, 8), (256, 10), (1023, 10), (1024, 12), (4095, 12), (4096, 14), (16384, 16)],
)
def test_ranges_end_where_those_of_cameras_do(peak, bits):
    assert measure([(PNG, peak), ("", 9)]) == {PNG: bits}


def test_the_peak_of_a_picture_is_what_almost_all_values_do_not_exceed():
    values = np.zeros((100, 100, 1), np.uint16)
    values[0, :2] = [[500], [300]]  # one value in 10,000 may lie above

    assert peak_of(Frame(values, 16, "", (100, 100), source=PNG)) == 300


def test_where_white_is_and_what_looks_like_two_cameras_is_said():
    assert describe_depths([(PNG, 4000)] * 5 + [("", 0)]) == [
        f"{PNG}: the data use 12 bits, white is 4095."
    ]
    assert describe_depths([(PNG, 60000)] * 5) == []
    (details,) = describe_depths([(PNG, 4000)] * 5 + [(PNG, 60000)] * 5)
    assert details.startswith(
        f"{PNG}: in 5 of 10 pictures no value reaches 4096, though white is 65535"
    )

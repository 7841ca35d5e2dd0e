import math

import cv2
import numpy as np
import pytest
from PIL import Image

from core.imaging.square import prepare
from core.types import Frame, Reason


def a_frame(pixels: np.ndarray, bit_depth: int = 8) -> Frame:
    pixels = pixels if pixels.ndim == 3 else pixels[:, :, None]
    return Frame(pixels, bit_depth, "ab" * 32, pixels.shape[:2])


def waves(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    layers = [np.sin(17 * x + 5 * y), np.cos(23 * y - 3 * x), np.sin(9 * x * y + 2)]
    return (128 + 90 * np.stack(layers, axis=2)).astype(np.uint8)


@pytest.mark.parametrize(
    "shape", [(300, 300), (224, 224), (100, 60), (447, 447), (480, 640), (300, 1280), (901, 777)]
)
def test_the_whole_picture_is_in_view_at_any_size_and_shape(shape):
    picture = waves(*shape)

    prepared = prepare(a_frame(picture), 224)

    pillow = Image.fromarray(picture).resize((224, 224), Image.Resampling.BILINEAR)
    assert prepared.pixels.shape == (224, 224, 3)
    assert np.abs(prepared.pixels.astype(np.int64) - np.asarray(pillow)).mean() < 1.5
    assert prepared.source_size == shape
    assert prepared.sha256 == "ab" * 32
    assert prepared.findings == ()


def test_fine_detail_is_averaged_and_not_sampled_when_a_picture_shrinks():
    checks = (np.indices((896, 896)).sum(axis=0) % 2 * 255).astype(np.uint8)

    prepared = prepare(a_frame(checks), 224)

    assert np.unique(prepared.pixels).tolist() in ([127], [128])


def test_a_defect_at_the_very_edge_stays_in_the_picture():
    plate = np.full((900, 1300), 200, np.uint8)
    plate[-8:, -8:] = 0

    prepared = prepare(a_frame(plate), 224)

    assert prepared.pixels[-1, -1, 0] < 80
    assert prepared.pixels[-4, -4, 0] == 200


@pytest.mark.parametrize("bit_depth", [10, 12, 16])
def test_deep_pictures_are_scaled_by_the_bits_that_carry_signal(bit_depth):
    full = 2**bit_depth - 1
    ramp = np.linspace(0, full, 224).astype(np.uint16)

    prepared = prepare(a_frame(np.tile(ramp, (224, 1)), bit_depth), 224)

    np.testing.assert_array_equal(prepared.pixels[7, :, 0], np.rint(ramp * (255 / full)))


def test_grey_becomes_three_equal_channels():
    grey = np.ascontiguousarray(waves(224, 224)[..., 0])

    pixels = prepare(a_frame(grey), 224).pixels

    for channel in range(3):
        np.testing.assert_array_equal(pixels[..., channel], grey)


def test_the_measures_agree_with_their_definitions():
    picture = waves(224, 224)
    picture[:40, :30] = 0
    picture[:20, 200:] = 255

    measures = prepare(Frame(picture, 8, "", (600, 900)), 224).measures

    grey = np.float64(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY))
    padded = np.pad(grey, 1, mode="reflect")
    laplacian = (
        padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:] - 4 * grey
    )
    assert measures["sharpness"] == pytest.approx(math.log1p((laplacian**2).mean()))
    assert measures["brightness"] == pytest.approx(grey.mean())
    assert measures["contrast"] == pytest.approx(grey.std())
    assert measures["clipped dark"] == pytest.approx((grey <= 2).mean())
    assert measures["clipped bright"] == pytest.approx((grey >= 253).mean())
    assert measures["aspect ratio"] == pytest.approx(math.log(1.5))
    assert measures["size"] == pytest.approx(math.log(600))


@pytest.mark.parametrize(("x", "y"), [(0.25, 0.25), (0.75, 0.25), (0.5, 0.8)])
def test_the_centre_of_detail_follows_the_part(x, y):
    scene = np.full((224, 224), 60, np.uint8)
    cv2.circle(scene, (round(224 * x), round(224 * y)), 25, 220, -1)

    measures = prepare(a_frame(scene), 224).measures

    assert measures["centre x"] == pytest.approx(x, abs=0.02)
    assert measures["centre y"] == pytest.approx(y, abs=0.02)


def test_blur_lowers_the_sharpness_and_little_else():
    squares = (np.indices((448, 448)) // 28).sum(axis=0) % 2 * 180 + np.uint8(40)
    squares = squares.astype(np.uint8)

    sharp = prepare(a_frame(squares), 224).measures
    soft = prepare(a_frame(cv2.GaussianBlur(squares, (0, 0), 4)), 224).measures

    assert soft["sharpness"] < sharp["sharpness"] - 2
    assert soft["brightness"] == pytest.approx(sharp["brightness"], abs=2)


NOISE = np.random.default_rng(0).integers(40, 200, (64, 64), np.uint8)
POOR = {
    "blank": (np.full((64, 64), 130, np.uint8), "blank"),
    "nearly blank": (np.full((64, 64), 130, np.uint8) + (NOISE > 120), "blank"),
    "black": (np.zeros((64, 64), np.uint8), "exposure"),
    "only black and white": (np.where(NOISE > 120, 255, 0).astype(np.uint8), "exposure"),
    "small": (NOISE[:31], "size: expected at least 32 pixels a side, got 64 x 31"),
}


@pytest.mark.parametrize("name", POOR)
def test_what_no_picture_looks_like_is_poor_quality(name):
    pixels, detail = POOR[name]

    findings = prepare(a_frame(pixels), 64).findings

    assert {finding.reason for finding in findings} == {Reason.POOR_QUALITY}
    assert any(detail in finding.detail for finding in findings)


def test_an_ordinary_picture_has_no_findings():
    assert prepare(a_frame(NOISE), 64).findings == ()

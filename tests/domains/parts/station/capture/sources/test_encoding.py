"""A frame survives its encoding: colours in place, errors below a camera's noise."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from core.imaging.decode import decode
from domains.parts.station.capture.sources.encoding import encode


def a_frame(colour=True, seed=0):
    rng = np.random.default_rng(seed)
    base = cv2.resize(rng.integers(30, 220, (6, 8, 3), np.uint8), (160, 120))
    noisy = np.clip(base + rng.normal(0, 2, base.shape), 0, 255).astype(np.uint8)
    return noisy if colour else noisy[:, :, 0]


@pytest.mark.parametrize("colour", [True, False])
def test_a_frame_comes_back_with_small_errors_and_the_same_channels(colour):
    frame = a_frame(colour)
    pixels = decode(encode(frame), 10**6, 0).pixels
    again = pixels if colour else pixels[:, :, 0]
    assert again.shape == frame.shape
    assert np.abs(again.astype(int) - frame).mean() < 2


def test_a_coloured_mark_of_one_pixel_stays():
    frame = np.full((64, 64, 3), 120, np.uint8)
    frame[32, 32] = (200, 90, 90)
    pixel = decode(encode(frame), 10**6, 0).pixels[32, 32].astype(int)
    assert pixel[0] - pixel[2] > 80


def test_more_than_eight_bits_are_kept_exactly():
    rng = np.random.default_rng(0)
    for shape in ((30, 40), (30, 40, 3)):
        frame = rng.integers(0, 2**16, shape, np.uint16)
        again = cv2.imdecode(np.frombuffer(encode(frame), np.uint8), cv2.IMREAD_UNCHANGED)
        assert np.array_equal(again if len(shape) == 2 else again[:, :, ::-1], frame)


def test_a_cut_out_region_is_encoded_as_it_is():
    frame = a_frame()
    region = frame[10:50, 20:80]
    assert encode(region) == encode(np.ascontiguousarray(region))

from __future__ import annotations

import cv2
import numpy as np
import pytest

from core.checking.fingerprints import Fingerprints
from core.checking.known_copies import match_copies
from core.checking.signature import SIDE, structure
from core.checking.view_search import ViewSearch

WIDE, HIGH = 384, 192


def surface(rng):
    """A wide part: the same rails on each, and grain of its own."""
    grain = cv2.resize(rng.normal(0, 30, (30, 60)), (WIDE, HIGH), interpolation=cv2.INTER_CUBIC)
    grain[60:70] -= 60
    return np.clip(120 + grain, 0, 255).astype(np.uint8)


def details(pictures):
    square = [cv2.resize(one, (128, 128), interpolation=cv2.INTER_AREA) for one in pictures]
    return np.stack(square)


def fingerprints(pictures):
    numbers = np.arange(len(pictures))
    return Fingerprints.of(details(pictures), numbers, numbers)


@pytest.fixture(scope="module")
def line():
    rng = np.random.default_rng(0)
    return [surface(rng) for _ in range(30)]


@pytest.fixture(scope="module")
def known(line):
    return fingerprints(line)


def turned(picture, degrees):
    matrix = cv2.getRotationMatrix2D((WIDE / 2, HIGH / 2), degrees, 1.0)
    return cv2.warpAffine(picture, matrix, (WIDE, HIGH), borderMode=cv2.BORDER_REFLECT)


def brighter(picture, factor):
    return np.clip(picture * factor, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    "again",
    [
        lambda p: p[:173, 38:],
        lambda p: p[15:-4, 9:-29],
        lambda p: p[3:-7, 7:-12][:, ::-1],
        lambda p: turned(p, 4),
        lambda p: brighter(p, 1.2),
        lambda p: brighter(p, 0.6),
        lambda p: brighter(p[8:-2, 3:-16], 1.15),
    ],
)
def test_a_part_wherever_it_was_cut_out_is_known_again(line, known, again):
    found = match_copies(known, details([again(line[3]), again(line[20])]))
    assert found.tolist() == [3, 20]


def test_other_parts_are_no_copies_however_they_are_laid(known):
    rng = np.random.default_rng(1)
    found = match_copies(known, details([surface(rng) for _ in range(20)]))
    assert (found == -1).all()


def test_things_of_one_shape_that_lie_elsewhere_on_a_plain_ground_are_no_copies():
    rng = np.random.default_rng(2)

    def thing():
        picture = np.full((HIGH, WIDE), 240, np.uint8)
        x, y = (int(one) for one in rng.uniform((180, 90), (204, 102)))
        cv2.ellipse(picture, (x, y), (110, 50), float(rng.normal(0, 2)), 0, 360, 90, -1)
        cv2.circle(picture, (x - 40, y - 10), 8, 30, -1)
        cv2.circle(picture, (x + 35, y + int(rng.integers(-9, 9))), 12, 160, -1)
        return picture

    known = fingerprints([thing() for _ in range(30)])
    assert (match_copies(known, details([thing() for _ in range(10)])) == -1).all()


def test_the_best_view_of_a_crop_agrees_far_better_than_the_whole(line):
    known = fingerprints(line)
    search = ViewSearch(known.strengths.astype(np.float32))
    crop = cv2.resize(line[5][10:-9, 20:-18], (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    alike = search.correlations(structure(crop))
    assert int(alike.argmax()) == 5
    assert alike[5] > 0.9
    without = np.arange(30) == 5
    assert search.correlations(structure(crop), without)[5] == -1.0

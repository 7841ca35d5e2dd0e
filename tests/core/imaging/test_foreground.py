"""The foreground, in OpenCV and inside a network's module: the leaf and not its ground."""

import cv2
import numpy as np
import pytest
import torch

from core.imaging.foreground import GREY, find_foreground, paint_background
from core.model.network.foreground import _foreground, pool_foreground


def a_leaf(ground, colour=(60, 140, 40)):
    picture = np.full((224, 224, 3), ground, np.uint8)
    cv2.ellipse(picture, (112, 112), (80, 45), 30, 0, 360, colour, -1)
    cv2.circle(picture, (112, 112), 3, (120, 120, 122), -1)
    return picture


LEAF = a_leaf((255, 255, 255))[:, :, 1] < 200


@pytest.mark.parametrize(
    "ground", [(250, 250, 250), (120, 118, 121), (0, 0, 0), (120, 160, 230)],
    ids=["paper", "board", "mask", "sky"],
)  # fmt: skip
@pytest.mark.parametrize("colour", [(60, 140, 40), (190, 170, 60), (110, 70, 30)])
def test_the_leaf_is_kept_with_the_hole_in_it_and_the_ground_is_not(ground, colour):
    found = find_foreground(a_leaf(ground, colour)).astype(bool)

    assert (found & LEAF).sum() / LEAF.sum() > 0.98
    assert (found & ~LEAF).mean() < 0.01


def test_where_nothing_is_coloured_all_is_foreground_and_nothing_is_painted():
    grey = np.random.default_rng(0).integers(0, 256, (64, 64, 1), np.uint8).repeat(3, 2)

    assert find_foreground(grey).all()
    assert np.array_equal(paint_background(grey), grey)


def test_the_ground_is_painted_and_the_leaf_stays():
    picture = a_leaf((250, 250, 250))
    painted = paint_background(picture)

    assert np.array_equal(painted[112, 90], picture[112, 90])
    assert painted[5, 5].tolist() == [GREY] * 3


@pytest.mark.parametrize("seed", range(3))
def test_the_module_finds_what_opencv_finds(seed):
    noise = np.random.default_rng(seed).integers(0, 256, (28, 28, 3), np.uint8)
    picture = cv2.resize(noise, (224, 224), interpolation=cv2.INTER_CUBIC)
    found = _foreground(torch.from_numpy(picture[None]))[0, 0].numpy()

    assert (found == find_foreground(picture)).mean() > 0.999
    assert 0.05 < found.mean() < 0.95


def test_a_map_is_averaged_over_the_foreground_alone():
    picture = np.full((224, 224, 3), 250, np.uint8)
    picture[:, :112] = (60, 140, 40)
    found = torch.zeros(1, 2, 8, 8)
    found[0, 0, :, :4], found[0, 1, :, 4:] = 3.0, 7.0
    (left, right) = pool_foreground(torch.from_numpy(picture[None]), found)[0].tolist()

    assert left == pytest.approx(3.0, abs=0.01)
    assert right == pytest.approx(0.0, abs=0.01)

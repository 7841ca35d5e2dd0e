from __future__ import annotations

import cv2
import numpy as np
import pytest

from core.checking import duplicates
from core.checking.duplicates import cells, clusters, exact_copies, near_copies


def part(rng, grey=128):
    """A part of one kind: the same rails on each, and a grain of its own."""
    picture = np.full((256, 256), float(grey))
    picture[80:88] -= 70
    picture[170:178] -= 70
    grain = cv2.resize(rng.normal(0, 12, (64, 64)), (256, 256), interpolation=cv2.INTER_CUBIC)
    return np.clip(picture + grain, 0, 255).astype(np.uint8)


def surface(rng):
    """A surface without anything that all of its kind share."""
    grain = cv2.resize(rng.normal(0, 40, (40, 40)), (256, 256), interpolation=cv2.INTER_CUBIC)
    return np.clip(128 + grain, 0, 255).astype(np.uint8)


def detail(picture):
    return cv2.resize(picture, (128, 128), interpolation=cv2.INTER_AREA)


def saved(picture, quality):
    data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return cv2.imdecode(data, cv2.IMREAD_GRAYSCALE)


def a_line(seed=0, n=60):
    rng = np.random.default_rng(seed)
    return [part(rng, int(rng.integers(110, 150))) for _ in range(n)]


def test_different_parts_of_one_kind_are_no_copies():
    assert near_copies(np.stack([detail(one) for one in a_line(n=300)])) == []


@pytest.mark.parametrize(
    "again",
    [
        lambda p: saved(p, 60),
        lambda p: saved(cv2.resize(p, (180, 180), interpolation=cv2.INTER_AREA), 90),
        lambda p: np.clip(p.astype(int) + 12, 0, 255).astype(np.uint8),
    ],
)
def test_a_picture_saved_again_smaller_or_brighter_is_found(again):
    line = a_line()
    pictures = [*line, again(line[7]), again(line[31])]
    assert near_copies(np.stack([detail(one) for one in pictures])) == [[7, 60], [31, 61]]


def test_nearest_neighbours_find_what_all_pairs_find():
    line = a_line(3, 40)
    pictures = [saved(line[i % 40], 95 - i // 40) for i in range(130)]
    found = near_copies(np.stack([detail(one) for one in pictures]))
    assert found == [[i, *range(i + 40, 130, 40)] for i in range(40)]


def test_flat_pictures_are_not_compared():
    flat = [np.full((128, 128), shade, np.uint8) for shade in (20, 20, 200)]
    assert near_copies(np.stack(flat)) == []


def test_one_picture_or_none_has_no_copy():
    assert near_copies(np.zeros((0, 128, 128), np.uint8)) == []
    assert near_copies(np.zeros((1, 128, 128), np.uint8)) == []


def test_another_shape_of_details_is_refused():
    with pytest.raises(ValueError, match="128"):
        near_copies(np.zeros((2, 32, 32), np.uint8))


def test_the_same_digest_makes_a_set():
    assert exact_copies(["a", "b", "a", "c", "b", "a"]) == [[0, 2, 5], [1, 4]]


def test_pairs_are_joined_into_sets_through_their_neighbours():
    assert clusters(7, [(5, 1), (1, 2), (4, 6)]) == [[1, 2, 5], [4, 6]]
    assert clusters(3, []) == []


@pytest.mark.parametrize(
    "again",
    [
        lambda p: p[:, ::-1],
        lambda p: p[::-1],
        lambda p: np.rot90(p),
        lambda p: p[13:-13, 13:-13],
        lambda p: cv2.warpAffine(
            p, cv2.getRotationMatrix2D((128, 128), 8, 1.1), (256, 256), borderMode=2
        ),
        lambda p: cv2.GaussianBlur(p, (0, 0), 1.5),
        lambda p: 255 - p,
        lambda p: 255 - p[::-1],
    ],
)
def test_a_picture_mirrored_turned_cropped_or_blurred_is_found(again):
    rng = np.random.default_rng(4)
    line = [surface(rng) for _ in range(60)]
    pictures = [*line, np.ascontiguousarray(again(line[7])), np.ascontiguousarray(again(line[31]))]
    assert near_copies(np.stack([detail(one) for one in pictures])) == [[7, 60], [31, 61]]


def test_copies_are_found_in_cells_as_among_all_pairs(monkeypatch):
    rng = np.random.default_rng(5)
    line = [surface(rng) for _ in range(250)]
    agains = [lambda p: saved(p, 60), lambda p: p[:, ::-1], lambda p: p[13:-13, 13:-13]]
    made = [np.ascontiguousarray(agains[i % 3](line[i])) for i in range(0, 250, 5)]
    details = np.stack([detail(one) for one in [*line, *made]])
    planted = [[i, 250 + at] for at, i in enumerate(range(0, 250, 5))]
    found = near_copies(details)
    assert len(found) >= 45
    assert all(one in planted for one in found)
    monkeypatch.setattr(duplicates, "cells", lambda units: cells(units, all_pairs=100, cell=60))
    in_cells = near_copies(details)
    assert len([one for one in found if one in in_cells]) >= len(found) - 2
    assert all(one in planted for one in in_cells)


def test_every_picture_is_looked_at_once_and_the_pairs_grow_as_the_pictures():
    def pairs(n):
        units = np.random.default_rng(0).normal(size=(2, n, 4)).astype(np.float32)
        units[1] = units[0] + 0.1 * units[1]
        blocks = list(cells(units, all_pairs=200, cell=50))
        rows = np.sort(np.concatenate([rows for rows, _ in blocks]))
        np.testing.assert_array_equal(rows, np.arange(n))
        assert all(np.isin(rows, columns).all() for rows, columns in blocks)
        return sum(len(rows) * len(columns) for rows, columns in blocks)

    assert pairs(200) == 200 * 200
    assert pairs(3200) < 2.5 * pairs(1600)


def test_cells_of_pictures_that_are_all_alike_hold_them_all():
    blocks = list(cells(np.ones((1, 300, 4), np.float32), all_pairs=100, cell=50))
    assert sorted(row for rows, _ in blocks for row in rows.tolist()) == list(range(300))
    assert all(len(columns) == 300 for _, columns in blocks)

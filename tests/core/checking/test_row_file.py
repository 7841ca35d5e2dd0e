"""Rows that lie in a file: the same as in memory, and memory that does not grow with them."""

import tracemalloc
from functools import partial

import cv2
import numpy as np
import pytest

from core.checking import duplicates, keypoint_votes
from core.checking.duplicates import cells, near_copies
from core.checking.exposures import find_exposures
from core.checking.keypoint_votes import vote
from core.checking.keypoints import KeypointRows
from core.checking.row_file import RowFile, RowSelection
from core.ordered_map import threaded_map
from tests.core.checking.scenes import described, keypoints_of, records_of

SIDE = 128


def in_file(array):
    rows = RowFile(array.shape[1:], array.dtype)
    rows.extend(array)
    return rows


def details_of(n, seed=3):
    """Draw pictures of blobs, the last one the first saved again and the one before turned."""
    rng = np.random.default_rng(seed)
    drawn = np.empty((n, SIDE, SIDE), np.uint8)
    for at in range(n):
        blobs = cv2.resize(rng.normal(0, 45, (24, 24)), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        drawn[at] = np.clip(120 + blobs + rng.normal(0, 3, (SIDE, SIDE)), 0, 255)
    drawn[-1] = cv2.GaussianBlur(drawn[0], (0, 0), 0.6)
    middle = cv2.getRotationMatrix2D((SIDE / 2, SIDE / 2), 8, 1.0)
    drawn[-2] = cv2.warpAffine(drawn[1], middle, (SIDE, SIDE), borderMode=cv2.BORDER_REFLECT)
    return drawn


def peak_of(work):
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_rows_come_back_by_number_slice_and_array():
    array = np.random.default_rng(0).integers(0, 255, (40, 3, 2), np.uint8)
    rows = in_file(array)
    assert rows.shape == array.shape
    assert (rows[7] == array[7]).all()
    assert (rows[5:9] == array[5:9]).all()
    assert (rows[30:99] == array[30:]).all()
    assert (rows[::3] == array[::3]).all()
    assert rows[9:5].shape == (0, 3, 2)
    for numbers in ([3, 4, 5, 2, 2, 39], [], [0]):
        at = np.array(numbers, np.int64)
        assert (rows[at] == array[at]).all()
    rows[3] = array[:2]
    assert (rows[3:5] == array[:2]).all()
    assert (RowFile((2,), np.float32, 3)[:] == 0.0).all()
    for wrong in (40, -1):
        with pytest.raises(IndexError, match="expected below 40"):
            rows[wrong]
    with pytest.raises(ValueError, match=r"expected \(\.\.\., \*\(3, 2\)\)"):
        rows[0] = np.zeros((2, 3), np.uint8)


def test_a_selection_of_a_selection_names_the_rows_of_the_file():
    array = np.arange(30, dtype=np.int32).reshape(15, 2)
    rows = in_file(array)
    some = RowSelection(rows, np.array([3, 8, 9, 1]))
    assert some.shape == (4, 2)
    assert (some[1:3] == array[8:10]).all()
    assert (RowSelection(some, np.array([3, 0]))[:] == array[[1, 3]]).all()


def test_copies_are_found_in_a_file_as_in_memory(monkeypatch):
    details = details_of(140)
    kept = in_file(details)
    found = near_copies(details)
    assert [0, 139] in found
    assert near_copies(kept, partial(threaded_map, workers=2)) == found

    def read(numbers):
        return [cv2.resize(details[number], (224, 224)) for number in numbers]

    keypoints = keypoints_of(details)
    pairs = find_exposures(details, keypoints, read)
    assert (1, 138) in pairs
    in_rows = KeypointRows(in_file(records_of(details)))
    each = partial(threaded_map, workers=2)
    assert find_exposures(kept, in_rows, read, each) == pairs
    monkeypatch.setattr(duplicates, "cells", lambda units: cells(units, all_pairs=50, cell=40))
    assert near_copies(kept) == near_copies(details)


def test_memory_of_the_search_for_copies_hardly_grows_with_the_pictures(monkeypatch):
    monkeypatch.setattr(duplicates, "cells", lambda units: cells(units, all_pairs=50, cell=40))
    few, many = details_of(300, seed=1), details_of(600, seed=2)
    kept = [in_file(few), in_file(many)]
    peaks = [peak_of(lambda rows=rows: near_copies(rows)) for rows in kept]
    # In memory a picture takes 16 KB, and its spectra 24 KB more.
    assert (peaks[1] - peaks[0]) / 300 < 2500


def test_memory_of_the_votes_hardly_grows_with_the_pictures(monkeypatch):
    monkeypatch.setattr(keypoint_votes, "_ASKED", 50)
    monkeypatch.setattr(keypoint_votes, "_SAMPLE", 1000)
    rng = np.random.default_rng(0)
    kept = [
        KeypointRows(in_file(described(*rng.integers(0, 160, (n, 30, 128), np.uint8))))
        for n in (200, 600)
    ]
    peaks = [peak_of(lambda found=found: vote(found)) for found in kept]
    # In memory the descriptors of a picture take 4 KB, and all that is made of them 9 KB more.
    assert (peaks[1] - peaks[0]) / 400 < 1500

"""Drawn parts of one kind, for tests of what tells a copy from a part that only looks alike."""

from __future__ import annotations

import cv2
import numpy as np

from core.checking.exposures import SIDE
from core.checking.keypoints import RECORD, KeypointRows, Keypoints, detect, to_record

SAME = np.array([[1, 0, 0], [0, 1, 0]], np.float32)


def part(rng):
    """A part of one kind, without noise: the same rails on each, and fine grain of its own."""
    picture = np.full((256, 256), 120.0)
    picture[80:88] -= 70
    picture[170:178] -= 70
    grain = cv2.resize(rng.normal(0, 14, (90, 90)), (256, 256), interpolation=cv2.INTER_CUBIC)
    return picture + grain


def square(picture, side=SIDE):
    return cv2.resize(np.ascontiguousarray(picture), (side, side), interpolation=cv2.INTER_AREA)


def records_of(details):
    return np.array([to_record(detect(one)) for one in details], RECORD)


def keypoints_of(details):
    return KeypointRows(records_of(details))


def described(*descriptors):
    """Records of pictures' keypoints of which the descriptors alone matter."""
    places = [np.zeros((len(one), 2), np.float32) for one in descriptors]
    found = zip(places, descriptors, strict=True)
    return np.array([to_record(Keypoints(*one)) for one in found], RECORD)

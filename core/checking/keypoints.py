"""Local features of pictures, and which pictures share many of them.

Whatever way round a copy lies and whatever was cut off, most of its details are those of the
original: of a few dozen keypoints (Lowe, IJCV 60, 2004) each has its nearest relatives among the
keypoints of all pictures, and a copy has far more of them than another picture of the same product.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.checking.row_file import Rows
from core.types import F32, U8

KEYPOINTS = 60
_LEAST_CONTRAST = 0.004
_SPREAD, _SHADING, _NEIGHBOURHOOD = 40.0, 9, 33  # grey levels; pixels
_ORIENTATIONS = 8
_PLAIN, _BESIDE = 4, 4  # grey levels; pixels beside a frame
_WIDTH = 4 * 4 * _ORIENTATIONS
_BLOCK = 1000  # pictures read at a time

RECORD = np.dtype(
    [
        ("places", np.float32, (KEYPOINTS, 2)),
        ("descriptors", np.uint8, (KEYPOINTS, _WIDTH)),
        ("count", np.int32),
    ]
)
"""A picture's keypoints in a row of a file."""

Descriptors = U8


@dataclass(frozen=True)
class Keypoints:
    """The keypoints of a picture, the strongest first.

    Attributes:
        places: float32 ``k 2``, x and y in pixels.
        descriptors: uint8 ``k 128``, histograms of 4 x 4 fields and 8 orientations.
    """

    places: F32
    descriptors: Descriptors

    def mirrored(self, side: int) -> Keypoints:
        """Return the keypoints of the mirrored picture of so many pixels a side."""
        places = self.places * np.array([-1.0, 1.0], np.float32)
        places[:, 0] += side - 1
        return Keypoints(places, mirror(self.descriptors))


def detect(grey: U8, most: int = KEYPOINTS) -> Keypoints:
    """Return the keypoints of a picture, ``h w``, found in equal contrast everywhere."""
    sift = cv2.SIFT.create(
        nfeatures=most, contrastThreshold=_LEAST_CONTRAST, enable_precise_upscale=True
    )
    found, descriptors = sift.detectAndCompute(equal_contrast(grey), _within_a_frame(grey))
    places = np.array([one.pt for one in found[:most]], np.float32).reshape(-1, 2)
    if descriptors is None:
        return Keypoints(places, np.zeros((0, 128), np.uint8))
    return Keypoints(places, descriptors[:most].astype(np.uint8))


def _within_a_frame(grey: U8) -> U8:
    """Return where keypoints are looked for, 255 or 0: not at a plain frame around the picture.

    All padded pictures share the edges of their frames.
    """
    inner = np.zeros(grey.shape, np.uint8)
    rows, columns = (np.flatnonzero(np.ptp(grey, axis=axis) > _PLAIN) for axis in (1, 0))
    if len(rows) and len(columns):
        inner[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = 255
    return np.asarray(cv2.erode(inner, np.ones((2 * _BESIDE + 1,) * 2)), np.uint8)


def equal_contrast(grey: U8) -> U8:
    """Return a picture, ``h w``, without shading and with as much contrast everywhere."""
    picture = grey.astype(np.float32)
    smooth = cv2.blur(cv2.blur(picture, (_SHADING, _SHADING)), (_SHADING, _SHADING))
    rest = picture - smooth
    power = cv2.blur(rest * rest, (_NEIGHBOURHOOD, _NEIGHBOURHOOD))
    spread = np.sqrt(np.maximum(power, 0.0)) + 1.0
    return np.asarray(np.clip(128.0 + _SPREAD * rest / spread, 0.0, 255.0), np.uint8)


def mirror(descriptors: Descriptors) -> Descriptors:
    """Return the descriptors of mirrored patches: rows of fields and orientations reversed."""
    fields = descriptors.reshape(-1, 4, 4, _ORIENTATIONS)[:, ::-1]
    turned = fields[..., -np.arange(_ORIENTATIONS) % _ORIENTATIONS]
    return np.ascontiguousarray(turned.reshape(descriptors.shape))


def to_record(found: Keypoints) -> NDArray[Any]:
    """Return a picture's keypoints, the first ``KEYPOINTS`` of them, as one ``RECORD``."""
    record, count = np.zeros((), RECORD), min(KEYPOINTS, len(found.descriptors))
    record["places"][: len(found.places)] = found.places[:KEYPOINTS]
    record["descriptors"][:count] = found.descriptors[:count]
    record["count"] = count
    return record


class KeypointRows:
    """The keypoints of pictures, as records in memory or in a file.

    Args:
        records: ``n`` of ``RECORD``, as ``to_record`` gives them.
    """

    def __init__(self, records: Rows) -> None:
        self._records = records
        blocks = range(0, len(records), _BLOCK)
        counts = [records[start : start + _BLOCK]["count"] for start in blocks]
        self.counts: NDArray[np.int64] = np.concatenate([np.zeros(0), *counts]).astype(np.int64)
        """How many keypoints each picture has."""

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.counts)

    def __getitem__(self, at: int) -> Keypoints:
        """Return the keypoints of a picture."""
        record, count = self._records[at], self.counts[at]
        return Keypoints(record["places"][:count], record["descriptors"][:count])

    def between(self, start: int, stop: int) -> tuple[Descriptors, NDArray[np.int64]]:
        """Return the descriptors of some pictures, ``m 128``, and the picture of each."""
        counts = self.counts[start:stop]
        given = np.arange(KEYPOINTS) < counts.reshape(-1, 1)
        descriptors = self._records[start:stop]["descriptors"][given]
        return descriptors, np.repeat(np.arange(start, start + len(counts)), counts)

"""The facts about a picture that ought to have nothing to do with its label."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from core.checking.columns import Nuisance, one_hot
from core.checking.facts import THUMB, PictureFacts, thumbs_of
from core.types import F64

_CELLS = 16
_BLOCK = 1024


def picture_nuisances(facts: Sequence[PictureFacts]) -> list[Nuisance]:
    """Return properties of pictures that do not depend on what they show.

    Args:
        facts: The readable pictures, at least one.
    """
    height, width = np.array([one.source_size for one in facts], np.float64).T
    length = np.array([one.file.length for one in facts], np.float64)
    quality = np.array([one.file.jpeg_quality for one in facts], np.float64)
    formats = np.array([f"{one.file.kind} {one.row.file.suffix.casefold()}" for one in facts])
    light = np.stack([one.light for one in facts])
    return [
        Nuisance("the size of the picture", np.stack([height, width, width / height], axis=1)),
        Nuisance("brightness, contrast and colour", light, "picture"),
        Nuisance("the border of the picture", _border(cells_of(facts, _CELLS)), "picture"),
        Nuisance("the file format", one_hot(formats)),
        Nuisance(
            "the compression (bytes a pixel, JPEG quality)",
            np.stack([length / (height * width), quality], axis=1),
        ),
    ]


def cells_of(facts: Sequence[PictureFacts], cells: int) -> F64:
    """Return the pictures themselves, shrunk: float64 ``n cells cells 3``."""
    thumbs, step = thumbs_of(facts), THUMB // cells
    found = np.empty((len(facts), cells, cells, 3))
    for start in range(0, len(facts), _BLOCK):
        some = thumbs[start : start + _BLOCK].reshape(-1, cells, step, cells, step, 3)
        found[start : start + len(some)] = some.mean(axis=(2, 4))
    return found


def _border(cells: F64) -> F64:
    """Return the outermost cells: a frame of a sixteenth of each side."""
    frame = np.ones((_CELLS, _CELLS), np.bool_)
    frame[1:-1, 1:-1] = False
    return cells[:, frame].reshape(len(cells), math.prod((int(frame.sum()), 3)))

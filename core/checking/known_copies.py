"""Which known picture another one is a copy of, by what a bundle keeps of the known ones."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from core.checking.exposures import Reader
from core.checking.fingerprints import Fingerprints, correlate_with_known, structures_of
from core.checking.kept_keypoints import KeypointSearch, Overlay
from core.checking.keypoints import KeypointRows
from core.checking.row_file import Rows
from core.checking.view_search import ViewSearch
from core.ordered_map import Each

_MANY = 0.05
_MIN_ORIGINS = 3
_TOGETHER = 128  # pictures whose keypoints are looked for at a time


def match_copies(
    known: Fingerprints,
    details: Rows,
    keypoints: KeypointRows | None = None,
    read: Reader | None = None,
    each: Each = map,
) -> NDArray[np.intp]:
    """Return for each picture the number of the known one that it is a copy of; -1 for none.

    The whole picture and parts of it are compared, larger and smaller ones, with the known
    pictures, whichever way round they lie. A copy is much nearer to one of them than to the next
    of another origin, as in the matching of Lowe (IJCV 60, 2004): by a ratio that no pair of known
    pictures comes near that are no copies, and by ``CERTAIN`` at any rate. Where a twentieth of
    the pictures are copies the set is taken for one of copies, and what is as near as one pair in
    twenty of different known pictures counts too.

    Others are laid over the known pictures that they share keypoints with, and are copies where
    they agree in finest detail as far as noise lets them (``KeypointSearch``). Of what is left the
    part of a known picture that it shows is searched for (``ViewSearch``), and held against the
    ratios above. Copies are missed that were blurred or saved at low quality besides being cropped,
    where all pictures look alike.

    Args:
        known: At least three of different origin; none is recognised among fewer.
        details: uint8 ``m h w``, grey, those of ``PictureFacts.detail``.
        keypoints: Of the same.
        read: Gives those of some numbers in full; without both keypoints are not compared.
        each: Searches for parts of known pictures, on several threads or one.
    """
    found = np.full(len(details), -1, np.intp)
    if np.unique(known.origin[known.sound]).size < _MIN_ORIGINS:
        return found
    ratios = np.full(len(details), np.inf, np.float32)
    nearest = np.zeros(len(details), np.intp)
    for rows, alike in correlate_with_known(known, details):
        nearest[rows], ratios[rows] = known.ratios(alike)
    rest = np.flatnonzero((ratios > known.limits[0]) & np.isfinite(ratios))
    if keypoints is not None and read is not None:
        for at, number in _match_keypoints(known, keypoints, rest, read):
            nearest[at], ratios[at] = number, 0.0
        rest = rest[ratios[rest] > 0.0]
    for at, which, ratio in _match_parts(known, details, rest, each):
        if ratio < ratios[at]:
            nearest[at], ratios[at] = which, ratio
    certain = ratios <= known.limits[0]
    if certain.mean() >= _MANY:
        certain = ratios <= known.limits[1]
    found[certain] = nearest[certain]
    return found


def _match_keypoints(
    known: Fingerprints, keypoints: KeypointRows, rows: NDArray[np.intp], read: Reader
) -> Sequence[tuple[int, int]]:
    """Return which of some pictures agree with a known one in finest detail, and with which."""
    search = KeypointSearch(known.keypoints)
    overlays: dict[int, list[Overlay]] = {}
    for start in range(0, len(rows), _TOGETHER):
        some = rows[start : start + _TOGETHER].tolist()
        laid = search.overlay([keypoints[at] for at in some])
        overlays |= {at: one for at, one in zip(some, laid, strict=True) if one}
    return [
        (at, number)
        for (at, laid), grey in zip(overlays.items(), read(list(overlays)), strict=True)
        if grey is not None and (number := search.recognise(grey, laid)) is not None
    ]


def _match_parts(
    known: Fingerprints, details: Rows, rows: NDArray[np.intp], each: Each
) -> Iterator[tuple[int, int, float]]:
    """Yield some pictures with the known one of which each shows a part, and the ratio."""
    search = ViewSearch(known.strengths[known.sound].astype(np.float32))

    def match(at: int) -> tuple[int, int, float]:
        (one,) = structures_of(details[at : at + 1])
        alike = np.full((1, len(known.origin)), -1.0, np.float32)
        alike[0, known.sound] = search.correlations(one)
        which, ratio = known.ratios(alike)
        return at, int(which[0]), float(ratio[0])

    return each(match, rows.tolist())

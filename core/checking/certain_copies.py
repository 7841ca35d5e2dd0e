"""Near copies that are nearer to each other than any two different pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from core.checking.fingerprints import (
    CERTAIN,
    LARGEST,
    MARGIN,
    RARE,
    SAMPLE,
    Fingerprints,
    Origins,
    correlate_with_known,
    strengths_of,
)
from core.checking.kept_keypoints import KeptKeypoints
from core.checking.row_file import Rows, take_rows

_ALIKE = 0.1
_COMPARED = 4000


def find_certain_copies(
    details: Rows, sets: Sequence[Sequence[int]], group: Origins
) -> list[list[int]]:
    """Return the pairs in sets of near copies that are nearer than any two different pictures.

    How near different pictures are is seen from those in no set. Where more than a tenth of those
    in sets have no partner far below that, the sets hold different pictures too that look alike,
    and ``CERTAIN`` alone counts. Of many pictures a draw of ``_COMPARED`` stands for those in no
    set, and sets are looked at some at a time, so that time grows with the number of pictures.

    Args:
        details: uint8 ``n h w``, grey, those of ``PictureFacts.detail``.
        sets: Sets of near copies, as row numbers.
        group: ``n``, equal for pictures that the data set gives one group.
    """
    if len(details) <= _COMPARED:
        return _find_certain_copies(details, sets, group)
    found, alone = [], np.ones(len(details), np.bool_)
    for one in sets:
        alone[one] = False
    others = np.random.default_rng(0).permutation(np.flatnonzero(alone))[:_COMPARED]
    for some in _bunches(sets):
        rows = np.concatenate([*some, others]).astype(np.intp)
        ends = np.cumsum([0, *map(len, some)]).tolist()
        parts = [list(range(a, b)) for a, b in pairwise(ends)]
        pairs = _find_certain_copies(take_rows(details, rows), parts, group[rows])
        found += [rows[pair].tolist() for pair in pairs]
    return found


def _bunches(sets: Sequence[Sequence[int]]) -> Iterator[list[Sequence[int]]]:
    """Yield sets together until they hold ``SAMPLE`` pictures."""
    bunch: list[Sequence[int]] = []
    for one in sets:
        bunch.append(one)
        if sum(map(len, bunch)) >= SAMPLE:
            yield bunch
            bunch = []
    if bunch:
        yield bunch


def _find_certain_copies(
    details: Rows, sets: Sequence[Sequence[int]], group: Origins
) -> list[list[int]]:
    if not sets:
        return []
    origin = np.arange(len(details), dtype=np.int32)
    for one in sets:
        origin[one] = min(one)
    known = Fingerprints(
        strengths_of(details), origin, np.zeros(2, np.float32), KeptKeypoints.none(0)
    )
    members = np.array(sorted({at for one in sets for at in one}))
    pairs = list(_pairs(known, members, take_rows(details, members), group))
    if not pairs:
        return []
    alone = np.setdiff1d(np.flatnonzero(known.sound), members)
    usual = known.ratios_among(group, alone)
    limit = min(LARGEST, MARGIN * float(np.quantile(usual, RARE))) if usual.size else CERTAIN
    partner: dict[int, float] = {}
    for a, b, ratio in pairs:
        for end in (a, b):  # the next picture may lie nearer to one of the two than to the other
            partner[end] = min(ratio, partner.get(end, np.inf))
    if np.mean(np.array([*partner.values()]) > limit) > _ALIKE:
        limit = CERTAIN
    return [[a, b] for a, b, ratio in pairs if ratio <= max(limit, CERTAIN)]


def _pairs(
    known: Fingerprints, members: NDArray[np.intp], details: Rows, group: Origins
) -> Iterator[tuple[int, int, float]]:
    """Yield members of one set and of two groups, with their distance to that of the next."""
    for rows, alike in correlate_with_known(known, details):
        for at, likeness in zip(members[rows].tolist(), alike, strict=True):
            own = known.origin == known.origin[at]
            next_one = likeness[~own & (group != group[at])].max(initial=-1.0)
            for b in np.flatnonzero(own & (group != group[at])).tolist():
                yield at, b, float((1.0 - likeness[b]) / max(1.0 - next_one, 1e-6))

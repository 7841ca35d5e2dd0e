"""Slices of a data set: everything, each site, each product, each pair of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.checking.columns import Columns
from core.labelled import SPLITS

MIN_PICTURES, MIN_GROUPS = 20, 5
FEW = 8  # pictures of a side, where no slice has more
MAX_SLICES = 40
ORDINARY = (*SPLITS, "")


@dataclass(frozen=True, slots=True)
class LabelledPictures:
    """Labels, groups and splits of the pictures.

    Attributes:
        labels: bool ``n`` each, the pictures that have the label.
        positive: bool ``n``.
        group: ``n``.
        split: ``n``.
    """

    labels: Mapping[str, NDArray[np.bool_]]
    positive: NDArray[np.bool_]
    group: NDArray[np.str_]
    split: NDArray[np.str_]


@dataclass(frozen=True, slots=True)
class DataSlice:
    """Pictures that are tested on their own.

    Attributes:
        name: ``crop=rice, site=bench``; empty for all of them.
        member: bool ``n``.
    """

    name: str
    member: NDArray[np.bool_]


def list_slices(columns: Columns, cases: LabelledPictures) -> list[DataSlice]:
    """Return the slices: everything, each value of a column, each pair of values.

    Where a column is fixed by the split (a hospital held out as a whole), the share of positives
    differs between its values for reasons of the collection: there nothing is pooled over it.
    Without such a column, rows that are set aside are left out.

    Returns:
        At most ``MAX_SLICES`` with ``MIN_PICTURES`` of both sides, or with ``FEW`` where there are
        none; no two of the same pictures.
    """
    return _slices_of(MIN_PICTURES, columns, cases) or _slices_of(FEW, columns, cases)


def _slices_of(least: int, columns: Columns, cases: LabelledPictures) -> list[DataSlice]:
    domains = {name for name, v in columns.slices.items() if _fixed_by(v, cases.split)}
    ordinary = np.isin(cases.split, ORDINARY)
    within = ordinary if ordinary.any() and not domains else np.ones_like(ordinary)
    single = {
        (name, value): DataSlice(f"{name}={value}", within & (values == value))
        for name, values in columns.slices.items()
        for value in np.unique(values).tolist()
    }
    single = {key: one for key, one in single.items() if _enough(one.member, cases, least)}
    found = [] if domains else [DataSlice("", within)]
    found += [one for (name, _), one in single.items() if not domains or name in domains]
    found += [
        DataSlice(f"{single[a].name}, {single[b].name}", single[a].member & single[b].member)
        for a, b in combinations(
            sorted(single, key=lambda key: _size(single[key]))[-MAX_SLICES:], 2
        )
        if a[0] != b[0] and (not domains or {a[0], b[0]} & domains)
    ]
    # Of two names for the same pictures the shorter one is kept.
    named = sorted(found, key=lambda one: -len(one.name))
    unique = {one.member.tobytes(): one for one in named}.values()
    enough = [one for one in unique if _enough(one.member, cases, least)]
    return sorted(enough, key=_size)[-MAX_SLICES:][::-1]


def _size(one: DataSlice) -> int:
    return int(one.member.sum())


def _fixed_by(values: NDArray[np.str_], split: NDArray[np.str_]) -> bool:
    """Return whether each split has one value, and not all the same."""
    pairs = {(a, b) for a, b in zip(split.tolist(), values.tolist(), strict=True)}
    return len(pairs) == np.unique(split).size and np.unique(values).size > 1


def _enough(member: NDArray[np.bool_], cases: LabelledPictures, least: int) -> bool:
    sides = [member & cases.positive, member & ~cases.positive]
    if min(int(side.sum()) for side in sides) < least:
        return False
    units = units_of(cases.group[member])[1]
    flags = cases.positive[member]
    return min(np.unique(units[flags]).size, np.unique(units[~flags]).size) >= MIN_GROUPS


def units_of(group: NDArray[np.str_]) -> tuple[bool, NDArray[Any]]:
    """Return what pictures are counted by: groups, or themselves where there are hardly any groups.

    Returns:
        Whether it is groups, and the unit of each picture.
    """
    if np.unique(group).size >= 2 * MIN_GROUPS:
        return True, group
    return False, np.arange(group.size)

"""Alarms for shortcuts that are strong enough."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

import numpy as np

from core.checking.result import Alarm, Level
from core.checking.shortcuts import CONTENT, POSITIVE, ShortcutResult
from core.checking.slices import FEW, MIN_GROUPS, MIN_PICTURES, LabelledPictures

CHANCE, LIMIT, STRONG = 0.50, 0.70, 0.85
_MAX_SHOWN = 4


def shortcut_alarms(found: Sequence[ShortcutResult]) -> Iterator[Alarm]:
    """Yield one alarm for each nuisance above the limit in any slice, highest bound first.

    An area under the ROC curve whose lower bound (over all tests together) is at least ``LIMIT``
    gives an alarm. From ``STRONG`` on the nuisance nearly suffices for a model: a strong alarm,
    unless it is about single labels or about a file name, which no model sees. Where either side
    has under ``MIN_PICTURES``, whose bounds lie low even for a perfect area, an area of ``STRONG``
    that is more than chance gives a notice.

    Args:
        found: All that was measured.
    """
    over = sorted((one for one in found if _is_over(one)), key=lambda one: -one.low)
    for name in dict.fromkeys(one.nuisance for one in over):
        mine = [one for one in over if one.nuisance == name]
        sided = [one for one in mine if one.what == POSITIVE]
        single = [one for one in mine if one.what != POSITIVE]
        if sided:
            strong = sided[0].source != "name" and any(_is_strong(one) for one in sided)
            finding = f"Positive and negative can be distinguished by {name} alone"
            yield _alarm(name, Level.STRONG if strong else Level.NOTICE, finding, sided)
        if single:
            finding = f"Single labels can be distinguished by {name} alone"
            yield _alarm(name, Level.NOTICE, finding, single)


def unmeasured_alarm(cases: LabelledPictures) -> Alarm:
    """Return that there are too few pictures of either side to look for shortcuts."""
    sides = (("negative", ~cases.positive), ("positive", cases.positive))
    counts = {
        side: (int(rows.sum()), int(np.unique(cases.group[rows]).size)) for side, rows in sides
    }
    there = " and ".join(f"{n} {side} ones in {k} groups" for side, (n, k) in counts.items())
    return Alarm(
        "balance",
        Level.NOTICE,
        f"Shortcuts were not looked for: that takes {FEW} pictures in {MIN_GROUPS} groups of "
        f"each side, and there are {there}.",
        {"pictures": {side: n for side, (n, _) in counts.items()}, "needed": FEW},
    )


def _is_over(one: ShortcutResult) -> bool:
    is_small = one.fewest < MIN_PICTURES
    return one.low >= LIMIT or (is_small and one.auroc >= STRONG and one.low > CHANCE)


def _is_strong(one: ShortcutResult) -> bool:
    return one.fewest >= MIN_PICTURES and one.auroc >= STRONG


def _alarm(name: str, level: Level, finding: str, found: Sequence[ShortcutResult]) -> Alarm:
    shown = "; ".join(_figures(one) for one in found[:_MAX_SHOWN])
    more = len(found) - _MAX_SHOWN
    rest = f"; and {more} more" if more > 0 else ""
    figures = {"nuisance": name, "limit": LIMIT, "found": [asdict(one) for one in found]}
    return Alarm("shortcut", level, f"{finding}: {shown}{rest}.", figures)


def _figures(one: ShortcutResult) -> str:
    label = "" if one.what == POSITIVE else f"{one.what} "
    where = f" where {one.where}" if one.where else ""
    return (
        f"{label}AUROC {one.auroc:.2f}{where} (at least {one.low:.2f}; {one.n} pictures in "
        f"{one.groups} groups; the picture itself at {CONTENT} x {CONTENT} gives {one.content:.2f})"
    )

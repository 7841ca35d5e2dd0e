"""Which shortcuts are worth an alarm, and how to say them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict

from core.checking.result import Alarm, Level
from core.checking.shortcuts import CONTENT, POSITIVE, Told

LIMIT, STRONG = 0.70, 0.85
_MOST_SAID = 4


def shortcut_alarms(found: Sequence[Told]) -> Iterator[Alarm]:
    """Make one alarm of each nuisance that passes the limit somewhere, the surest first.

    An area under the ROC curve that is surely (over all tests together) at least ``LIMIT`` is
    worth a look. From ``STRONG`` on a model needs little else: a strong alarm, unless it is about
    single labels or about a name, which tells how the data were collected but reaches no model.

    Args:
        found: All that was measured.
    """
    over = sorted((one for one in found if one.low >= LIMIT), key=lambda one: -one.low)
    for name in dict.fromkeys(one.nuisance for one in over):
        mine = [one for one in over if one.nuisance == name]
        sided = [one for one in mine if one.what == POSITIVE]
        single = [one for one in mine if one.what != POSITIVE]
        if sided:
            strong = sided[0].source != "name" and max(one.auroc for one in sided) >= STRONG
            said = f"Positive can be told from negative by {name} alone"
            yield _alarm(name, Level.STRONG if strong else Level.NOTICE, said, sided)
        if single:
            yield _alarm(name, Level.NOTICE, f"Single labels can be told by {name} alone", single)


def _alarm(name: str, level: Level, said: str, found: Sequence[Told]) -> Alarm:
    shown = "; ".join(_figures(one) for one in found[:_MOST_SAID])
    more = len(found) - _MOST_SAID
    rest = f"; and {more} more" if more > 0 else ""
    figures = {"nuisance": name, "limit": LIMIT, "found": [asdict(one) for one in found]}
    return Alarm("shortcut", level, f"{said}: {shown}{rest}.", figures)


def _figures(one: Told) -> str:
    label = "" if one.what == POSITIVE else f"{one.what} "
    where = f" where {one.where}" if one.where else ""
    return (
        f"{label}AUROC {one.auroc:.2f}{where} (at least {one.low:.2f}; {one.n} pictures in "
        f"{one.groups} groups; the picture itself at {CONTENT} x {CONTENT} gives {one.content:.2f})"
    )

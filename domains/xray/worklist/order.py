"""The order in which a person is asked to read: a proposal, and first come, first served.

STAT comes first whatever was found, in the order received: no verdict lowers one. Then comes what
has waited too long, oldest first; then studies that name two patients, positives by falling
probability, what was deferred, what is likely normal. Whatever goes wrong, the order is first
come, first served behind the STAT.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from core.types import Disposition

LONGEST_WAIT = timedelta(hours=4)
"""No case is pushed back by others for longer than this."""

logger = logging.getLogger(__name__)


class Place(IntEnum):
    """Why a case is where it is."""

    STAT = 0
    OVERDUE = 1
    HELD = 2
    POSITIVE = 3
    DEFERRED = 4
    NEGATIVE = 5
    IN_TURN = 6


@dataclass(frozen=True, slots=True)
class Facts:
    """What the order of a worklist depends on, and nothing else.

    Attributes:
        case_id: The case.
        arrived: When its first image came, with a zone.
        stat: Whether whoever asked for it called it STAT.
        disposition: Its verdict; None while an image has none.
        probability: Of the abnormal side, from 0 to 1; None where an image has no such number.
        hidden: Whether readers may not know its verdict, so that its place must not tell either;
            so it is for every case of a site below SUPERVISED.
        cleared: Whether a negative verdict is covered by a certificate and by the stage released
            at the case's own site.
        held: Whether a person must look whatever was found: its images name different patients.
    """

    case_id: str
    arrived: datetime
    stat: bool = False
    disposition: Disposition | None = None
    probability: float | None = None
    hidden: bool = False
    cleared: bool = False
    held: bool = False


@dataclass(frozen=True, slots=True)
class Worklist:
    """Who is read when.

    Attributes:
        read: Cases that a person reads, first to last, each with why it is there.
        apart: Cases that need not be read, in the order received.
        proposed: Whether the order is the proposed one; else first come, first served.
        trouble: What went wrong; empty when nothing did.
    """

    read: tuple[tuple[str, Place], ...]
    apart: tuple[str, ...]
    proposed: bool
    trouble: str = ""


def arrange(
    cases: Sequence[Facts], now: datetime, longest_wait: timedelta = LONGEST_WAIT
) -> Worklist:
    """Put cases in the order in which they are to be read.

    Where no verdict may be known the order is first come, first served. Among others a hidden case
    stands where those stand that nothing has judged, in the order received.

    This is one of the few places that catch everything: a worklist must come, whatever happens.

    Args:
        cases: The open cases, in the order received.
        now: With a zone.
        longest_wait: How long others may be put before a case.

    Returns:
        Every case once, in ``read`` or ``apart``.
    """
    if all(case.hidden for case in cases):
        return _in_turn(cases, "")
    try:
        return _proposed(cases, now, longest_wait)
    except Exception as exc:
        # The kind alone: a message might quote what a file said.
        logger.error("the proposed order failed with %s", type(exc).__name__)
        return _in_turn(cases, str(exc) if isinstance(exc, MissingFact) else type(exc).__name__)


class MissingFact(ValueError):
    """A case says too little to be given a place; the message names no case."""


def _proposed(cases: Sequence[Facts], now: datetime, longest_wait: timedelta) -> Worklist:
    for case in cases:
        _check(case)
    apart = [case for case in cases if _need_not_be_read(case)]
    left = {case.case_id for case in apart}
    placed = [
        (case, _place(case, now - case.arrived > longest_wait))
        for case in cases
        if case.case_id not in left
    ]
    placed.sort(key=lambda pair: (pair[1], -_urgency(*pair), pair[0].arrived))
    return Worklist(
        read=tuple((case.case_id, place) for case, place in placed),
        apart=tuple(case.case_id for case in apart),
        proposed=True,
    )


def _check(case: Facts) -> None:
    if case.arrived.tzinfo is None:
        raise MissingFact("A case does not say when it came.")
    if case.hidden or case.held:
        return  # nothing else of it touches the order
    if case.disposition is None:
        raise MissingFact("A case has no verdict yet.")
    if case.probability is not None and not 0.0 <= case.probability <= 1.0:
        raise MissingFact("A case has a probability that is none.")


def _need_not_be_read(case: Facts) -> bool:
    negative = case.disposition is Disposition.NEGATIVE
    return negative and case.cleared and not (case.stat or case.hidden or case.held)


def _place(case: Facts, overdue: bool) -> Place:
    if case.stat:
        return Place.STAT
    if overdue:
        return Place.OVERDUE
    if case.held:
        return Place.HELD
    if case.hidden or case.disposition is Disposition.DEFER:
        return Place.DEFERRED
    return Place.POSITIVE if case.disposition is Disposition.POSITIVE else Place.NEGATIVE


def _urgency(case: Facts, place: Place) -> float:
    """Rank positives by probability, those with an image that has none first; others in turn."""
    if place is not Place.POSITIVE:
        return 0.0
    return math.inf if case.probability is None else case.probability


def _in_turn(cases: Sequence[Facts], trouble: str) -> Worklist:
    try:
        ordered = sorted(cases, key=lambda case: (not case.stat, case.arrived))
    except TypeError:  # times that do not compare: as they were given, which is as they came
        ordered = sorted(cases, key=lambda case: not case.stat)
    read = tuple((c.case_id, Place.STAT if c.stat else Place.IN_TURN) for c in ordered)
    return Worklist(read=read, apart=(), proposed=False, trouble=trouble)

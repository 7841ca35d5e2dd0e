"""The order in which a person is asked to read: a proposal, and first come, first served.

Urgent cases come first whatever was found, in the order received: no verdict lowers one. Then comes
what has waited too long, oldest first; then cases whose images name different owners, positives by
falling probability, what was deferred, negatives. Whatever goes wrong, the order is first come,
first served behind the urgent ones.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from core.decision.urgency import urgency
from core.records.cases import WorkItem
from core.types import Disposition

LONGEST_WAIT = timedelta(hours=4)
"""No case is pushed back by others for longer than this."""

logger = logging.getLogger(__name__)


def first_unskipped(waiting: Iterable[WorkItem], skipped: Sequence[str]) -> WorkItem | None:
    """Return the first case that was not passed over; when all were, the one longest ago.

    Args:
        waiting: Cases in the order in which they come; read only as far as needed.
        skipped: Ids of the cases passed over, in that order.
    """
    passed = []
    for item in waiting:
        if item.case_id not in skipped:
            return item
        passed.append(item)
    return min(passed, key=lambda one: skipped.index(one.case_id), default=None)


class Rank(IntEnum):
    """Why a case is where it is; the lower is read first."""

    URGENT = 0
    OVERDUE = 1
    CONTRADICTORY = 2
    POSITIVE = 3
    DEFERRED = 4
    NEGATIVE = 5
    ARRIVAL = 6


@dataclass(frozen=True, slots=True)
class OpenCase:
    """What the order of a worklist depends on in a case, and nothing else.

    Attributes:
        case_id: The case.
        arrived: When its first image came, with a zone.
        is_urgent: Whether whoever asked for it wants it before all others.
        disposition: Its verdict; None while an image has none.
        probability: Of positive, from 0 to 1; None where an image has no such number.
        is_hidden: Whether readers may not know its verdict, so that its rank must not show it
            either; so it is for every case of a site below SUPERVISED.
        is_cleared: Whether a negative verdict is covered by a certificate and by the stage released
            at the case's own site.
        is_contradictory: Whether a person must look whatever was found: its images name different
            groups (patients, parts).
    """

    case_id: str
    arrived: datetime
    is_urgent: bool = False
    disposition: Disposition | None = None
    probability: float | None = None
    is_hidden: bool = False
    is_cleared: bool = False
    is_contradictory: bool = False


@dataclass(frozen=True, slots=True)
class Worklist:
    """Who is read when.

    Attributes:
        to_read: Cases that a person reads, first to last, each with why it is there.
        cleared: Cases that need not be read, in the order received.
        is_proposed: Whether the order is the proposed one; else first come, first served.
        failure: What went wrong; empty when nothing did.
    """

    to_read: tuple[tuple[str, Rank], ...]
    cleared: tuple[str, ...]
    is_proposed: bool
    failure: str = ""


def arrange(
    cases: Sequence[OpenCase], now: datetime, longest_wait: timedelta = LONGEST_WAIT
) -> Worklist:
    """Return cases in the order in which they are to be read.

    Where no verdict may be known the order is first come, first served. Among others a hidden case
    stands among those that nothing has judged, in the order received.

    This is one of the few places that catch everything: a worklist must come, whatever happens.

    Args:
        cases: The open cases, in the order received.
        now: With a zone.
        longest_wait: How long others may be put before a case.

    Returns:
        Every case once, in ``to_read`` or ``cleared``.
    """
    if all(case.is_hidden for case in cases):
        return _by_arrival(cases, "")
    try:
        return _propose(cases, now, longest_wait)
    except Exception as exc:
        # The kind alone: a message might quote a file.
        kind = type(exc).__name__
        logger.error("the proposed order failed with %s", kind)
        return _by_arrival(cases, str(exc) if isinstance(exc, IncompleteCase) else kind)


class IncompleteCase(ValueError):
    """A case states too little to be ranked; the message names no case."""


def _propose(cases: Sequence[OpenCase], now: datetime, longest_wait: timedelta) -> Worklist:
    for case in cases:
        _check(case)
    cleared = [case for case in cases if _is_cleared(case)]
    left = {case.case_id for case in cleared}
    ranked = [
        (case, _rank(case, now - case.arrived > longest_wait))
        for case in cases
        if case.case_id not in left
    ]
    ranked.sort(key=lambda pair: (pair[1], -_urgency(*pair), pair[0].arrived))
    return Worklist(
        to_read=tuple((case.case_id, rank) for case, rank in ranked),
        cleared=tuple(case.case_id for case in cleared),
        is_proposed=True,
    )


def _check(case: OpenCase) -> None:
    if case.arrived.tzinfo is None:
        raise IncompleteCase("A case does not say when it came.")
    if case.is_hidden or case.is_contradictory:
        return  # nothing else of it touches the order
    if case.disposition is None:
        raise IncompleteCase("A case has no verdict yet.")
    if case.probability is not None and not 0.0 <= case.probability <= 1.0:
        raise IncompleteCase("A case has a probability that is none.")


def _is_cleared(case: OpenCase) -> bool:
    if case.is_urgent or case.is_hidden or case.is_contradictory:
        return False
    return case.is_cleared and case.disposition is Disposition.NEGATIVE


def _rank(case: OpenCase, overdue: bool) -> Rank:
    if case.is_urgent:
        return Rank.URGENT
    if overdue:
        return Rank.OVERDUE
    if case.is_contradictory:
        return Rank.CONTRADICTORY
    if case.is_hidden or case.disposition is Disposition.DEFER:
        return Rank.DEFERRED
    return Rank.POSITIVE if case.disposition is Disposition.POSITIVE else Rank.NEGATIVE


def _urgency(case: OpenCase, rank: Rank) -> float:
    """Return a rank: positives by probability, those without a number first; others in turn."""
    if rank is not Rank.POSITIVE:
        return 0.0
    return urgency(case.probability)


def _by_arrival(cases: Sequence[OpenCase], failure: str) -> Worklist:
    try:
        ordered = sorted(cases, key=lambda case: (not case.is_urgent, case.arrived))
    except TypeError:  # times that do not compare: as they were given, which is as they came
        ordered = sorted(cases, key=lambda case: not case.is_urgent)
    read = tuple((c.case_id, Rank.URGENT if c.is_urgent else Rank.ARRIVAL) for c in ordered)
    return Worklist(to_read=read, cleared=(), is_proposed=False, failure=failure)

"""How well people read: their agreement, their answers on known cases, their time.

A reviewer is given their own figures, a lead everybody's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from sqlalchemy import Connection, select

from core.decision.agreement import ReaderAgreement, measure_agreement
from core.decision.rate import Rate
from core.decision.reader_quality import TIMED, ReaderAlarms, check_reader, median_time
from core.decision.second_read import ReadState
from core.people import Person, Role
from core.records import gold_answers, read_plans
from core.records.case_reads import LONGEST, StoredRead, reads_by
from core.records.case_status import REVIEW
from core.records.connection import Store, reading
from core.records.double_reads import DoubleRead, closed_and_disputed
from core.records.final_reads import count_states
from core.records.people import names_of
from core.records.read_plans import ReadPlan
from core.records.read_status import ReadKind, is_same_reader
from core.records.tables import CASES, REVIEWS, RowLike
from core.records.values import now, stamp
from core.types import Disposition

MOST = 20_000
"""Reviews and double reads looked at, the newest."""


@dataclass(frozen=True, slots=True)
class ReaderFigures:
    """How one person reads.

    Attributes:
        reader: Their id.
        name: Their name.
        first: Cases that they read first.
        second: Cases that they read second.
        adjudicated: Disputes that they decided.
        overruled: Of their answers on cases read twice those that did not stand.
        sensitivity: Of the known positives those that they called positive.
        specificity: Of the known negatives those that they called negative.
        median_ms: Median time on a case over the newest fifty; None before there are so many.
        alarms: What is wrong.
    """

    reader: str
    name: str
    first: int
    second: int
    adjudicated: int
    overruled: Rate
    sensitivity: Rate
    specificity: Rate
    median_ms: float | None
    alarms: ReaderAlarms


@dataclass(frozen=True, slots=True)
class ReadingQuality:
    """How well a pack's cases are read.

    Attributes:
        plan: How much is read twice, and how many known cases are mixed in.
        agreement: Of the first and the second reads.
        states: How many of the cases drawn for a second read stand where; empty for who may only
            know their own figures.
        readers: Each person, by name.
    """

    plan: ReadPlan
    agreement: ReaderAgreement
    states: Mapping[ReadState, int]
    readers: tuple[ReaderFigures, ...]


def measure_readers(
    store: Store, pack: str, by: Person, days: float = 28.0, at: datetime | None = None
) -> ReadingQuality:
    """Return how well a pack's cases were read of late: by this person, to a lead by everybody.

    Args:
        store: The store.
        pack: The pack's name.
        by: Who asks.
        days: How far back.
        at: From when back; now, unless given.

    Raises:
        PermissionDenied: The person may not review.
        StoreError: The database failed.
    """
    by.require(Role.REVIEWER, "see how cases are read")
    since = (at or now()) - timedelta(days=days)
    with reading(store) as connection:
        plan = read_plans.plan_in_force(connection, pack, "")
        firsts = _firsts(connection, pack, since)
        others = [one for one in reads_by(connection, pack=pack, most=MOST) if one.read_at >= since]
        doubles = closed_and_disputed(connection, pack, since)
        known = gold_answers.gold_of(
            connection, [one.refers for one in others if one.kind is ReadKind.GOLD]
        )
    is_lead = by.may(Role.LEAD)
    if not is_lead:
        doubles = [one for one in doubles if by.id in one.readers]
    ids = {row["reviewer"] for row in firsts} | {one.answer.reader for one in others}
    shown = sorted(ids) if is_lead else [by.id]
    names = names_of(store, set(shown))
    figures = (
        _figures(reader, names.get(reader) or reader, firsts, others, doubles, known, plan.target)
        for reader in shown
    )
    return ReadingQuality(
        plan=plan,
        agreement=measure_agreement([one.categories for one in doubles]),
        states=count_states(store, pack) if is_lead else {},
        readers=tuple(sorted(figures, key=lambda one: one.name.casefold())),
    )


def double_reads(store: Store, pack: str, by: Person, days: float = 28.0) -> list[DoubleRead]:
    """Return the cases of a pack that two people have read, the newest first; for leads.

    A dispute that the person may still decide is shown without who answered what.

    Raises:
        PermissionDenied: The person is no lead.
        StoreError: The database failed.
    """
    by.require(Role.LEAD, "see who answered what")
    with reading(store) as connection:
        found = closed_and_disputed(connection, pack, now() - timedelta(days=days))
    return [one if one.state.is_final else _without_names(one, by) for one in found]


def _without_names(one: DoubleRead, by: Person) -> DoubleRead:
    own = [reader if reader == by.id else "" for reader in one.readers]
    categories = [word if own[i] else "" for i, word in enumerate(one.categories)]
    return DoubleRead(
        one.case_id,
        one.key,
        one.state,
        (own[0], own[1]),
        (categories[0], categories[1]),
        None,
        "",
        one.since,
    )


def _firsts(connection: Connection, pack: str, since: datetime) -> Sequence[RowLike]:
    query = (
        select(REVIEWS.c.case_id, REVIEWS.c.reviewer, REVIEWS.c.reviewed_at)
        .join(CASES, CASES.c.id == REVIEWS.c.case_id)
        .where(CASES.c.pack == pack, REVIEWS.c.kind == REVIEW)
        .where(REVIEWS.c.reviewed_at >= stamp(since))
        .order_by(REVIEWS.c.reviewed_at.desc())
        .limit(MOST)
    )
    return connection.execute(query).mappings().all()


def _figures(
    reader: str,
    name: str,
    firsts: Sequence[RowLike],
    others: Sequence[StoredRead],
    doubles: Sequence[DoubleRead],
    known: Mapping[str, Disposition],
    target: float,
) -> ReaderFigures:
    own = [one for one in others if one.answer.reader == reader]
    kinds = Counter(one.kind for one in own)
    gold = [(known[one.refers], one.answer.disposition) for one in own if one.refers in known]
    sensitivity = _found(gold, Disposition.POSITIVE)
    times = _times(reader, firsts, own)
    return ReaderFigures(
        reader=reader,
        name=name,
        first=len({row["case_id"] for row in firsts if row["reviewer"] == reader}),
        second=kinds[ReadKind.SECOND],
        adjudicated=kinds[ReadKind.ADJUDICATION],
        overruled=_overruled(reader, doubles),
        sensitivity=sensitivity,
        specificity=_found(gold, Disposition.NEGATIVE),
        median_ms=median_time(times),
        alarms=check_reader(sensitivity, target, times),
    )


def _found(gold: Sequence[tuple[Disposition, Disposition]], which: Disposition) -> Rate:
    answers = [answer for truth, answer in gold if truth is which]
    return Rate.independent(sum(answer is which for answer in answers), len(answers))


def _overruled(reader: str, doubles: Sequence[DoubleRead]) -> Rate:
    closed = [
        (category, one.outcome)
        for one in doubles
        for own, category in zip(one.readers, one.categories, strict=True)
        if one.outcome is not None and is_same_reader(own, reader)
    ]
    # Either of both may answer that nobody can tell, for whichever reason.
    unlike = sum(
        category != outcome.value
        for category, outcome in closed
        if outcome is not Disposition.DEFER
    )
    unlike += sum(
        category in {Disposition.NEGATIVE.value, Disposition.POSITIVE.value}
        for category, outcome in closed
        if outcome is Disposition.DEFER
    )
    return Rate.independent(unlike, len(closed))


def _times(reader: str, firsts: Sequence[RowLike], own: Sequence[StoredRead]) -> list[float]:
    """Return the time of each case in ms, the newest first.

    Of a first read it is the time since the person's answer before it, which is no shorter than the
    time on the case: when it was put before them is not on record.
    """
    measured: dict[datetime, float | None] = {one.read_at: one.elapsed_ms for one in own}
    for row in firsts:
        if row["reviewer"] == reader:
            measured.setdefault(datetime.fromisoformat(row["reviewed_at"]), None)
    newest = sorted(measured, reverse=True)[: TIMED + 1]
    times: list[float] = []
    for this, earlier in pairwise(newest):
        known = measured[this]
        gap = min(this - earlier, LONGEST) / timedelta(milliseconds=1)
        times.append(gap if known is None else known)
    return times

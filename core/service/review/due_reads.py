"""Which second reads, disputes and known cases may come to a person next.

Before each case that a person would read first, a keyed hash of person and case says whether
another comes before it: so a reload brings the same, nobody can foresee it, and the shares hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import Connection, func, select

from core.decision.second_read import ReadState, draw_number
from core.people import Person, Role
from core.records.case_reads import reads_by
from core.records.case_status import QueueState
from core.records.cases import WorkItem
from core.records.gold_answers import standing_gold
from core.records.read_claims import ReadClaim, standing_claim
from core.records.read_plans import plan_in_force
from core.records.read_status import ReadKind
from core.records.tables import CASE_READS, CASE_STATUS, READ_STATUS, REVIEWS
from core.records.values import plain

PACE = 0.5
"""Share of the first reads before which an open second read or a dispute comes."""

_LOOKED_AT = 20


def due_reads(
    connection: Connection,
    packs: Sequence[str],
    by: Person,
    upcoming: WorkItem | None,
    claims: Sequence[ReadClaim],
    at: datetime,
) -> Iterator[tuple[ReadKind, str, str]]:
    """Yield what may come next to a person, the first choice first: kind, case and pack.

    Args:
        connection: The caller's transaction.
        packs: Names of the packs whose cases may come.
        by: Who reads.
        upcoming: The case that they would read first; None where none waits.
        claims: Their claims that stand.
        at: Now.
    """
    passed = {claim.case_id for claim in claims}
    if upcoming is None:
        yield from _open_reads(connection, packs, by, passed, at)
        return
    before = upcoming.case_id
    last = next(iter(reads_by(connection, reader=by.id, most=_LOOKED_AT)), None)
    if (last and last.before == before) or any(claim.before == before for claim in claims):
        return  # one has come before this case already
    plan = plan_in_force(connection, upcoming.pack, upcoming.product)
    number = draw_number(f"{plan.seed} {by.id}", before)
    if number < plan.gold:
        yield from _known_cases(connection, upcoming.pack, by, passed, plan.seed)
    elif number < plan.gold + PACE:
        yield from _open_reads(connection, packs, by, passed, at)


def _open_reads(
    connection: Connection, packs: Sequence[str], by: Person, passed: set[str], at: datetime
) -> Iterator[tuple[ReadKind, str, str]]:
    wanted = {ReadState.READ1: ReadKind.SECOND}
    if by.may(Role.LEAD):
        wanted = {ReadState.DISPUTED: ReadKind.ADJUDICATION} | wanted
    own = plain(by.id).strip().lower()
    for state, kind in wanted.items():
        query = (
            select(READ_STATUS.c.case_id, READ_STATUS.c.pack)
            .join(CASE_STATUS, CASE_STATUS.c.case_id == READ_STATUS.c.case_id)
            .where(READ_STATUS.c.pack.in_(packs), READ_STATUS.c.state == state.value)
            .where(CASE_STATUS.c.queue_state == int(QueueState.REVIEWED))
            .where(func.lower(READ_STATUS.c.first_reader) != own)
            .where(func.lower(READ_STATUS.c.second_reader) != own)
            .order_by(READ_STATUS.c.since, READ_STATUS.c.case_id)
        )
        for case_id, pack in connection.execute(query.limit(_LOOKED_AT + len(passed))):
            claimed = standing_claim(connection, case_id, at)
            if case_id not in passed and (claimed is None or claimed.is_passed):
                yield kind, case_id, pack


def _known_cases(
    connection: Connection, pack: str, by: Person, passed: set[str], seed: str
) -> Iterator[tuple[ReadKind, str, str]]:
    known = {one.case_id for one in standing_gold(connection, pack)} - passed
    read = select(CASE_READS.c.case_id).where(CASE_READS.c.reader == by.id)
    reviewed = select(REVIEWS.c.case_id).where(
        REVIEWS.c.reviewer == by.id, REVIEWS.c.case_id.in_(known)
    )
    known -= set(connection.scalars(read.where(CASE_READS.c.case_id.in_(known))))
    known -= set(connection.scalars(reviewed))
    shown = set(
        connection.scalars(select(CASE_STATUS.c.case_id).where(CASE_STATUS.c.case_id.in_(known)))
    )
    for case_id in sorted(shown, key=lambda one: draw_number(f"{seed} {by.id}", one)):
        yield ReadKind.GOLD, case_id, pack

"""The figures of a whole store that are watched over time, from a few look-ups."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Table, func, select

from core.records.alarms import MonitorAlarm, list_alarms, standing
from core.records.case_status import QueueState
from core.records.connection import Store, reading
from core.records.deployments import all_in_force
from core.records.hash_chain import newest
from core.records.job import ASSESS, State
from core.records.outbox import DELIVER
from core.records.tables import CASE_FACETS, CASE_STATUS, DECISIONS, JOBS, OUTBOX, REVIEWS
from core.types import Disposition

_OPEN = (State.WAITING, State.LEASED, State.FAILED, State.GIVEN_UP)


@dataclass(frozen=True)
class StoreFigures:
    """Figures of one moment.

    Attributes:
        cases: Cases by pack, where they stand, and verdict.
        oldest_case: When the oldest case was opened that waits for a person, by pack.
        jobs: Jobs by kind and state.
        oldest_job: When the oldest picture came that waits to be judged, by pack.
        undelivered: Messages that have not left, by pack and output.
        decisions: Verdicts on record.
        reviews: Reviews on record, those taken back included.
        events: Number of the newest audit event.
        alarms: Alarms that stand.
    """

    cases: Mapping[tuple[str, QueueState, Disposition], int]
    oldest_case: Mapping[str, datetime]
    jobs: Mapping[tuple[str, str], int]
    oldest_job: Mapping[str, datetime]
    undelivered: Mapping[tuple[str, str], int]
    decisions: int
    reviews: int
    events: int
    alarms: tuple[MonitorAlarm, ...]

    def deferral_rate(self, pack: str) -> float | None:
        """Return the share of a pack's cases that are sent to a person; None before the first."""
        counts = {key: n for key, n in self.cases.items() if key[0] == pack}
        deferred = sum(n for (_, _, word), n in counts.items() if word is Disposition.DEFER)
        return deferred / sum(counts.values()) if counts else None


def read_figures(store: Store) -> StoreFigures:
    """Return the figures of one moment of a store.

    Raises:
        StoreError: The database failed.
    """
    alarms = standing(list_alarms(store), all_in_force(store))
    with reading(store) as connection:
        return StoreFigures(
            cases=_cases(connection),
            oldest_case=_oldest_cases(connection),
            jobs=_jobs(connection),
            oldest_job=_oldest_jobs(connection),
            undelivered=_undelivered(connection),
            decisions=_count(connection, DECISIONS),
            reviews=_count(connection, REVIEWS),
            events=newest(connection).seq,
            alarms=tuple(alarms),
        )


def _cases(connection: Connection) -> dict[tuple[str, QueueState, Disposition], int]:
    columns = CASE_FACETS.c.pack, CASE_FACETS.c.queue_state, CASE_FACETS.c.disposition
    query = select(*columns, func.sum(CASE_FACETS.c.cases)).group_by(*columns)
    counted: dict[tuple[str, QueueState, Disposition], int] = defaultdict(int)
    for pack, state, word, n in connection.execute(query):
        counted[pack, QueueState(state), Disposition(word)] += int(n)
    return dict(counted)


def _oldest_cases(connection: Connection) -> dict[str, datetime]:
    query = (
        select(CASE_STATUS.c.pack, func.min(CASE_STATUS.c.opened_at))
        .where(CASE_STATUS.c.queue_state == int(QueueState.WAITING))
        .group_by(CASE_STATUS.c.pack)
    )
    return {pack: datetime.fromisoformat(at) for pack, at in connection.execute(query)}


def _jobs(connection: Connection) -> dict[tuple[str, str], int]:
    query = select(JOBS.c.kind, JOBS.c.state, func.count()).group_by(JOBS.c.kind, JOBS.c.state)
    return {(kind, state): n for kind, state, n in connection.execute(query)}


def _oldest_jobs(connection: Connection) -> dict[str, datetime]:
    query = (
        select(JOBS.c.pack, func.min(JOBS.c.added_at))
        .where(JOBS.c.kind == ASSESS, JOBS.c.state == State.WAITING)
        .group_by(JOBS.c.pack)
    )
    return {pack: datetime.fromisoformat(at) for pack, at in connection.execute(query)}


def _undelivered(connection: Connection) -> dict[tuple[str, str], int]:
    query = (
        select(OUTBOX.c.pack, OUTBOX.c.output, func.count())
        .join(JOBS, JOBS.c.key == OUTBOX.c.id)
        .where(JOBS.c.kind == DELIVER, JOBS.c.state.in_(_OPEN))
        .group_by(OUTBOX.c.pack, OUTBOX.c.output)
    )
    return {(pack, output): n for pack, output, n in connection.execute(query)}


def _count(connection: Connection, table: Table) -> int:
    return connection.execute(select(func.count()).select_from(table)).scalar_one()

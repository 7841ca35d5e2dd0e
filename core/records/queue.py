"""The queue: work that waits, is under way, is done, or was given up and waits for a person.

The jobs are the one table that is updated in place, and no part of the audit log. A queue says what
is still to be done and forgets how it got there; what was received and what was decided stands in
receipts and decisions, which are never changed. A lost or altered job can be made again from them.

A worker claims a job for a while and holds on to it as long as it works. When it dies the time runs
out and another one claims the job: work is done at least once, and whoever does it must be able to
do it twice. Finishing counts only for who holds the job. A job that was written by a clock that ran
ahead does not wait until that time has come (`core.records.claimed_rows.lies_ahead`).
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, or_, select, update

from core.records.cancellation import (
    cancel,
    end_cancelled,
    end_unwanted,
    is_cancel_requested,
    is_unwanted,
    request_cancel,
)
from core.records.claimed_rows import end_columns, holder, lies_ahead, update_claimed
from core.records.connection import Store, reading, writing
from core.records.job import (
    ASSESS,
    URGENT,
    Job,
    JobProgress,
    State,
    add,
    job_from_row,
    priority_of,
    waiting_columns,
)
from core.records.tables import JOBS
from core.records.values import name_of, now, plain, stamp

__all__ = [
    "ASSESS",
    "URGENT",
    "Job",
    "JobProgress",
    "State",
    "add",
    "cancel",
    "claim",
    "end_cancelled",
    "end_unclaimed",
    "fail",
    "finish",
    "is_cancel_requested",
    "priority_of",
    "release",
    "renew",
    "report",
    "request_cancel",
    "waiting",
]


def claim(
    store: Store,
    kinds: Sequence[str],
    *,
    worker: str,
    lease_s: float,
    limit: int = 1,
    packs: Sequence[str] | None = None,
    products: Collection[str] | None = None,
    at: datetime | None = None,
) -> list[Job]:
    """Return jobs taken for the caller: the highest priority first, then who came first.

    Safe among any number of workers: a job has one holder at a time, until its lease runs out.

    Args:
        store: The store.
        kinds: Kinds of job that the caller can do.
        worker: Name of the caller, unlike any other's.
        lease_s: For how long in seconds nobody else may claim them, unless `renew` extends it.
        limit: At most so many.
        packs: Only these packs' jobs; any pack's when None.
        products: Only the jobs of these products; any product's when None.
        at: The time; now, unless given.

    Raises:
        StoreError: The database failed; nothing was claimed.
    """
    moment = at or now()
    query = (
        select(JOBS)
        .where(JOBS.c.kind.in_(kinds), _claimable(moment))
        .order_by(JOBS.c.priority.desc(), JOBS.c.added_at, JOBS.c.id)
    )
    if packs is not None:
        query = query.where(JOBS.c.pack.in_(packs))
    if products is not None:
        query = query.where(JOBS.c.product.in_(products))
    with reading(store) as connection:
        # An idle worker asks every second: it must not take a writer's turn for nothing.
        if connection.execute(query.order_by(None).limit(1)).first() is None:
            return []
    lease = {"worker": worker, "leased_until": stamp(moment + timedelta(seconds=lease_s))}
    with writing(store) as connection:
        # Whoever ran it died before the request reached him.
        ignored = update(JOBS).where(JOBS.c.kind.in_(kinds), _lapsed(moment), is_unwanted())
        connection.execute(ignored.values(end_columns(State.CANCELLED, moment)))
        rows = connection.execute(query.limit(limit)).mappings().all()
        taken = update(JOBS).where(JOBS.c.id.in_([row["id"] for row in rows]))
        connection.execute(taken.values(state=State.LEASED, tries=JOBS.c.tries + 1, **lease))
    return [job_from_row(row, worker, 1) for row in rows]


def renew(store: Store, jobs: Sequence[Job], lease_s: float, *, at: datetime | None = None) -> None:
    """Keep claimed jobs for longer; those that somebody else has claimed since stay theirs.

    Raises:
        StoreError: The database failed.
    """
    moment = at or now()
    kept = {
        "leased_until": stamp(moment + timedelta(seconds=lease_s)),
        "heartbeat_at": stamp(moment),
    }
    if jobs:
        with writing(store) as connection:
            connection.execute(update_claimed().values(kept), [holder(job) for job in jobs])


def report(store: Store, job: Job, progress: JobProgress, *, at: datetime | None = None) -> None:
    """Keep how far a claimed job is; nothing is kept once somebody else holds it.

    Raises:
        StoreError: The database failed.
    """
    shown = {"progress": json.dumps(asdict(progress)), "heartbeat_at": stamp(at or now())}
    with writing(store) as connection:
        connection.execute(update_claimed().values(shown), holder(job))


def end_unclaimed(
    connection: Connection, kind: str, keys: Collection[str], state: State, *, at: datetime
) -> None:
    """End jobs that no worker is at, in the caller's write transaction.

    Args:
        connection: From `core.records.connection.writing`.
        kind: Their kind.
        keys: Their keys; those that are claimed, or ended otherwise, stay as they are.
        state: DONE where what they ask for was done elsewhere, CANCELLED where nobody wants it.
        at: When.
    """
    ids = [name_of(kind, plain(key)) for key in keys]
    idle = JOBS.c.state.in_([State.WAITING, State.FAILED, State.GIVEN_UP])
    named = update(JOBS).where(JOBS.c.id.in_(ids), idle)
    connection.execute(named.values(end_columns(state, at) | {"problem": ""}))


def finish(
    connection: Connection,
    jobs: Sequence[Job],
    *,
    result: Mapping[str, Any] | None = None,
    at: datetime | None = None,
) -> None:
    """Mark claimed jobs as done, in the caller's write transaction with what was done.

    A job that was asked for anew meanwhile waits again. One that somebody else has claimed since,
    because the lease ran out, stays theirs.

    Args:
        connection: From `core.records.connection.writing`.
        jobs: The jobs as they were claimed.
        result: What they gave, as JSON.
        at: The time; now, unless given.
    """
    if not jobs:
        return
    holders = [holder(job) for job in jobs]
    moment = at or now()
    end_now = end_columns(State.DONE, moment) | {"problem": "", "result": json.dumps(result or {})}
    same = JOBS.c.added_at == bindparam("asked")
    connection.execute(update_claimed().where(same).values(end_now), holders)
    again = waiting_columns(moment) | {"tries": 0, "problem": ""}
    connection.execute(update_claimed().where(~same).values(again), holders)


def fail(
    store: Store,
    job: Job,
    problem: str,
    *,
    wait_s: float,
    max_tries: int | None,
    is_permanent: bool = False,
    at: datetime | None = None,
) -> bool:
    """Return a claimed job back, to be tried again after a while or looked at by a person.

    Args:
        store: The store.
        job: The job as it was claimed.
        problem: What went wrong, for a person; never text from an untrusted file.
        wait_s: Seconds before it may be claimed again.
        max_tries: Given up once it was begun so often; tried for ever when None.
        is_permanent: Whether it would fail again: it has failed, and is not tried again.
        at: The time; now, unless given.

    Returns:
        Whether it waits for a person now: it has failed or is given up.

    Raises:
        StoreError: The database failed; the lease will run out.
    """
    moment = at or now()
    is_last = max_tries is not None and job.tries >= max_tries
    same = JOBS.c.added_at == bindparam("asked")
    with writing(store) as connection:
        end_unwanted(connection, [holder(job)], moment)
        if is_permanent or is_last:
            end = end_columns(State.FAILED if is_permanent else State.GIVEN_UP, moment)
            last = update_claimed().where(same).values(end | {"problem": plain(problem)})
            if connection.execute(last, holder(job)).rowcount:
                return True
        later = waiting_columns(moment + timedelta(seconds=wait_s)) | {"problem": plain(problem)}
        connection.execute(update_claimed().values(later), holder(job))
    return False


def release(
    store: Store, jobs: Sequence[Job], *, wait_s: float, at: datetime | None = None
) -> None:
    """Return claimed jobs back that were not even begun; this does not count as a try.

    Raises:
        StoreError: The database failed; the leases will run out.
    """
    if not jobs:
        return
    moment = at or now()
    later = waiting_columns(moment + timedelta(seconds=wait_s)) | {"tries": JOBS.c.tries - 1}
    holders = [holder(job) for job in jobs]
    with writing(store) as connection:
        end_unwanted(connection, holders, moment)
        connection.execute(update_claimed().values(later), holders)


def waiting(store: Store) -> Mapping[tuple[str, str], int]:
    """Return the number of jobs by kind and state.

    Raises:
        StoreError: The database failed.
    """
    columns = (JOBS.c.kind, JOBS.c.state)
    with reading(store) as connection:
        rows = connection.execute(select(*columns, func.count()).group_by(*columns))
        return {(kind, state): count for kind, state, count in rows}


def _claimable(at: datetime) -> ColumnElement[bool]:
    return or_(and_(JOBS.c.state == State.WAITING, ~lies_ahead(JOBS.c.not_before, at)), _lapsed(at))


def _lapsed(at: datetime) -> ColumnElement[bool]:
    return and_(JOBS.c.state == State.LEASED, ~lies_ahead(JOBS.c.leased_until, at))

"""Queued pictures judged by one bundle, recorded, and then called done.

The order survives the end of the process at any point. Verdicts are recorded first; then, in one
transaction, the jobs are finished and what follows from them is queued. A worker that ends in
between leaves jobs whose lease runs out; whoever judges them again finds the verdicts recorded.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from functools import partial
from time import perf_counter
from typing import Any

from sqlalchemy import Connection

from core.errors import StoreError
from core.imaging.files import HEAD, Incoming
from core.jobs.lease import backoff_s
from core.logs import Event, Word
from core.model.bundle.bundle import Bundle
from core.packs import DomainPack
from core.records import blobs, outbox, queue
from core.records.connection import Store, writing
from core.records.deployment import AUDIT_SHARE
from core.records.queue import Job
from core.records.store import NewDecision, record
from core.records.values import now
from core.service.assessment.assessor import Assessor
from core.service.assessment.recording import prepare_decision
from core.types import Assessment, Policy, Reason

TRIES = 3

_OF_THE_QUEUE = frozenset({"sha256", "source", "name", "group", "groups"})
_MISSING = "The picture is missing from the store, or was altered."

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Bench:
    """Everything that judging takes.

    Attributes:
        assessor: An entered one, of a verified bundle.
        store: Where pictures lie and verdicts are kept.
        policy: The thresholds.
        audit_share: Share of automatic negatives that is drawn at random for a person.
    """

    assessor: Assessor
    store: Store
    policy: Policy
    audit_share: float = AUDIT_SHARE

    @property
    def bundle(self) -> Bundle:
        """The bundle that judges."""
        return self.assessor.bundle


@dataclass(frozen=True)
class _Judged:
    """A job with its verdict; ``problem`` says why it has to be tried again, or is empty."""

    job: Job
    assessment: Assessment
    problem: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _QueuedPicture(Incoming):
    """A picture with the job that asks for its verdict."""

    job: Job
    is_missing: bool = False


def judge(bench: Bench, claimed: Sequence[Job], cancelled: Set[str] = frozenset()) -> None:
    """Judge claimed ``assess`` jobs, record the verdicts and settle the jobs.

    A picture on which a decoder process dies, or the system fails, is tried ``TRIES`` times, then
    recorded as DEFER and its job given up. A job that was begun more often than that, without
    anybody having lived to say how it ended, is judged alone, so that it takes no other along;
    after as many tries again it is recorded as DEFER without being touched. Of a job that is
    cancelled before its verdict is recorded, nothing is.

    Args:
        bench: What to judge with.
        claimed: Jobs of one product, which the bundle judges.
        cancelled: Ids of jobs that are not to be begun any more; it may grow meanwhile.

    Raises:
        AssayError: Judging as such fails; jobs without a verdict are put back, uncounted.
        StoreError: The store refused; the jobs' leases will run out.
    """
    trusted = [job for job in claimed if job.tries <= TRIES]
    alone = [[job] for job in claimed if job.tries > TRIES]
    for portion in filter(None, [trusted, *alone]):
        started = perf_counter()
        judged: list[_Judged] = []
        try:
            judged.extend(_verdicts(bench, portion, cancelled))
        finally:
            ended = queue.end_cancelled(bench.store, portion)
            _log_cancelled(portion, ended)
            _settle(bench, [one for one in judged if one.job.id not in ended])
            done = {one.job.id for one in judged} | ended
            remaining = [job for job in portion if job.id not in done]
            queue.release(bench.store, remaining, wait_s=backoff_s(TRIES))
        _log_judged(bench, judged, 1e3 * (perf_counter() - started))


def _verdicts(bench: Bench, portion: Sequence[Job], cancelled: Set[str]) -> Iterator[_Judged]:
    bench.assessor.use(bench.policy, portion[0].product)
    is_untouched = portion[0].tries > 2 * TRIES
    wanted = (job for job in portion if job.id not in cancelled)
    pictures = _untouched(bench, portion) if is_untouched else _pictures(bench, wanted)
    for done in bench.assessor.many(pictures):
        one = replace(done.assessment, lost=True) if is_untouched else done.assessment
        code = _code(one, missing=done.incoming.is_missing)
        problem = one.verdict.findings[0].detail if code else ""
        yield _Judged(done.incoming.job, one, problem, code)


def _code(one: Assessment, *, missing: bool) -> str:
    """Return in a word why a verdict may be another one next time; empty when it will not."""
    if missing:
        return "MISSING"
    if one.lost:
        return "LOST"
    return "FAULT" if any(f.reason is Reason.FAULT for f in one.verdict.findings) else ""


def _pictures(bench: Bench, portion: Iterable[Job]) -> Iterator[_QueuedPicture]:
    for job in portion:
        name, sha256, group = _named(job)
        try:
            data = blobs.get(bench.store.blobs, sha256)
        except StoreError:
            yield _QueuedPicture(name, None, sha256, group, _MISSING, job=job, is_missing=True)
        else:
            yield _QueuedPicture(name, data, sha256, group, job=job)


def _untouched(bench: Bench, portion: Sequence[Job]) -> Iterator[_QueuedPicture]:
    """Yield what stands for pictures that nobody survived: what their files state."""
    message = f"Nothing survived judging this picture, in {portion[0].tries - 1} tries."
    for one in _pictures(bench, portion):
        head = (one.data or b"")[:HEAD]
        yield replace(one, data=None, problem=one.problem or message, head=head)


def _named(job: Job) -> tuple[str, str, str]:
    sha256 = job.payload.get("sha256", "")
    return job.payload.get("name") or sha256[:12], sha256, job.payload.get("group", "")


def _row(bench: Bench, judged: _Judged) -> NewDecision:
    """Return what is kept of a verdict: what the file states, and beside it the sender's header."""
    payload, one = judged.job.payload, judged.assessment
    possible = payload.get("groups", "").split()
    if not one.group and one.prediction is None and len(possible) == 1:
        one = replace(one, group=possible[0])  # its file does not say, whoever received it does
    new = prepare_decision(
        one,
        bench.bundle.pack,
        product=judged.job.product,
        audit_share=bench.audit_share,
        sender=payload.get("source", ""),
    )
    header = {word: text for word, text in payload.items() if word not in _OF_THE_QUEUE}
    decision = replace(new.decision, is_provisional=bool(judged.code))
    source = payload.get("source", new.source)
    return replace(new, source=source, meta={**header, **new.meta}, decision=decision)


def _settle(bench: Bench, judged: Sequence[_Judged]) -> None:
    settled = [one for one in judged if not one.problem or one.job.tries >= TRIES]
    if settled:
        rows = [_row(bench, one) for one in settled]
        record(bench.store, rows, also=partial(_queue_messages, bench.bundle.pack, settled, rows))
        with writing(bench.store) as connection:
            queue.finish(connection, [one.job for one in settled if not one.problem])
            if bench.bundle.pack.after_decision:
                for case, priority in _touched(settled, rows, bench.bundle.pack.priorities).items():
                    queue.add(
                        connection,
                        bench.bundle.pack.after_decision,
                        case,
                        pack=bench.bundle.pack.name,
                        product=settled[0].job.product,
                        payload={},
                        at=now(),
                        priority=priority,
                    )
    for one in judged:
        if one.problem:
            _fail(bench, one)


def _queue_messages(
    pack: DomainPack,
    settled: Sequence[_Judged],
    rows: Sequence[NewDecision],
    connection: Connection,
    ids: Sequence[str],
) -> None:
    """Put a message of every decision into the outbox for each output that needs them."""
    for output in (one for one in pack.outputs if one.needs_decisions):
        for one, row, decision_id in zip(settled, rows, ids, strict=True):
            outbox.put(
                connection,
                output.name,
                decision_id,
                pack=pack.name,
                subject=row.case_id,
                body=_message(row, decision_id),
                at=now(),
                priority=one.job.priority,
            )


def _message(row: NewDecision, decision_id: str) -> dict[str, Any]:
    """Return the body of a decision's message."""
    one = row.decision
    return {
        "case": row.case_key,
        "file": row.name,
        "sha256": one.content_key,
        "decision": decision_id,
        "bundle": one.bundle,
        "policy": one.policy_id,
        "disposition": one.disposition.value,
        "wording": one.wording,
        "label": one.label,
        "positive_probability": one.positive_probability,
        "reasons": [finding.reason.value for finding in one.findings],
        "message": one.message,
    }


def _touched(
    settled: Sequence[_Judged], rows: Sequence[NewDecision], priorities: Mapping[str, int]
) -> dict[str, int]:
    """Return the cases of verdicts, each with its most urgent picture's priority."""
    cases: dict[str, int] = {}
    for one, row in zip(settled, rows, strict=True):
        urgency = max(one.job.priority, queue.priority_of(row.meta, priorities))
        cases[row.case_id] = max(urgency, cases.get(row.case_id, 0))
    return cases


def _fail(bench: Bench, one: _Judged) -> None:
    wait_s = backoff_s(one.job.tries)
    given_up = queue.fail(bench.store, one.job, one.problem, wait_s=wait_s, max_tries=TRIES)
    word = Word.GIVEN_UP if given_up else Word.TRIED_AGAIN
    logger.warning(Event(word, {"job": one.job.id, "code": one.code, "tries": one.job.tries}))


def _log_cancelled(portion: Sequence[Job], ended: Set[str]) -> None:
    for job in portion:
        if job.id in ended:
            fields: dict[str, float | str] = {"job": job.id, "kind": job.kind, "tries": job.tries}
            logger.info(Event(Word.CANCELLED, fields))


def _log_judged(bench: Bench, judged: Sequence[_Judged], elapsed_ms: float) -> None:
    fields: dict[str, float | str] = {
        "pack": bench.bundle.pack.name,
        "policy": bench.policy.id,
        "count": len(judged),
        "elapsed_ms": round(elapsed_ms, 1),
    }
    logger.info(Event(Word.JUDGED, fields))

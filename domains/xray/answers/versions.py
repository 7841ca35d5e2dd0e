"""The outbox: versions of a case's answer as ``xray.send`` jobs, one for each receiver.

A job's key counts the versions, so that all of a case's are found by key, however long the queue.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from itertools import count

from sqlalchemy import select

from core.records import blobs, intake
from core.records import queue as records_queue
from core.records.connection import Store, reading, writing
from core.records.job import job_from_row
from core.records.queue import Job
from core.records.tables import JOBS
from core.records.values import name_of, now
from domains.xray.node.part10 import parse_part10
from domains.xray.node.peers import KINDS, Kind

SEND = "xray.send"


@dataclass(frozen=True, slots=True)
class Version:
    """One answer to a case, as it lies in the outbox.

    Attributes:
        number: From 1; each replaces the one before.
        report: SOP Instance UID of its report.
        decisions: Fingerprint of the decisions that it is made of.
        files: sha256 of its files in the blob folder, the report first.
    """

    number: int
    report: str
    decisions: str
    files: tuple[str, ...]

    def of_kinds(self, kinds: Collection[Kind]) -> tuple[str, ...]:
        """Return the files that are of these kinds, in order."""
        report, capture = KINDS
        every = [(report, self.files[0]), *((capture, one) for one in self.files[1:])]
        return tuple(file for kind, file in every if kind in kinds)


def versions(store: Store, case_id: str, peers: Sequence[str]) -> list[Version]:
    """Return the answers to a case that were queued for any of the peers, oldest first.

    Raises:
        StoreError: The database failed.
    """
    found: list[Version] = []
    with reading(store) as connection:
        for number in count(1):
            ids = [name_of(SEND, _key(case_id, number, peer)) for peer in peers]
            query = select(JOBS).where(JOBS.c.id.in_(ids)).limit(1)
            row = connection.execute(query).mappings().first()
            if row is None:
                break
            found.append(version_of(job_from_row(row)))
    return found


def version_of(job: Job) -> Version:
    """Read the version that a ``xray.send`` job is to deliver."""
    payload = job.payload
    return Version(
        number=int(payload["version"]),
        report=payload["report"],
        decisions=payload["decisions"],
        files=tuple(payload["files"].split()),
    )


def queue(store: Store, job: Job, version: Version, receivers: Sequence[str]) -> None:
    """Queue a version for receivers; those for which it is queued, or was sent, stay as they are.

    Its objects go on record as ours, so that one that comes back is known.

    Args:
        store: The store.
        job: The ``xray.answer`` job that it answers.
        version: What is to be sent.
        receivers: Names of the peers.

    Raises:
        StoreError: The database failed; nothing was queued.
    """
    keys = {peer: _key(job.key, version.number, peer) for peer in receivers}
    payload = {
        "version": str(version.number),
        "report": version.report,
        "decisions": version.decisions,
        "files": " ".join(version.files),
    }
    objects = {parse_part10(blobs.get(store.blobs, one)).sop_instance: one for one in version.files}
    with writing(store) as connection:
        intake.sent(connection, job.pack, objects, now())
        ids = {name_of(SEND, key): peer for peer, key in keys.items()}
        known = connection.scalars(select(JOBS.c.id).where(JOBS.c.id.in_(ids)))
        for peer in set(receivers) - {ids[one] for one in known}:
            records_queue.add(
                connection,
                SEND,
                keys[peer],
                pack=job.pack,
                payload=payload | {"peer": peer},
                at=now(),
                priority=job.priority,
            )


def _key(case_id: str, number: int, peer: str) -> str:
    return f"{case_id}/{number}/{peer}"

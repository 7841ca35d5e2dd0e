"""The versions of a case's answer, as messages of the outbox: one for each receiver."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.records import blobs, intake, outbox
from core.records.connection import Store, writing
from core.records.job import Job
from core.records.outbox import Message, Part
from core.records.values import now
from domains.xray.node.part10 import parse_part10
from domains.xray.node.peers import KINDS

ARCHIVE = "xray.archive"
"""Name of the output."""


@dataclass(frozen=True, slots=True)
class Version:
    """One answer to a case.

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


def versions(store: Store, pack: str, case_id: str) -> list[Version]:
    """Return the answers to a case, whoever was to get them, oldest first.

    Raises:
        StoreError: The database failed.
    """
    sent = map(_version_of, outbox.messages(store, pack, ARCHIVE, case_id))
    found = {one.number: one for one in sent}
    return [found[number] for number in sorted(found)]


def put(store: Store, job: Job, version: Version, receivers: Sequence[str]) -> None:
    """Put a version into the outbox for receivers; for whom it is there already it stays as it is.

    Its objects go on record as ours, so that one that comes back is known.

    Args:
        store: The store.
        job: The ``xray.answer`` job that it answers.
        version: What is to be sent.
        receivers: Names of the peers.

    Raises:
        StoreError: The database failed; nothing was put there.
    """
    report, capture = KINDS
    objects = {parse_part10(blobs.get(store.blobs, one)).sop_instance: one for one in version.files}
    kinds = (report, *(capture for _ in version.files[1:]))
    parts = [Part(*pair) for pair in zip(kinds, version.files, strict=True)]
    with writing(store) as connection:
        intake.record_sent(connection, job.pack, objects, now())
        for peer in receivers:
            outbox.put(
                connection,
                ARCHIVE,
                f"{job.key}/{version.number}",
                pack=job.pack,
                subject=job.key,
                body={
                    "version": version.number,
                    "report": version.report,
                    "decisions": version.decisions,
                },
                at=now(),
                receiver=peer,
                parts=parts,
                priority=job.priority,
            )


def _version_of(message: Message) -> Version:
    body, files = message.body, (part.sha256 for part in message.parts)
    return Version(body["version"], body["report"], body["decisions"], tuple(files))

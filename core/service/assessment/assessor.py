"""assess: files in, assessments out, recorded before anybody is told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from core.imaging.files import Incoming
from core.imaging.zip_archive import incoming as read_incoming
from core.model.bundle.bundle import Bundle
from core.pipeline import assess
from core.records import blobs
from core.records.store import Store, decisions_of, new_decision, record
from core.service.assessment.stored import as_stored
from core.service.bundles.decoders import decoders_of
from core.service.bundles.open import policy_of
from core.settings import Settings
from core.types import Assessment, Policy, Reason

BATCH = 64


@dataclass(frozen=True)
class Recorded:
    """An assessment that is durable, with the id of its decision."""

    decision: str
    assessment: Assessment


def assess_paths(
    bundle: Bundle,
    paths: Iterable[Path | str],
    *,
    policy: Policy | None = None,
    settings: Settings | None = None,
) -> Iterator[Assessment]:
    """Assess files, folders and zip archives without recording anything.

    Args:
        bundle: A verified bundle.
        paths: Files, folders (walked in order of name) and zip archives.
        policy: The thresholds; the bundle's current policy when None.
        settings: Where things run; read from the environment when None.

    Yields:
        One assessment a picture, in order.
    """
    settings = settings or Settings()
    given = [Path(path) for path in paths]
    incoming = read_incoming(given, settings.max_bytes, bundle.pack.suffixes)
    judged_by = policy or policy_of(bundle)
    yield from assess_incoming(bundle, incoming, policy=judged_by, settings=settings)


def assess_incoming(
    bundle: Bundle, incoming: Iterable[Incoming], *, policy: Policy, settings: Settings
) -> Iterator[Assessment]:
    """Assess what came in without recording anything, one assessment a picture in order."""
    with decoders_of(bundle, settings) as sandbox:
        yield from assess(
            sandbox.samples(incoming),
            bundle=bundle,
            policy=policy,
            workers=settings.workers,
            timeout_s=settings.inference_timeout_s,
        )


def is_unread(assessment: Assessment) -> bool:
    """Whether the picture could not be read, so that nothing was judged."""
    found = assessment.verdict.findings
    return bool(found) and all(one.reason is Reason.UNREADABLE for one in found)


def assess_and_record(
    bundle: Bundle,
    incoming: Iterable[Incoming],
    store: Store,
    *,
    policy: Policy,
    settings: Settings,
) -> Iterator[Recorded]:
    """Assess pictures and make each verdict durable before it is yielded, as it is on record.

    Bytes go to the blob folder first, then the rows of up to ``BATCH`` verdicts are committed in
    one transaction. The same bytes under the same bundle and policy are the same decision: what is
    on record is yielded, unless a passing fault stands there, which a real verdict supersedes.

    Args:
        bundle: A verified bundle.
        incoming: What came in; drawn a few ahead.
        store: Where verdicts are kept.
        policy: The thresholds.
        settings: Where things run.

    Yields:
        One recorded assessment a picture, in order.

    Raises:
        StoreError: The store refused; nothing unrecorded was yielded.
    """
    held: list[bytes | None] = []

    def hold() -> Iterator[Incoming]:
        for one in incoming:
            held.append(one.data)
            yield one

    answers = assess_incoming(bundle, hold(), policy=policy, settings=settings)
    while batch := list(islice(answers, BATCH)):
        data, held[: len(batch)] = held[: len(batch)], []
        blobs.put_many(store.blobs, [d for d in data if d is not None])
        rows = [new_decision(one, pack=bundle.pack.name, name=one.sample_id) for one in batch]
        ids = record(store, rows)
        held_by = decisions_of(store, ids)
        for decision, assessment in zip(ids, batch, strict=True):
            yield Recorded(decision, as_stored(assessment, held_by[decision], bundle))

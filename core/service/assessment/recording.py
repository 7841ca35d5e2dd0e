"""Verdicts made durable before anybody learns of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice

from core.imaging.files import Incoming
from core.model.bundle.bundle import Bundle
from core.packs import DomainPack
from core.records import blobs
from core.records.audit_draw import draw
from core.records.store import NewDecision, Store, new_decision, record_decisions, rehearse
from core.service.assessment.assessor import Assessor
from core.service.assessment.known_answers import KnownAnswers
from core.service.assessment.stored import as_stored
from core.settings import Settings
from core.types import Assessment, Policy

BATCH = 64


@dataclass(frozen=True)
class Recorded:
    """An assessment that is durable, with the ids of its decision and of the case it is in."""

    decision: str
    assessment: Assessment
    case_id: str


def prepare_decision(
    assessment: Assessment,
    pack: DomainPack,
    *,
    product: str = "",
    audit_share: float | None = None,
    sender: str = "",
) -> NewDecision:
    """Return an assessment as it goes into the store, drawn for the audit or not.

    Args:
        assessment: What was judged.
        pack: Of the bundle that judged it.
        product: Which of the pack's products it is of; empty for the only one.
        audit_share: Share of a deployment's automatic negatives that is drawn at random for a
            person. None where no deployment judges, and nobody acts on the verdict: nothing is
            drawn.
        sender: Who or what the picture came from; empty where that is not known.
    """
    new = new_decision(
        assessment,
        pack=pack.name,
        name=assessment.sample_id,
        product=product,
        spans_products=pack.has_unique_groups,
        sender=sender,
    )
    return new if audit_share is None else draw(new, audit_share)


def record_one(
    assessor: Assessor,
    store: Store,
    data: bytes,
    *,
    name: str = "",
    group: str = "",
    product: str = "",
    audit_share: float | None = None,
) -> Recorded:
    """Return the verdict on one picture once it is durable.

    Args:
        assessor: An entered one.
        store: Where verdicts are kept.
        data: The whole file.
        name: As in ``Assessor.one``.
        group: As in ``Assessor.one``.
        product: Which of the pack's products it is of; empty for the only one.
        audit_share: As in ``prepare_decision``: that of the deployment whose judge this is
            (`core.service.bundles.deployments.Judge`).

    Returns:
        The verdict as it is on record, as in ``assess_and_record``.

    Raises:
        StoreError: The store refused; no output may leave.
    """
    assessment = assessor.one(data, name=name, group=group)
    (recorded,) = _commit(store, assessor.bundle, [(data, assessment)], product, audit_share)
    return recorded


def warm_up(assessor: Assessor, store: Store) -> None:
    """Warm up an assessor and a store, so that ``record_one`` does nothing for the first time.

    Everything that recording a verdict takes is done in a transaction that is taken back.

    Raises:
        StoreError: The store refused.
    """
    assessment = assessor.one(b"")
    row = prepare_decision(assessment, assessor.bundle.pack)
    for _ in range(2):
        rehearse(store, [row])
    assessor.warm_up()


def assess_and_record(
    bundle: Bundle,
    incoming: Iterable[Incoming],
    store: Store,
    *,
    policy: Policy,
    settings: Settings,
    product: str = "",
    audit_share: float | None = None,
) -> Iterator[Recorded]:
    """Yield the verdict on each picture, as it is on record, once it is durable.

    Bytes go to the blob folder first, then the rows of up to ``BATCH`` verdicts are committed in
    one transaction. The same bytes under the same bundle and policy are the same decision: what is
    on record is yielded, unless a passing fault stands there, which a real verdict supersedes, or a
    negative that no audit draw was made for, which one with a draw supersedes.

    Args:
        bundle: A verified bundle.
        incoming: What came in; drawn a few ahead.
        store: Where verdicts are kept.
        policy: The thresholds.
        settings: Where things run.
        product: Which of the pack's products they are of; empty for the only one.
        audit_share: As in ``prepare_decision``.

    Yields:
        One recorded assessment a picture, in order.

    Raises:
        StoreError: The store refused; nothing unrecorded was yielded.
    """
    answers = KnownAnswers(store, bundle, settings)
    with Assessor(bundle, policy, settings, product, answers) as assessor:
        yield from record_many(assessor, store, incoming, product=product, audit_share=audit_share)


def record_many(
    assessor: Assessor,
    store: Store,
    incoming: Iterable[Incoming],
    *,
    product: str = "",
    audit_share: float | None = None,
) -> Iterator[Recorded]:
    """Yield the verdict of an entered assessor on each picture once it is durable.

    As ``assess_and_record``, for whoever keeps an assessor for many calls.

    Raises:
        StoreError: The store refused; nothing unrecorded was yielded.
    """
    with closing(assessor.many(incoming)) as assessed:
        answers = ((one.incoming.data, one.assessment) for one in assessed)
        while batch := list(islice(answers, BATCH)):
            yield from _commit(store, assessor.bundle, batch, product, audit_share)


def _commit(
    store: Store,
    bundle: Bundle,
    batch: Sequence[tuple[bytes | None, Assessment]],
    product: str,
    audit_share: float | None,
) -> list[Recorded]:
    """Return verdicts that are durable, each with the bytes that it was made on."""
    blobs.put_named(store.blobs, {one.sha256: data for data, one in batch if data is not None})
    rows = [
        prepare_decision(one, bundle.pack, product=product, audit_share=audit_share)
        for _, one in batch
    ]
    return [
        Recorded(decision, as_stored(assessment, stored, bundle), row.case_id)
        for (decision, stored), row, (_, assessment) in zip(
            record_decisions(store, rows), rows, batch, strict=True
        )
    ]

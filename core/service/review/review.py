"""Reviewing: what comes next, and what a person says about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import exists, func, select

from core.errors import BundleError, DataError
from core.packs import DomainPack, means_nothing_wrong
from core.people import Person, Role
from core.records import reviews
from core.records.case_filter import CaseFilter
from core.records.case_page import page_of_cases
from core.records.case_search import find_cases
from core.records.case_status import REVIEW, QueueState
from core.records.cases import CaseDetail, WorkItem
from core.records.connection import Store, reading
from core.records.skipped_cases import skip_case
from core.records.tables import CASE_STATUS, REVIEWS
from core.records.values import StoredDecision, stamp
from core.service.review import second_read
from core.service.review.explanations import Explainer
from core.service.review.in_use import InUse
from core.service.review.order import first_unskipped
from core.service.store import open_store
from core.settings import Settings
from core.types import Disposition, Policy


@dataclass(frozen=True)
class ReviewSession:
    """The open store and its explainer: one a process, safe to share between threads.

    Attributes:
        settings: Where things run.
        store: What was decided and reviewed.
        explainer: Explains decisions.
    """

    settings: Settings
    store: Store
    explainer: Explainer

    def close(self) -> None:
        """End the decoder processes and let go of the store."""
        self.explainer.close()
        self.store.close()


def open_review_session(settings: Settings) -> ReviewSession:
    """Return the store that the settings name, with an explainer beside it.

    Raises:
        ConfigError: The store's URL cannot be used.
        StoreError: The database cannot be reached, or was written by newer code.
    """
    store = open_store(settings)
    return ReviewSession(settings, store, Explainer(store, settings))


def next_case(store: Store, pack: str, skipped: Sequence[str] = ()) -> WorkItem | None:
    """Return the most pressing case that waits, leaving out those skipped.

    Args:
        store: The store.
        pack: The pack's name.
        skipped: Cases passed over, in that order; when no other waits, the one that was passed
            over longest ago comes back.

    Raises:
        StoreError: The database failed.
    """
    return next_matching(store, CaseFilter(packs=(pack,)), skipped)


def next_matching(
    store: Store, case_filter: CaseFilter, skipped: Sequence[str] = ()
) -> WorkItem | None:
    """Return the most pressing of the cases that a filter means, leaving out those skipped.

    Cases that a person has reviewed never come, whatever states the filter names: they would not
    leave the queue by being decided.

    Args:
        store: The store.
        case_filter: Which cases, over every pack that it leaves open.
        skipped: As for ``next_case``.

    Raises:
        StoreError: The database failed.
    """
    states = [one for one in case_filter.states or QueueState if one is not QueueState.REVIEWED]
    if not states:
        return None
    queue = replace(case_filter, states=tuple(states))
    # One more than were skipped: among that many is one that was not.
    most = len(skipped) + 1
    if queue.text:
        return first_unskipped(find_cases(store, queue, limit=most).items, skipped)
    return first_unskipped(page_of_cases(store, queue, limit=most), skipped)


def decide(
    store: Store,
    item: WorkItem,
    disposition: Disposition,
    *,
    by: Person,
    label: str = "",
    comment: str = "",
) -> bool:
    """Return whether this call kept a person's judgement of a case as it was shown to them.

    Args:
        store: The store.
        item: The case as it was shown.
        disposition: The judgement.
        by: Who.
        label: What the person named, ``a|b`` for two labels; may be empty.
        comment: Free text.

    Returns:
        Whether this call wrote it; False for a second press, or when the case has moved on.

    Raises:
        PermissionDenied: Nobody is named, or the person may not review.
        StoreError: The database failed.
    """
    by.require(Role.REVIEWER, "review a case")
    if item.read:
        return second_read.answer(store, item, disposition, by=by, label=label, comment=comment)
    return reviews.review(store, item, disposition, reviewer=by.id, label=label, comment=comment)


def put_off(store: Store, item: WorkItem, by: Person) -> None:
    """Put a case off: it comes again when the others are done, and nothing is answered.

    Args:
        store: The store.
        item: The case as it was shown.
        by: Who; others have it in its place.

    Raises:
        PermissionDenied: Nobody is named, or the person may not review.
        StoreError: The database failed.
    """
    by.require(Role.REVIEWER, "put a case off")
    if item.read:
        second_read.put_off(store, item, by)
    else:
        skip_case(store, by.id, item.case_id)


def check_labels(
    explainer: Explainer,
    pack: DomainPack,
    detail: CaseDetail,
    disposition: Disposition,
    labels: Sequence[str],
) -> None:
    """Refuse a judgement that the labels named with it contradict.

    Args:
        explainer: Knows the bundle that judged, which says whether a label counts as positive.
        pack: Says so where the bundle is not at hand.
        detail: The case.
        disposition: The judgement.
        labels: What the person named; nothing contradicts no label.

    Raises:
        DataError: A positive judgement names none but healthy labels, or a negative one names
            another.
    """
    if not labels or disposition is Disposition.DEFER:
        return
    positive = _positive_labels(explainer, pack, detail)
    wrong = [label for label in labels if positive(label)]
    if disposition is Disposition.POSITIVE and wrong:
        return
    if disposition is Disposition.NEGATIVE and not wrong:
        return
    named = ", ".join(wrong or labels)
    raise DataError(
        f"{pack.wording[disposition]} contradicts the label {named}. Nothing was kept.",
        hint="Take the label away, or give the other verdict.",
    )


def _positive_labels(
    explainer: Explainer, pack: DomainPack, detail: CaseDetail
) -> Callable[[str], bool]:
    made = next((image.decision for image in detail.images if image.decision), None)
    sides: dict[str, bool] = {}
    if made is not None:
        try:
            model = explainer.bundle(made.bundle_sha256).model
            sides = dict(zip(model.classes, map(bool, model.positive), strict=True))
        except BundleError:
            pass  # the pack's own words hold
    return lambda label: sides.get(label, not means_nothing_wrong(label, pack.negative_labels))


def done_since(store: Store, pack: str, since: datetime) -> int:
    """Return how many cases have a standing review that was made then or later.

    Raises:
        StoreError: The database failed.
    """
    # By time first, then each case by its id: as a join SQLite begins with every case of the pack.
    stands = exists().where(
        CASE_STATUS.c.case_id == REVIEWS.c.case_id,
        CASE_STATUS.c.pack == pack,
        CASE_STATUS.c.revision == REVIEWS.c.revision + 1,
    )
    query = select(func.count()).where(
        REVIEWS.c.reviewed_at >= stamp(since), REVIEWS.c.kind == REVIEW, stands
    )
    with reading(store) as connection:
        return connection.execute(query).scalar_one()


def judged_by(explainer: Explainer, decision: StoredDecision | InUse) -> Policy:
    """Return the policy that a decision was made by, or that is in use.

    Raises:
        BundleError: The bundle or its policy is not on the shelf, or was altered.
    """
    from core.service.bundles.open import policy_of  # as late as the bundle itself

    return policy_of(explainer.bundle(decision.bundle_sha256), decision.policy_id)

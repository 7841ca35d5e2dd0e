"""Taking one's own last answer back, as an event of its own."""

from __future__ import annotations

from collections.abc import Collection

from core.errors import ConfigError
from core.people import Person, Role
from core.records import reviews
from core.records.case_reads import StoredRead
from core.records.case_status import REVIEW
from core.records.cases import CaseDetail, StoredReview
from core.records.connection import Store
from core.records.own_answers import last_own_answer, own_read
from core.records.released_answers import policy_resting_on
from core.service.review import second_read


def last_review(store: Store, packs: Collection[str], by: Person) -> StoredReview | None:
    """Return the review of a person that was written last and still stands, the one to undo.

    A second read, an adjudication or a known case counts as one, so that undoing shows no reader
    which of them it was.

    Args:
        store: The store.
        packs: Names of the packs that it may be of.
        by: Who.

    Raises:
        StoreError: The database failed.
    """
    if not by.id:
        return None
    last = last_own_answer(store, by.id, packs)
    return _as_review(last) if isinstance(last, StoredRead) else last


def _as_review(read: StoredRead) -> StoredReview:
    return StoredReview(
        case_id=read.case_id,
        key="",
        revision=0,
        kind=read.kind.value,
        disposition=read.answer.disposition,
        label=read.answer.label,
        comment=read.comment,
        reviewer=read.answer.reader,
        reviewed_at=read.read_at,
        supersedes="",
        decision_id="",
        images=0,
    )


def taken_back(detail: CaseDetail, by: Person) -> StoredReview | None:
    """Return the person's own answer that they took back last; None where none was, or not last."""
    if not detail.reviews or detail.reviews[-1].kind == REVIEW or not by.id:
        return None
    earlier = next((one for one in reversed(detail.reviews) if one.kind == REVIEW), None)
    return earlier if earlier is not None and earlier.reviewer == by.id else None


def undo(store: Store, stored: StoredReview, by: Person) -> bool:
    """Return whether a review was taken back; not if the case was reviewed since.

    Raises:
        PermissionDenied: Nobody is named, the person may not review, or the review is somebody
            else's and the person no lead.
        ConfigError: The policy in force was certified on it.
        StoreError: The database failed.
    """
    by.require(Role.REVIEWER, "take back a review")
    if stored.kind != REVIEW:
        read = own_read(store, stored.case_id, by.id)
        return read is not None and second_read.take_back(store, read, by)
    if stored.reviewer != by.id:
        by.require(Role.LEAD, "take back a review of somebody else")
    if policy := policy_resting_on(store, stored.case_id):
        raise ConfigError(
            f"The policy {policy}, which is in force, was certified on this answer.",
            hint="Correct it instead: open the case and give the right answer. The page Policies "
            "then asks for the policy to be certified anew.",
        )
    return reviews.undo(store, stored.case_id, stored.revision + 1, reviewer=by.id)

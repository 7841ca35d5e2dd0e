"""A case as a reviewer meets it: what waits, what it holds, how it was reviewed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from core.decision.urgency import UNSCORED
from core.records.case_status import QueueState
from core.records.tables import RowLike
from core.records.values import StoredDecision
from core.types import Disposition


@dataclass(frozen=True, slots=True)
class WorkItem:
    """A case as it was shown: hand it to the button's callback, so that it says what was seen.

    Attributes:
        case_id: The case.
        pack: The pack's name.
        key: Its group, or the content of its only file.
        opened_at: When its first image came, in UTC.
        queue_state: Waiting for a person, negative, or reviewed.
        disposition: The worst of its images.
        positive_probability: The largest of its images; None when one of them is unscored, and
            while it waits because it was drawn for the audit.
        decision_id: The decision that makes the verdict; empty when its image has none.
        images: How many images it has.
        revision: How many review rows it has.
        product: Which of the pack's products it is of; empty for the only one.
        read: What it is read for, a `core.records.read_status.ReadKind`; empty for the first read.
    """

    case_id: str
    pack: str
    key: str
    opened_at: datetime
    queue_state: QueueState
    disposition: Disposition
    positive_probability: float | None
    decision_id: str
    images: int
    revision: int
    product: str = ""
    read: str = ""


@dataclass(frozen=True, slots=True)
class StoredReview:
    """A person's judgement of a case, or that they took it back.

    Attributes:
        case_id: The case.
        key: Its group, or the content of its only file.
        revision: Its number among the case's reviews, from 0.
        kind: ``review`` or ``undo``.
        disposition: The person's judgement; None for an undo.
        label: The class the person named, or empty.
        comment: Free text.
        reviewer: Who.
        reviewed_at: When, in UTC.
        supersedes: Id of the review row it replaces; empty for the first.
        decision_id: The decision the person had before them.
        images: How many images the person had before them.
    """

    case_id: str
    key: str
    revision: int
    kind: str
    disposition: Disposition | None
    label: str
    comment: str
    reviewer: str
    reviewed_at: datetime
    supersedes: str
    decision_id: str
    images: int


@dataclass(frozen=True, slots=True)
class CaseImage:
    """One image of a case.

    Attributes:
        id: The image.
        name: File name, for display only.
        source: Where it came from.
        received_at: When, in UTC.
        decision: Its latest decision; None when the case's pack has none on it.
        content_key: Digest that names its bytes, or stands for them when there were none.
        meta: What its file says of itself.
    """

    id: str
    name: str
    source: str
    received_at: datetime
    decision: StoredDecision | None
    content_key: str = ""
    meta: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CaseDetail:
    """Everything the review page shows of a case, read at one moment.

    Attributes:
        item: The case as it stands.
        images: Its images in the order received.
        reviews: Its reviews and undos, oldest first.
    """

    item: WorkItem
    images: tuple[CaseImage, ...]
    reviews: tuple[StoredReview, ...]


@dataclass(frozen=True, slots=True)
class Counts:
    """How many cases of a pack stand where, by the worst of their images.

    Attributes:
        waiting: For a person.
        negative: Automatically negative and not drawn for the audit.
        reviewed: By a person.
    """

    waiting: dict[Disposition, int]
    negative: int
    reviewed: dict[Disposition, int]


def item_from_row(row: RowLike) -> WorkItem:
    """Return a work item from a row of the case status joined with its case."""
    urgency = -float(row["negated_urgency"])
    disposition, queue_state = Disposition(row["disposition"]), QueueState(row["queue_state"])
    # Drawn for the audit: its place in the queue is random and no probability.
    is_drawn = disposition is Disposition.NEGATIVE and queue_state is QueueState.WAITING
    return WorkItem(
        case_id=row["case_id"],
        pack=row["pack"],
        product=row["product"],
        key=row["key"],
        opened_at=datetime.fromisoformat(row["opened_at"]),
        queue_state=queue_state,
        disposition=disposition,
        positive_probability=None if is_drawn or urgency == UNSCORED else urgency,
        decision_id=row["decision_id"],
        images=row["images"],
        revision=row["revision"],
    )


def review_from_row(row: RowLike) -> StoredReview:
    """Return a review from its row joined with its case."""
    return StoredReview(
        case_id=row["case_id"],
        key=row["key"],
        revision=row["revision"],
        kind=row["kind"],
        disposition=Disposition(row["disposition"]) if row["disposition"] else None,
        label=row["label"],
        comment=row["comment"],
        reviewer=row["reviewer"],
        reviewed_at=datetime.fromisoformat(row["reviewed_at"]),
        supersedes=row["supersedes"],
        decision_id=row["decision_id"],
        images=row["images"],
    )

"""A case and its images: names, order, and which of them is shown."""

from __future__ import annotations

from collections.abc import Sequence

from core.decision.urgency import urgency
from core.records.cases import CaseDetail, CaseImage, StoredReview, WorkItem
from core.types import FURTHER, Reason
from dashboard.present.escaping import display_name


def name_case(detail: CaseDetail) -> str:
    """Return a case's group, or the file name of a case that has none."""
    alone = detail.images[0]
    content = alone.decision.content_key if alone.decision else ""
    ungrouped = len(detail.images) == 1 and detail.item.key in (content, "")
    return display_name(alone.name if ungrouped else detail.item.key)


def make_view_id(item: WorkItem) -> str:
    """Return an id of a case as it was shown: another revision has another id."""
    return f"{item.case_id}-{item.revision}-{item.images}-{item.decision_id}"


def make_review_view_id(review: StoredReview) -> str:
    """Return the id of the case as it was shown to the person who gave this review."""
    return f"{review.case_id}-{review.revision}-{review.images}-{review.decision_id}"


def sort_worst_first(images: Sequence[CaseImage]) -> list[CaseImage]:
    """Return a case's images in the queue's order: unscored, then by falling probability.

    Where the verdict is hidden they stay in the order received: theirs would tell of it.
    """
    if any(map(_is_drawn, images)):
        return list(images)
    return sorted(images, key=_urgency, reverse=True)


def _urgency(image: CaseImage) -> float:
    return urgency(image.decision.positive_probability if image.decision else None)


def select_image(images: Sequence[CaseImage], image_id: str | None) -> CaseImage:
    """Return the image of that id, else the worst."""
    ordered = sort_worst_first(images)
    return next((image for image in ordered if image.id == image_id), ordered[0])


def describe_image(detail: CaseDetail, image: CaseImage) -> str:
    """Return which file is shown, and when it was assessed."""
    parts = [display_name(image.name)]
    if len(detail.images) > 1:
        number = sort_worst_first(detail.images).index(image) + 1
        order = "" if is_blind(detail) else ", the worst first"
        parts.append(f"image {number} of {len(detail.images)}{order}")
    if FURTHER in image.meta:
        parts.append("a further picture in the file was not looked at")
    if image.decision is not None and not is_blind(detail):
        at = image.decision.decided_at.astimezone()
        parts.append(f"assessed {at:%Y-%m-%d %H:%M}")
    return " · ".join(parts)


def is_blind(detail: CaseDetail) -> bool:
    """Return whether the verdict stays hidden until the person has given theirs.

    A case drawn at random to measure the live error rate must be reviewed without knowing it, and
    so must a second read, an adjudication and a known case (`core.service.review.blind`).
    """
    return any(map(_is_drawn, detail.images))


def _is_drawn(image: CaseImage) -> bool:
    findings = image.decision.findings if image.decision else ()
    return any(finding.reason is Reason.AUDIT for finding in findings)

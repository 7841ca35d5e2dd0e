"""What the reader's keys are on this page."""

from __future__ import annotations

from core.records.cases import CaseDetail
from core.service.review.reading_list import OPEN
from core.service.review.review import ReviewSession
from core.types import Disposition
from dashboard import widgets
from dashboard.review_keys import ReviewKeys, label_ticks
from domains.xray import pack
from domains.xray.worklist import showing

KEYS = ReviewKeys(
    "xray",
    pack,
    OPEN,
    {Disposition.NEGATIVE: "N", Disposition.POSITIVE: "A"},
    (
        "Next",
        "ArrowRight",
        "Passes over a case that has no answer yet; it comes back when the others are done, or "
        "after twelve hours.",
    ),
    ("Comment", "M"),
)


def buttons(
    session: ReviewSession, detail: CaseDetail, *, covered: bool, hidden: bool, has_picture: bool
) -> None:
    """Draw what the reader can do with the case."""
    if KEYS.is_answered(detail.item):
        widgets.text(showing.answered_text(detail, pack.wording), "heading")
    KEYS.draw(session, detail, has_picture=has_picture, stays=covered and not hidden)
    if detail.images[0].decision is not None:
        label_ticks(detail, detail.images[0].decision.classes)
    if not hidden:
        KEYS.blind_toggle()

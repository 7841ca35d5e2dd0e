"""What the reader's keys are on this page, and which case comes next."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.records.cases import CaseDetail
from core.service.review.reading_list import OPEN, ReadingList
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
        "Passes over a case that has no answer yet; it comes back when the others are done.",
    ),
    ("Comment", "M"),
)

state = st.session_state


def next_of(found: ReadingList, passed: Sequence[str]) -> str | None:
    """Return the first case that was not passed over, else the one passed over longest ago."""
    ids = [line.case.item.case_id for line in found.to_read]
    left = [one for one in ids if one not in passed]
    return next(iter(left or [one for one in passed if one in ids]), None)


def is_blind(detail: CaseDetail) -> bool:
    """Return whether the reader wants to answer first and has not yet."""
    return bool(state.get("xray_blind")) and not KEYS.is_answered(detail.item)


def buttons(
    session: ReviewSession, detail: CaseDetail, *, covered: bool, hidden: bool, has_picture: bool
) -> None:
    """Draw what the reader can do with the case."""
    if KEYS.is_answered(detail.item):
        widgets.text(showing.answered_text(detail, pack.wording), "heading")
    KEYS.draw(session, detail, has_picture=has_picture, stays=covered and not hidden)
    if detail.images[0].decision is not None:
        label_ticks(detail.item, detail.images[0].decision.classes)
    if not hidden:
        st.toggle(
            "Blind first read",
            key="xray_blind_box",
            value=bool(state.get("xray_blind")),
            help="The verdict is uncovered after you have answered; you may then change it.",
            on_change=_keep_blind,
        )


def _keep_blind() -> None:
    # Kept apart from the widget, whose own state goes while a case is shown without it.
    state["xray_blind"] = state["xray_blind_box"]

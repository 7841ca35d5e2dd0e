"""The reader's keys: a press belongs to the case that was seen, and nothing happens twice.

With a blind first read the answer is kept before the verdict is uncovered; a changed answer is a
further row, so that both stand in the store.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.records.cases import CaseDetail, StoredReview, WorkItem
from core.records.worklist import case_detail
from core.service import reviewing
from core.service.reviewing import Room
from core.types import Disposition
from dashboard import actions, present, widgets
from domains.xray import pack
from domains.xray.worklist import showing
from domains.xray.worklist.reading_list import OPEN, ReadingList

LETTERS = {Disposition.NEGATIVE: "N", Disposition.POSITIVE: "A"}

state = st.session_state


def current_case(here: Room, found: ReadingList) -> CaseDetail | None:
    """Read the case to show: the one that was opened or answered blind, else the next."""
    pinned = state.get("xray_case")
    if pinned:
        detail = case_detail(here.store, pinned)
        if detail.item.lane in OPEN or pinned == state.get("xray_answered"):
            return detail
        del state["xray_case"]
    following = next_of(found, skipped())
    return case_detail(here.store, following) if following else None


def next_of(found: ReadingList, passed: Sequence[str]) -> str | None:
    """Give the first case that was not passed over, else the one passed over longest ago."""
    ids = [line.case.item.case_id for line in found.read]
    left = [one for one in ids if one not in passed]
    return next(iter(left or [one for one in passed if one in ids]), None)


def skipped() -> list[str]:
    """Give the cases passed over, in that order."""
    return list(state.get("xray_skipped", []))


def is_blind(detail: CaseDetail) -> bool:
    """Say whether the reader wants to answer first and has not yet."""
    return bool(state.get("xray_blind")) and not _is_answered(detail.item)


def buttons(here: Room, detail: CaseDetail, *, covered: bool, hidden: bool) -> None:
    """Draw what the reader can do with the case."""
    seen = detail.item
    answered = _is_answered(seen)
    if answered:
        widgets.words(showing.answered_words(detail, pack.wording), "heading")
    _verdict_buttons(here, seen, stay=covered and not hidden)
    _other_buttons(here, seen)
    if detail.images[0].decision is not None:
        actions.label_ticks(seen, detail.images[0].decision.classes)
    if not hidden:
        st.toggle(
            "Blind first read",
            key="xray_blind_box",
            value=bool(state.get("xray_blind")),
            help="The verdict is uncovered after you have answered; you may then change it.",
            on_change=_keep_blind,
        )


def undo_button(here: Room, place: str) -> None:
    """Draw the button that takes the reader's last answer back.

    Args:
        here: The store.
        place: What is on the screen, so that a second press does not take a second one back.
    """
    last = reviewing.last_review(here.store, pack.name, widgets.reviewer())
    last_place = f"{last.case_id}-{last.revision}" if last else "none"
    st.button(
        "Undo",
        key=f"xray-undo-{last_place}",
        shortcut="U",
        width="stretch",
        disabled=last is None,
        help=present.undo_words(last, pack),
        on_click=_undo,
        args=(here, last, place),
    )


def _verdict_buttons(here: Room, seen: WorkItem, *, stay: bool) -> None:
    nameless = not widgets.reviewer()
    for column, (disposition, letter) in zip(st.columns(2), LETTERS.items(), strict=True):
        column.button(
            pack.wording[disposition],
            key=f"{disposition.value}-{present.place(seen)}",
            shortcut=letter,
            type="primary",
            width="stretch",
            disabled=nameless,
            on_click=_answer,
            args=(here, seen, disposition, stay),
        )
    if nameless:
        widgets.words("Write your name in the sidebar first; it stands under every answer.")


def _other_buttons(here: Room, seen: WorkItem) -> None:
    place = present.place(seen)
    row = st.container(horizontal=True, gap="small")
    row.button(
        "Next",
        key=f"xray-next-{place}",
        shortcut="Right",
        width="stretch",
        help="Passes over a case that has no answer yet; it comes back when the others are done.",
        on_click=_pass,
        args=(seen,),
    )
    with row:
        undo_button(here, place)
    row.button(
        "Comment",
        key=f"xray-comment-{place}",
        shortcut="M",
        width="stretch",
        on_click=_open_comment,
        args=(place,),
    )
    if state.get("xray_commenting") == place:
        st.text_input(
            "Comment",
            value=_comment(place),
            key="xray_comment_text",
            max_chars=500,
            placeholder="Enter keeps it with the answer",
            label_visibility="collapsed",
            on_change=_keep_comment,
            args=(place,),
        )
        widgets.focus("xray_comment_text")
    elif _comment(place):
        widgets.words(_comment(place), "quiet")


def _answer(here: Room, seen: WorkItem, disposition: Disposition, stay: bool) -> None:
    place = present.place(seen)
    if place == state.get("xray_decided") or not widgets.settled(place):
        return
    state["xray_decided"] = place
    if _is_answered(seen) and disposition is _said_last(here, seen):
        _leave()
        return
    written = reviewing.decide(
        here.store,
        seen,
        disposition,
        reviewer=widgets.reviewer(),
        label="|".join(sorted(state.get(f"labels-{place}", []))),
        comment=_comment(place),
    )
    _leave()
    if not written:
        st.toast("This case has changed since it was shown. Nothing was kept; look again.")
    elif stay:
        state["xray_case"] = state["xray_answered"] = seen.case_id


def _said_last(here: Room, seen: WorkItem) -> Disposition | None:
    return case_detail(here.store, seen.case_id).reviews[-1].disposition


def _is_answered(seen: WorkItem) -> bool:
    return seen.case_id == state.get("xray_answered") and seen.lane not in OPEN


def _undo(here: Room, last: StoredReview, place: str) -> None:
    if not widgets.settled(place):
        return
    _leave()
    if reviewing.undo(here.store, last, widgets.reviewer()):
        state["xray_case"] = last.case_id
        state["xray_skipped"] = [one for one in skipped() if one != last.case_id]


def _pass(seen: WorkItem) -> None:
    if seen.lane in OPEN:
        passed = [one for one in skipped() if one != seen.case_id]
        state["xray_skipped"] = [*passed, seen.case_id]
    _leave()


def _leave() -> None:
    for name in ("case", "answered", "beside", "comment", "commenting"):
        state.pop(f"xray_{name}", None)


def _keep_blind() -> None:
    # Kept apart from the widget, whose own state goes while a case is shown without it.
    state["xray_blind"] = state["xray_blind_box"]


def _open_comment(place: str) -> None:
    state["xray_commenting"] = place


def _keep_comment(place: str) -> None:
    state["xray_comment"] = (place, state["xray_comment_text"].strip())
    state.pop("xray_commenting", None)


def _comment(place: str) -> str:
    """Give what was written about the case as it is shown, and nothing of another."""
    written_at, text = state.get("xray_comment", ("", ""))
    return text if written_at == place else ""

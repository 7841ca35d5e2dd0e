"""What a person can do with the case before them: one key each, and nothing happens twice.

Every button carries what was on the screen when it was drawn, and its widget's name holds the case
and its revision: a press that arrives late belongs to the case that was seen, never to the next.
"""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.packs import DomainPack
from core.records.cases import CaseDetail, StoredReview, WorkItem
from core.records.standing import Lane
from core.records.worklist import case_detail
from core.service import reviewing
from core.service.reviewing import Room
from core.types import Disposition
from dashboard import present, widgets

state = st.session_state


def current_case(here: Room, pack: DomainPack) -> CaseDetail | None:
    """Read the case to show: the one just taken back, else the next that was not skipped."""
    pinned = state.get("pinned")
    if pinned:
        detail = case_detail(here.store, pinned)
        if detail.item.lane is Lane.WAITING and detail.item.pack == pack.name:
            return detail
        del state["pinned"]
    item = reviewing.next_case(here.store, pack.name, state.get("skipped", []))
    return case_detail(here.store, item.case_id) if item else None


def verdict_buttons(here: Room, pack: DomainPack, seen: WorkItem) -> None:
    """Draw one button a verdict; without a name none of them works."""
    nameless = not widgets.reviewer()
    keys = present.verdict_keys(pack.wording)
    for column, (disposition, letter) in zip(st.columns(len(keys)), keys.items(), strict=True):
        column.button(
            pack.wording[disposition],
            key=f"{disposition.value}-{present.place(seen)}",
            shortcut=letter,
            type="primary",
            width="stretch",
            disabled=nameless,
            on_click=_decide,
            args=(here, seen, disposition),
        )
    if nameless:
        widgets.words("Write your name in the sidebar first; it stands under every verdict.")


def other_buttons(here: Room, pack: DomainPack, seen: WorkItem) -> None:
    """Draw skip, undo and note."""
    place = present.place(seen)
    skip, undo, note = st.columns(3)
    skip.button(
        "Skip",
        key=f"skip-{place}",
        shortcut="S",
        width="stretch",
        help="Comes back when the others are done.",
        on_click=_skip,
        args=(seen.case_id,),
    )
    with undo:
        undo_button(here, pack, place)
    note.button(
        "Note",
        key=f"note-{place}",
        shortcut="N",
        width="stretch",
        on_click=_open_note,
        args=(place,),
    )
    if state.get("noting") == place:
        st.text_input(
            "Note",
            value=_note(place),
            key="note_text",
            max_chars=500,
            placeholder="Enter keeps it with the verdict",
            label_visibility="collapsed",
            on_change=_keep_note,
            args=(place,),
        )
        widgets.focus("note_text")
    elif _note(place):
        widgets.words(_note(place), "quiet")


def label_ticks(seen: WorkItem, classes: Sequence[str]) -> None:
    """Offer the labels to tick, where they say more than the two verdicts; none has to be."""
    if len(classes) > 2:
        with st.expander("Name what you see"):
            st.pills(
                "Labels",
                classes,
                selection_mode="multi",
                key=f"labels-{present.place(seen)}",
                label_visibility="collapsed",
            )


def undo_button(here: Room, pack: DomainPack, place: str) -> None:
    """Draw the button that takes the person's last verdict back.

    Args:
        here: The store.
        pack: Whose reviews.
        place: What is on the screen, so that a second press does not take a second one back.
    """
    last = reviewing.last_review(here.store, pack.name, widgets.reviewer())
    said = f"{last.case_id}-{last.revision}" if last else "none"
    st.button(
        "Undo",
        key=f"undo-{said}",
        shortcut="U",
        width="stretch",
        disabled=last is None,
        help=present.undo_words(last, pack),
        on_click=_undo,
        args=(here, last, place),
    )


def heat_button() -> None:
    """Draw the switch of the heat map."""
    word = "Hide heat map" if heat_is_on() else "Show heat map"
    st.button(word, key="heat", shortcut="H", type="tertiary", on_click=_toggle_heat)


def heat_is_on() -> bool:
    """Say whether the heat map is wanted."""
    return bool(state.get("heat_on", True))


def image_button(number: int, image_id: str, chosen: bool) -> None:
    """Draw the button that brings one of several images to the front."""
    st.button(
        str(number),
        key=f"image-{image_id}",
        shortcut=str(number) if number < 7 else None,
        type="primary" if chosen else "secondary",
        width="stretch",
        on_click=_choose,
        args=(image_id,),
    )


def _decide(here: Room, seen: WorkItem, disposition: Disposition) -> None:
    place = present.place(seen)
    if place == state.get("decided") or not widgets.settled(place):
        return
    state["decided"] = place
    written = reviewing.decide(
        here.store,
        seen,
        disposition,
        reviewer=widgets.reviewer(),
        label="|".join(sorted(state.get(f"labels-{place}", []))),
        comment=_note(place),
    )
    if not written:
        st.toast("This case has changed since it was shown. Nothing was kept; look again.")
    _leave()


def _undo(here: Room, said: StoredReview, place: str) -> None:
    if not widgets.settled(place):
        return
    _leave()
    if reviewing.undo(here.store, said, widgets.reviewer()):
        state["pinned"] = said.case_id
        state["skipped"] = [one for one in state.get("skipped", []) if one != said.case_id]


def _skip(case_id: str) -> None:
    state["skipped"] = [*(one for one in state.get("skipped", []) if one != case_id), case_id]
    _leave()


def _leave() -> None:
    for name in ("pinned", "image", "note", "noting"):
        state.pop(name, None)


def _open_note(place: str) -> None:
    state["noting"] = place


def _keep_note(place: str) -> None:
    state["note"] = (place, state["note_text"].strip())
    state.pop("noting", None)


def _note(place: str) -> str:
    """Give what was noted about the case as it is shown, and nothing of another."""
    noted_at, text = state.get("note", ("", ""))
    return text if noted_at == place else ""


def _toggle_heat() -> None:
    state["heat_on"] = not heat_is_on()


def _choose(image_id: str) -> None:
    state["image"] = image_id

"""The queue: worst first, one case at a time, one key a verdict."""

from __future__ import annotations

import streamlit as st

from core.errors import AssayError
from core.packs import DomainPack
from core.records.cases import CaseDetail, CaseImage, WorkItem
from core.records.worklist import counts
from core.service import reviewing
from core.service.reviewing import Room
from dashboard import actions, present, widgets


def render() -> None:
    """Show the next case, or say that nothing waits."""
    here, pack = widgets.room(), widgets.current_pack()
    widgets.progress(here, pack)
    detail = actions.current_case(here, pack)
    if detail is None:
        _nothing_waits(here, pack)
        return
    chosen = present.chosen_image(detail.images, st.session_state.get("image"))
    blind = present.is_blind(detail)
    left, right = st.columns([2.2, 1], gap="large")
    with right:
        verdict, buttons = st.container(), st.container()
    with left:
        _pictures(here, pack, detail, chosen, blind)
    with verdict:
        _verdict(here, pack, chosen, blind)
    # Last, so that no key works before all of the case is on its way to the screen.
    widgets.mark_shown(present.place(detail.item))
    with buttons:
        actions.verdict_buttons(here, pack, detail.item)
        actions.other_buttons(here, pack, detail.item)
    _look_ahead(here, pack, detail.item)


def _nothing_waits(here: Room, pack: DomainPack) -> None:
    st.space("large")
    _, middle, _ = st.columns([1, 4, 1])
    with middle:
        widgets.words(present.all_done(pack, counts(here.store, pack.name)), "big")
        actions.undo_button(here, pack)


def _pictures(
    here: Room, pack: DomainPack, detail: CaseDetail, chosen: CaseImage, blind: bool
) -> None:
    widgets.words(present.case_name(detail), "title")
    widgets.words(present.image_line(detail, chosen), "quiet")
    try:
        shown = widgets.shown(here, chosen.decision)
    except AssayError as exc:
        widgets.trouble(exc)
    else:
        _picture_and_heat(pack, shown, blind)
    if len(detail.images) > 1:
        _strip(here, detail, chosen, blind)
    if not blind and shown:
        _known_cases(shown)

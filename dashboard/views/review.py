"""The queue: worst first, one case at a time, one key a verdict."""

from __future__ import annotations

from datetime import datetime

import streamlit as st

from core.errors import AssayError
from core.packs import DomainPack
from core.records.cases import CaseDetail, CaseImage, WorkItem
from core.records.values import StoredDecision
from core.records.worklist import case_detail, counts
from core.service import reviewing
from core.service.reviewing import Room
from dashboard import actions, present, widgets
from dashboard.overlay import KnownCase, Shown


def render() -> None:
    """Show the next case, or say that nothing waits."""
    here, pack = widgets.room(), widgets.current_pack()
    if pack.page is not None:
        widgets.lead_to_own_page(pack)
        return
    detail = actions.current_case(here, pack)
    left, right = st.columns([2.2, 1], gap="large")
    with right:
        _progress(here, pack)
        verdict, buttons, reasons = st.container(), st.container(), st.container()
    if detail is None:
        with left:
            widgets.words(present.all_done(pack, counts(here.store, pack.name)), "big")
        widgets.mark_shown("nothing")
        with buttons:
            actions.undo_button(here, pack, "nothing")
        return
    chosen = present.chosen_image(detail.images, st.session_state.get("image"))
    blind = present.is_blind(detail)
    with left:
        _images(pack, detail, chosen, blind)
    if chosen.decision is not None:
        _verdict(here, pack, chosen.decision, blind, verdict, reasons)
    # Last, so that no key works before all of the case is on its way to the screen.
    with buttons:
        actions.verdict_buttons(here, pack, detail.item)
        actions.other_buttons(here, pack, detail.item)
        if chosen.decision is not None:
            actions.label_ticks(detail.item, chosen.decision.classes)
    widgets.mark_shown(present.place(detail.item))
    _look_ahead(here, pack, detail.item)


def _progress(here: Room, pack: DomainPack) -> None:
    midnight = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    today = reviewing.done_since(here.store, pack.name, midnight)
    widgets.words(present.progress(counts(here.store, pack.name), today), "quiet")


def _images(pack: DomainPack, detail: CaseDetail, chosen: CaseImage, blind: bool) -> None:
    name, line = st.columns([1, 1.6], vertical_alignment="center")
    with name:
        widgets.words(present.case_name(detail), "title")
    with line:
        widgets.words(present.image_line(detail, chosen), "quiet")
    with st.spinner("Looking at the picture …"):
        shown = _shown(chosen.decision)
    if isinstance(shown, Shown):
        _picture(pack, shown, blind)
    else:
        widgets.trouble(shown)
    if len(detail.images) > 1:
        _strip(detail, chosen, blind)
    if isinstance(shown, Shown) and not blind:
        _known_cases(shown.known)


def _shown(decision: StoredDecision | None) -> Shown | AssayError:
    if decision is None:
        return AssayError("This image has not been judged.", hint="`assay assess` judges it.")
    try:
        return widgets.pictures().of(decision)
    except AssayError as exc:
        return exc


def _picture(pack: DomainPack, shown: Shown, blind: bool) -> None:
    if blind or not actions.heat_is_on():
        st.image(shown.picture, width="stretch")
    else:
        plain, heat = st.columns(2, gap="small")
        plain.image(shown.picture, width="stretch")
        heat.image(shown.heat, width="stretch")
    if not blind:
        legend, switch = st.columns([3, 1], vertical_alignment="center")
        with legend:
            widgets.words(present.legend(pack) if actions.heat_is_on() else "", "quiet")
        with switch:
            actions.heat_button()


def _strip(detail: CaseDetail, chosen: CaseImage, blind: bool) -> None:
    """Show every image of the case small, the worst first, each with the key that enlarges it."""
    images = present.worst_first(detail.images)
    row = st.container(horizontal=True, gap="small")
    for number, image in enumerate(images, 1):
        with row.container(width=104, gap=None):
            shown = _shown(image.decision)
            if isinstance(shown, Shown):
                st.image(shown.picture, width=104)
            else:
                widgets.words("no picture", "trouble")
            widgets.words("" if blind else present.in_short(image.decision), "quiet")
            actions.image_button(number, image.id, image.id == chosen.id)


def _known_cases(known: tuple[KnownCase, ...]) -> None:
    widgets.words("Nearest known cases, and how far they are", "quiet")
    for column, one in zip(st.columns(max(len(known), 1)), known, strict=False):
        with column:
            if one.jpeg:
                st.image(one.jpeg, width=112)
            widgets.known_case(one)


def _verdict(
    here: Room,
    pack: DomainPack,
    decision: StoredDecision,
    blind: bool,
    verdict: st.delta_generator.DeltaGenerator,
    reasons: st.delta_generator.DeltaGenerator,
) -> None:
    if blind:
        with verdict:
            widgets.words(present.BLIND)
        return
    try:
        policy = reviewing.judged_by(here.desk, decision)
    except AssayError as exc:
        policy = None
        with reasons:
            widgets.trouble(exc)
    with verdict:
        st.html(widgets.verdict_html(decision, pack.wording, policy))
        chances, left_out = present.label_chances(decision)
        if chances:
            st.html(widgets.labels_html(chances, left_out))
    with reasons:
        widgets.words("Why it is here", "heading")
        for sentence in present.why(decision, policy):
            widgets.words(sentence)


def _look_ahead(here: Room, pack: DomainPack, seen: WorkItem) -> None:
    """Have the pictures of the case behind this one worked out while the person looks."""
    skipped = [*st.session_state.get("skipped", []), seen.case_id]
    following = reviewing.next_case(here.store, pack.name, skipped)
    if following is not None and following.case_id != seen.case_id:
        for image in case_detail(here.store, following.case_id).images:
            if image.decision is not None:
                widgets.pictures().prepare(image.decision)


render()

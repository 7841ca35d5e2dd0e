"""The queue: worst first, one case at a time, one key a verdict."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial

import streamlit as st

from core.errors import AssayError
from core.packs import DomainPack, installed
from core.records.case_filter import CaseFilter
from core.records.case_status import QueueState
from core.records.cases import CaseDetail, Counts
from core.records.worklist import counts
from core.service.review import review
from core.service.review.review import ReviewSession
from dashboard import address, case_view, key_bridge, other_reads, present, widgets
from dashboard.open_case import OpenCaseState
from dashboard.review_keys import NOTHING, ReviewKeys, label_ticks

PAGE = "review"
SKIP = ("Skip", "S", "Comes back when the others are done, or after twelve hours.")
NOTE = ("Note", "N")

state = st.session_state


def render() -> None:
    """Show the next case, or say that nothing waits."""
    key_bridge.hear_early_keys()
    session, chosen = widgets.session(), widgets.current_pack()
    case_filter = _filter(chosen)
    packs = [one for one in case_filter.packs if not installed()[one].has_own_review]
    if not packs:
        widgets.link_to_own_page(chosen)
        return
    queue = replace(case_filter, packs=tuple(packs))
    next_case = other_reads.unclaimed(
        session, partial(review.next_matching, session.store, queue), packs
    )
    opened = OpenCaseState(PAGE, chosen, (QueueState.WAITING,))
    shown = [name for name, one in installed().items() if not one.has_own_review]
    found = opened.current(session, next_case, shown)
    is_asked_for = found is not None and opened.is_asked_for(found.item)
    detail = other_reads.serve(session, packs, found, comes_first=is_asked_for)
    opened.name_in_address(detail)
    pack = installed()[detail.item.pack] if detail else installed()[packs[0]]
    session.explainer.start(pack.name)
    keys = ReviewKeys(
        PAGE, pack, opened.lanes, present.assign_verdict_keys(pack.wording), SKIP, NOTE
    )
    view_id = present.make_view_id(detail.item) if detail else NOTHING
    with st.container(key="assay-case"), widgets.part_of(view_id):
        if detail is None:
            _nothing(session, pack, keys, packs)
            pictures = 0
        else:
            following = keys.following(session, next_case, detail.item)
            pictures = int(_case(session, keys, detail, following))
    keys.arm(session, detail, pictures)
    if detail is not None:
        # Last, since it may open a bundle.
        case_view.prepare(present.select_image(detail.images, keys.image()))
        # The next one's pictures are prepared while the person looks at this one.
        for image in following.images if following else ():
            case_view.prepare(image)


def _filter(chosen: DomainPack) -> CaseFilter:
    """Return which cases are asked for: by the address, else those of the pack in the sidebar."""
    asked = address.requested(PAGE, "filter")
    if asked is not None:
        state["review_filter"] = asked
    text = str(state.get("review_filter", ""))
    try:
        case_filter = CaseFilter.from_query(text)
    except AssayError as exc:
        widgets.error(exc)
        case_filter, text = CaseFilter(), ""
    address.write(PAGE, "filter", text)
    if not text:
        return case_filter.of_pack(chosen.name)
    with st.sidebar:
        widgets.text(f"Only cases with: {text.replace('&', ', ')}", "quiet")
        st.button("All cases", key="clear_filter", type="tertiary", on_click=_clear_filter)
    known = [name for name in case_filter.packs or tuple(installed()) if name in installed()]
    return replace(case_filter, packs=tuple(known))


def _clear_filter() -> None:
    state["review_filter"] = ""
    address.write(PAGE, "filter", "")


def _nothing(session: ReviewSession, pack: DomainPack, keys: ReviewKeys, packs: list[str]) -> None:
    left, right = st.columns([2.2, 1], gap="large")
    with left:
        home = session.settings.home
        widgets.text(
            present.describe_empty_queue(pack, counts(session.store, pack.name), home), "big"
        )
    with right:
        _progress(session, pack, waits=True)
        keys.undo_button(session, NOTHING, packs)


def _case(
    session: ReviewSession,
    keys: ReviewKeys,
    detail: CaseDetail,
    following: CaseDetail | None,
) -> bool:
    """Return whether the picture of the case that is drawn can be seen."""
    left, right = st.columns([2.2, 1], gap="large")
    with right, st.container(key="case-side"):
        _progress(session, keys.pack, waits=False)
        verdict, buttons, facts = st.container(), st.container(), st.container()
    chosen = present.select_image(detail.images, keys.image())
    is_blind = present.is_blind(detail)
    with left:
        has_picture = case_view.draw_pictures(session, keys, detail, chosen, following, is_blind)
    case_view.draw_facts(session, keys.pack, detail, chosen, is_blind, verdict, facts)
    with buttons:
        keys.draw(session, detail, has_picture=has_picture)
        if chosen.decision is not None:
            label_ticks(detail, chosen.decision.classes)
    return has_picture


@st.fragment(run_every=widgets.FOLLOW_S)
def _progress(session: ReviewSession, pack: DomainPack, *, waits: bool) -> None:
    """Show how far the work is, and draw the page anew once there is a case for who waits."""
    midnight = datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)
    counted, today = _counted(session, pack.name, widgets.head_of(session), midnight)
    widgets.text(present.describe_progress(counted, today), "quiet")
    if waits and any(counted.waiting.values()):
        widgets.draw_anew()


@st.cache_resource(max_entries=8, show_spinner=False)
def _counted(
    _session: ReviewSession, pack: str, head: str, midnight: datetime
) -> tuple[Counts, int]:
    del head  # whatever is written to the store changes it
    return counts(_session.store, pack), review.done_since(_session.store, pack, midnight)


render()

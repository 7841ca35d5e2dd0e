"""What came in and has no place on the worklist: conflicts to be decided, and what is set aside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import streamlit as st

from core.errors import AssayError
from core.people import Role
from core.records import audit, quarantine
from core.records.connection import Store
from core.records.intake import ASIDE
from core.records.quarantine import Conflict
from core.service.review import conflicts
from core.service.review.review import ReviewSession
from dashboard import present, widgets
from dashboard.names import names_of
from domains.xray import pack
from domains.xray.worklist import received
from domains.xray.worklist.received import Difference

_MOST, _MOST_ASIDE, _MOST_DECIDED = 20, 200, 10


def render(session: ReviewSession) -> None:
    """Show the conflicts with what can be done, what was decided, and what was set aside."""
    head = audit.head(session.store).hash
    waiting = quarantine.conflicts(session.store, pack.name)
    widgets.text(f"{len(waiting):,} in conflict", "title")
    if waiting:
        widgets.text(received.WHAT_TO_DO, "quiet")
        for conflict, found in zip(waiting[:_MOST], _differences(session, head), strict=False):
            with st.container(border=True):
                _conflict(session, conflict, found)
        if len(waiting) > _MOST:
            widgets.text(f"The oldest {_MOST} are shown.", "quiet")
    decided = quarantine.resolutions(session.store, pack.name, limit=_MOST_DECIDED)
    names = names_of(session.store, [one.resolved_by for one in decided])
    for one in decided:
        by = replace(one, resolved_by=names[one.resolved_by])
        widgets.text(received.resolution_text(by), "quiet")
    _aside(session)


@st.cache_resource(max_entries=2, show_spinner="Reading both sides …")
def _differences(_session: ReviewSession, head: str) -> list[tuple[Difference, ...] | None]:
    del head  # whatever is written to the store changes it
    shown = quarantine.conflicts(_session.store, pack.name, limit=_MOST)
    return received.read_differences(shown, _session.store, _session.settings)


def _conflict(
    session: ReviewSession, conflict: Conflict, found: tuple[Difference, ...] | None
) -> None:
    other = conflict.other
    widgets.text(f"{received.class_text(other)} {other.key}", "heading")
    widgets.html(received.difference_html(found))
    widgets.text(f"First: {received.arrival_text(conflict.first)}", "quiet")
    widgets.text(f"New: {received.arrival_text(other)}", "quiet")
    may_not = not widgets.person().may(Role.LEAD)
    row = st.container(horizontal=True, gap="small")
    actions = ((received.ACCEPT, conflicts.take_new), (received.DECLINE, conflicts.keep_first))
    for label, decide in actions:
        row.button(
            label,
            key=f"{label}-{other.id}",
            disabled=may_not,
            on_click=_decide,
            args=(session, decide, other.id),
        )
    if may_not:
        widgets.text(widgets.why_not(Role.LEAD))


def _decide(session: ReviewSession, decide: Callable[..., bool], receipt_id: str) -> None:
    store: Store = session.store
    try:
        if not decide(store, receipt_id, by=widgets.person()):
            st.toast("Somebody decided this meanwhile; nothing was changed.")
    except AssayError as exc:
        st.toast(present.escape_markdown(str(exc)))


def _aside(session: ReviewSession) -> None:
    count = quarantine.counts(session.store, pack.name).get(ASIDE, 0)
    widgets.text(f"{count:,} set aside", "heading")
    widgets.text(
        "Kept as they came and not judged: reports, presentation states, documents and pictures of "
        "other kinds that were sent along.",
        "quiet",
    )
    if shown := quarantine.receipts(session.store, pack.name, ASIDE, limit=_MOST_ASIDE):
        st.dataframe(
            {
                "Class": [received.class_text(one) for one in shown],
                "Came": [received.arrival_text(one) for one in shown],
                "SOP Instance UID": [one.key for one in shown],
            },
            hide_index=True,
            width="stretch",
        )

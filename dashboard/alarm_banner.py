"""The line that every page shows while an alarm stands."""

from __future__ import annotations

from html import escape

import streamlit as st

from core.records import alarms, deployments
from core.records.alarms import MonitorAlarm
from core.service.review.review import ReviewSession
from dashboard import widgets
from dashboard.present.alarms import describe_banner


def show_banner(session: ReviewSession) -> None:
    """Draw one line while an alarm stands, for a reader's ears too; nothing otherwise."""
    if line := describe_banner(standing(widgets.head_of(session), session)):
        st.html(f'<div class="assay-banner" role="alert"><b>!</b> {escape(line)}</div>')


@st.cache_resource(max_entries=4, show_spinner=False)
def standing(head: str, _session: ReviewSession) -> list[MonitorAlarm]:
    """Return the alarms that stand, the newest first.

    Args:
        head: Hash of the store's state, which whatever is written changes.
        _session: The open store.
    """
    del head
    found = alarms.list_alarms(_session.store)
    if not found:
        return []
    return alarms.standing(found, deployments.all_in_force(_session.store))

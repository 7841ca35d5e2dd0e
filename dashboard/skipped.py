"""The cases that the person at this page put off: in the store, or for nobody in the session."""

from __future__ import annotations

import streamlit as st

from core.people import Role
from core.records import skipped_cases
from core.records.cases import WorkItem
from core.records.connection import Store
from core.service.review import review
from dashboard import widgets

_NAME = "skipped_by_nobody"

state = st.session_state


def list_skipped(store: Store, but: str = "") -> list[str]:
    """Return the cases passed over, in that order.

    Args:
        store: The store.
        but: A case that is left out.
    """
    by = widgets.person()
    listed = skipped_cases.list_skipped(store, by.id) if by.id else state.get(_NAME, [])
    return [one for one in listed if one != but]


def skip(store: Store, item: WorkItem) -> None:
    """Pass over a case; whoever has no say leaves no trace but in this session.

    Raises:
        StoreError: The database failed.
    """
    by = widgets.person()
    if by.id and by.may(Role.REVIEWER):
        review.put_off(store, item, by)
    else:
        state[_NAME] = [*list_skipped(store, but=item.case_id), item.case_id]


def end_skip(store: Store, case_id: str) -> None:
    """Let a case stand in its place again."""
    by = widgets.person()
    if by.id:
        skipped_cases.end_skip(store, by.id, case_id)
    else:
        state[_NAME] = list_skipped(store, but=case_id)

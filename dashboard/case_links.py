"""Lists of cases of which each is one click away."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.packs import DomainPack
from core.records.case_filter import CaseFilter
from core.records.case_names import claimed_cases, name_cases
from core.records.connection import Store
from dashboard import present, widgets

FEW, MOST = 12, 200


def case_links(
    store: Store, pack: DomainPack, cases: Sequence[tuple[str, str]], total: int, key: str
) -> None:
    """List cases, a few until a person asks for more.

    Args:
        store: The store.
        pack: Whose cases.
        cases: Id of each, and what there is to know of it.
        total: How many there are, those that are not given included.
        key: Of the list, unique on its page.
    """
    listed = cases[:MOST]
    shown = listed
    if len(listed) > FEW and not st.toggle(f"List all {len(listed)}", key=f"all-{key}"):
        shown = listed[:FEW]
    names = name_cases(store, [case_id for case_id, _ in shown])
    blind = claimed_cases(store, widgets.person().id)
    with st.container(key=f"cases-{key}", gap="xxsmall"):
        for case_id, note in shown:
            name = present.display_name(names.get(case_id, case_id))
            has_note = note and case_id not in blind
            case_link(pack, case_id, f"{name}: {note}" if has_note else name)
    if total > len(shown):
        widgets.text(f"{total - len(shown):,} more are not listed.", "quiet")


def case_link(pack: DomainPack, case_id: str, label: str) -> None:
    """Link to one case, where it is reviewed."""
    own = st.session_state.get("own_pages", {}).get(pack.name, [])
    page = own[0] if pack.has_own_review and own else "views/review.py"
    st.page_link(page, label=present.escape_markdown(label), query_params={"case": case_id})


def filter_link(case_filter: CaseFilter, label: str) -> None:
    """Link to the list of the cases that a filter means."""
    st.page_link(
        "views/cases.py",
        label=present.escape_markdown(label),
        icon=":material/list:",
        query_params={"filter": case_filter.to_query()},
    )


def queue_link(case_filter: CaseFilter, label: str) -> None:
    """Link to the queue of the cases that a filter means, the most urgent first."""
    st.page_link(
        "views/review.py",
        label=present.escape_markdown(label),
        icon=":material/rate_review:",
        query_params={"filter": case_filter.to_query()},
    )

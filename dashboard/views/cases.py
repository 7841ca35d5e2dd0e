"""Every case of every pack as rows or small pictures: filtered, searched, opened by a click."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.packs import DomainPack, installed
from core.people import Role
from core.records.case_filter import CaseFilter, Facets
from core.records.case_number import place_at
from core.records.case_page import CaseOrder, CasePlace, place_of
from core.records.case_search import SEARCHED
from core.records.values import now
from core.service.review.browse import browse, facets_in, visible_filter
from core.service.review.review import ReviewSession
from core.service.review.thumbnails import Thumbnails
from dashboard import case_filters, case_list, present, spot_check_page, thumbnails, widgets
from dashboard.case_list import Drawn
from dashboard.open_case import open_in_review

SIZES = {"table": 30, "grid": 60}
MODES = {"table": "table", "grid": "small pictures"}
ORDERS = {
    CaseOrder.WORST: "worst first",
    CaseOrder.NEWEST: "newest first",
    CaseOrder.OLDEST: "oldest first",
}

state = st.session_state


def render() -> None:
    """Show a page of the list, or the spot check of what is confirmed at once."""
    session, packs = widgets.session(), installed()
    thumbnails.serve_from(lambda: Thumbnails(session.store, session.explainer))
    if state.pop("cases_opening", False):
        _go_to_review()
    if spot_check_page.is_open():
        spot_check_page.render(session, packs)
        return
    case_filter = case_filters.filter_of_address()
    shared = visible_filter(case_filter, packs)
    facets = facets_in(session.store, shared.packs)
    every = visible_filter(CaseFilter(), packs)
    case_filters.draw(case_filter, facets_in(session.store, every.packs), packs)
    order, mode = _order(), _mode()
    trail: list[tuple[int, CasePlace | None]] = state.setdefault("cases_trail", [(1, None)])
    first, after = trail[-1]
    page = browse(
        session.store, shared, by=widgets.person(), order=order, after=after, limit=SIZES[mode]
    )
    _heading(shared, facets, first, len(page.lines), page.is_complete)
    if page.lines:
        selecting = _tools(shared, order, session)
        case_list.draw(
            Drawn(
                lines=present.case_lines(page.lines, packs, now(), thumbnails.address),
                columns=present.COLUMNS,
                mode=mode,
                filter=case_filter.to_query(),
                caption="Cases",
                is_selecting=selecting,
                selection=f"{case_filter.to_query()} {state.get('cases_selection', 0)}",
            ),
            _open,
            lambda: spot_check_page.begin(session, case_list.selected_cases(), widgets.person()),
        )
    elif page.end is None:
        _nothing(session, case_filter)
    _pager(trail, first + len(page.lines), page.end)
    _own_pages(packs, case_filter)


def _order() -> CaseOrder:
    asked = st.query_params.get("order", "")
    return CaseOrder(asked) if asked in list(CaseOrder) else CaseOrder.WORST


def _mode() -> str:
    asked = st.query_params.get("view", "")
    return asked if asked in SIZES else "table"


def _heading(
    case_filter: CaseFilter, facets: Sequence[Facets], first: int, shown: int, is_complete: bool
) -> None:
    counted = present.describe_matches(
        case_filter, facets, is_complete=is_complete, searched=SEARCHED
    )
    range_shown = f", {first:,} to {first + shown - 1:,} shown" if shown else ""
    widgets.text(f"{counted}{range_shown}", "title")


def _tools(case_filter: CaseFilter, order: CaseOrder, session: ReviewSession) -> bool:
    """Return whether a click selects, having drawn what changes the list as a whole."""
    row = st.container(horizontal=True, gap="small", vertical_alignment="bottom")
    mode = _mode()
    with row.container(width=150):
        st.selectbox(
            "Order",
            list(ORDERS),
            index=list(ORDERS).index(order),
            format_func=lambda one: ORDERS[one],
            key=f"cases_order_{order}",
            on_change=lambda: _put("order", state[f"cases_order_{order}"], restarts=True),
        )
    with row.container(width=150):
        st.selectbox(
            "Shown as",
            list(SIZES),
            index=list(SIZES).index(mode),
            format_func=MODES.__getitem__,
            key=f"cases_mode_{mode}",
            on_change=lambda: _put("view", state[f"cases_mode_{mode}"], restarts=True),
        )
    with row.container(width=160):
        st.text_input(
            "Go to number or id",
            key="cases_jump",
            max_chars=64,
            on_change=lambda: _jump(session, case_filter, order),
        )
    if not widgets.person().may(Role.REVIEWER):
        return False
    with row.container(width=120):
        return st.toggle("Select", key="cases_selecting", help="Select cases to confirm at once.")


def _put(name: str, value: str, *, restarts: bool) -> None:
    st.query_params[name] = value
    if restarts:
        case_filters.restart()


def _jump(session: ReviewSession, case_filter: CaseFilter, order: CaseOrder) -> None:
    """Go to the case of a number in the list, or open the one of an id."""
    asked = state["cases_jump"].strip().lower()
    state["cases_jump"] = ""
    number = int(asked.replace(",", "")) if asked.replace(",", "").isdecimal() else 0
    if place_of(session.store, asked) is not None:
        _open_case(session, asked)
    elif not 0 < number < 10**9:
        st.toast(f"No case has the id {present.escape_markdown(asked)}.")
    elif case_filter.text:
        st.toast("A number counts in a list without a search; clear the search first.")
    elif number == 1:
        case_filters.restart()
    elif (place := place_at(session.store, case_filter, order, number - 1)) is None:
        st.toast(f"The list has no case number {number:,}.")
    else:
        state["cases_trail"] = [(1, None), (number, place)]


def _open() -> None:
    if case_id := case_list.opened_case():
        _open_case(widgets.session(), case_id)


def _open_case(session: ReviewSession, case_id: str) -> None:
    """Have the review page show a case, wherever it stands."""
    if open_in_review(session, case_id):
        state["cases_opening"] = True


def _go_to_review() -> None:
    st.switch_page(
        state["review_page"],
        query_params={"case": state["review_case"], "filter": state.get("cases_filter", "")},
    )


def _pager(
    trail: list[tuple[int, CasePlace | None]], following: int, end: CasePlace | None
) -> None:
    back, on = len(trail) > 1, end is not None
    if not back and not on:
        return
    row = st.container(horizontal=True, gap="small")
    row.button("Previous", key="cases_back", disabled=not back, on_click=_back, args=(trail,))
    row.button(
        "Next", key="cases_on", disabled=not on, on_click=lambda: trail.append((following, end))
    )


def _back(trail: list[tuple[int, CasePlace | None]]) -> None:
    trail.pop()


def _nothing(session: ReviewSession, case_filter: CaseFilter) -> None:
    if case_filter != CaseFilter():
        widgets.text("No case matches this filter.", "big")
        st.button("Show every case", on_click=lambda: case_filters.keep(CaseFilter(states=())))
        return
    widgets.text(
        "No case waits for a person. Passed and reviewed ones are listed once State is all; "
        f"new ones come by `assay assess BUNDLE PATH` into {session.settings.home.resolve()}.",
        "big",
    )
    st.button("Show every case", on_click=lambda: case_filters.keep(CaseFilter(states=())))


def _own_pages(packs: dict[str, DomainPack], case_filter: CaseFilter) -> None:
    """Link to the packs whose own page decides what a reader may know of a case."""
    for name, pack in packs.items():
        if pack.has_own_review and (not case_filter.packs or name in case_filter.packs):
            widgets.link_to_own_page(pack)


render()

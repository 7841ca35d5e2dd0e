"""The filter of the list of cases: what a person chooses, kept in the address of the page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import streamlit as st

from core.errors import DataError
from core.packs import DomainPack
from core.records.case_filter import LONGEST_TEXT, CaseFilter, Facets
from core.records.case_status import QueueState
from core.types import Disposition, Reason
from dashboard import present, widgets

state = st.session_state


def filter_of_address() -> CaseFilter:
    """Return the filter that the address names, else the last one; the address is made to name it.

    What cannot be read is shown with the way out, and the default filter holds.
    """
    asked = st.query_params.get("filter")
    try:
        found = CaseFilter.from_query(state.get("cases_filter", "") if asked is None else asked)
    except DataError as exc:
        widgets.error(exc)
        found = CaseFilter()
    query = found.to_query()
    if state.get("cases_filter") != query:
        state["cases_filter"] = query
        restart()
    if st.query_params.get("filter", "") != query:
        st.query_params["filter"] = query
    return found


def restart() -> None:
    """Go back to the first page."""
    state["cases_trail"] = [(1, None)]


def keep(case_filter: CaseFilter) -> None:
    """Show what a filter means from now on, from its first page."""
    state["cases_filter"] = query = case_filter.to_query()
    st.query_params["filter"] = query
    restart()


def draw(case_filter: CaseFilter, facets: Sequence[Facets], packs: dict[str, DomainPack]) -> None:
    """Draw the filter.

    Args:
        case_filter: What is chosen.
        facets: What can be chosen.
        packs: The installed packs by name.
    """
    shared = [name for name, pack in packs.items() if not pack.has_own_review]
    shown = [packs[name] for name in case_filter.packs or shared if name in packs]
    verdicts = partial(present.verdict_choice, packs=shown)
    row = st.container(horizontal=True, gap="small", vertical_alignment="bottom")
    _search_box(row, case_filter)
    _choices(row, case_filter, "states", "State", list(QueueState), present.STATES.__getitem__)
    _choices(row, case_filter, "verdicts", "Verdict", list(Disposition), verdicts)
    more = ("reasons", "packs", "products", "sites")
    chosen = sum(bool(getattr(case_filter, name)) for name in more)
    chosen += case_filter.min_age_h is not None or case_filter.max_age_h is not None
    with row.container(width=170):
        box = st.popover(f"More filters ({chosen})" if chosen else "More filters")
    _choices(box, case_filter, "reasons", "Reason", _reasons(facets), present.reason_text)
    _choices(box, case_filter, "packs", "Pack", shared, str)
    _choices(box, case_filter, "products", "Product", _values(facets, _products), str)
    _choices(box, case_filter, "sites", "Site", _values(facets, _sites), str)
    _age_box(box, case_filter)


def _choices(
    place: Any,  # noqa: ANN401
    case_filter: CaseFilter,
    name: str,
    label: str,
    options: list[Any],
    words: Callable[[Any], str],
) -> None:
    """Ask for some values of a field of the filter; nothing where there is nothing to choose."""
    chosen = list(getattr(case_filter, name))
    options += [one for one in chosen if one not in options]
    if len(options) < 2 and not chosen:
        return
    state[f"cases_{name}"] = chosen
    with place.container(width=200):
        st.multiselect(
            label,
            options,
            key=f"cases_{name}",
            format_func=partial(_choice, words),
            placeholder="all",
            on_change=_choose,
            args=(case_filter, name),
        )


def _choice(words: Callable[[Any], str], value: object) -> str:
    return present.escape_markdown(words(value)) or "none"


def _products(facets: Facets) -> tuple[str, ...]:
    return (facets.product,)


def _sites(facets: Facets) -> tuple[str, ...]:
    return facets.sites


def _values(facets: Sequence[Facets], of: Callable[[Facets], tuple[str, ...]]) -> list[str]:
    return sorted({value for one in facets for value in of(one)} - {""})


def _reasons(facets: Sequence[Facets]) -> list[Reason]:
    found = {reason for one in facets if not one.is_hidden for reason in one.reasons}
    return sorted(found)


def _choose(case_filter: CaseFilter, name: str) -> None:
    changed: Any = {name: tuple(state[f"cases_{name}"])}
    keep(replace(case_filter, **changed))


def _age_box(place: Any, case_filter: CaseFilter) -> None:  # noqa: ANN401
    age = present.age_choice(case_filter)
    state["cases_age"] = age
    with place.container(width=200):
        st.selectbox(
            "Received",
            list(dict.fromkeys((*present.AGES, age))),
            key="cases_age",
            on_change=lambda: _choose_age(case_filter),
        )


def _search_box(place: Any, case_filter: CaseFilter) -> None:  # noqa: ANN401
    state["cases_text"] = case_filter.text
    with place.container(width=260):
        st.text_input(
            "Search",
            key="cases_text",
            max_chars=LONGEST_TEXT,
            placeholder="id, key, file, comment or label",
            on_change=lambda: keep(replace(case_filter, text=state["cases_text"].strip())),
        )


def _choose_age(case_filter: CaseFilter) -> None:
    least, most = present.AGES.get(
        state["cases_age"], (case_filter.min_age_h, case_filter.max_age_h)
    )
    keep(replace(case_filter, min_age_h=least, max_age_h=most))

"""The list of cases as the browser draws it: rows or small pictures, each opened by a click."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

_HERE = Path(__file__).parent

WORDS = {
    "count": "{n} selected",
    "all": "Select this page",
    "none": "Select none",
    "confirm": "Confirm with a spot check",
}


@dataclass(frozen=True, slots=True)
class Drawn:
    """What the browser is to draw.

    Attributes:
        lines: The cases as texts, from `dashboard.present.case_lines`.
        columns: Name and title of each column of the table.
        mode: ``table`` or ``grid``.
        filter: The filter as a query, for the address of each case.
        caption: What the table lists, for who hears it.
        is_selecting: Whether a click selects a case instead of opening it.
        selection: Names the selection: under another name it begins empty.
    """

    lines: Sequence[Mapping[str, Any]]
    columns: Sequence[tuple[str, str]]
    mode: str
    filter: str
    caption: str
    is_selecting: bool = False
    selection: str = ""


KEY = "assay_case_list"


def draw(drawn: Drawn, on_open: Any, on_confirm: Any) -> None:  # noqa: ANN401
    """Draw the list.

    Args:
        drawn: What to draw.
        on_open: Called when a person opens a case; `opened_case` says which.
        on_confirm: Called when a person wants to confirm what they selected; `selected_cases`.
    """
    mount = st.components.v2.component(
        "assay_case_list",
        html='<div class="list"></div>',
        css=(_HERE / "case_list.css").read_text(),
        js=(_HERE / "case_list.js").read_text(),
    )
    data = {
        "lines": list(drawn.lines),
        "columns": [list(one) for one in drawn.columns],
        "mode": drawn.mode,
        "filter": drawn.filter,
        "caption": drawn.caption,
        "missing": "no picture",
        "selecting": drawn.is_selecting,
        "selection": drawn.selection,
        "words": WORDS,
        "drawn": "-".join((drawn.mode, drawn.filter, *(line["id"] for line in drawn.lines[:1]))),
    }
    mount(key=KEY, data=data, on_open_change=on_open, on_confirm_change=on_confirm)


def opened_case() -> str:
    """Return the case that a person has just opened; empty for none."""
    return str(st.session_state[KEY].get("open") or "")


def selected_cases() -> list[str]:
    """Return the cases that a person has just asked to confirm."""
    return [str(one) for one in st.session_state[KEY].get("confirm") or ()]

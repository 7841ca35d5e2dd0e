"""The list itself: one line a case, in the order in which they are to be read."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.records.values import now
from core.service.review.autonomy_text import stage_lines
from core.service.review.reading_list import ListEntry, ReadingList
from dashboard import present, widgets
from domains.xray import pack
from domains.xray.pages.keys import KEYS
from domains.xray.worklist import notices, showing

_WORDING = {one: str(present.verdict_mark(one, word)) for one, word in pack.wording.items()}

state = st.session_state


def render(found: ReadingList, home: Path) -> None:
    """Show the open cases of a home folder."""
    widgets.text(f"{len(found.to_read):,} to read", "title")
    for words in stage_lines(found.stages):
        widgets.text(words)
    widgets.text(showing.order_text(found), "error" if found.failure else "quiet")
    for words in notices.contradiction_lines(found):
        widgets.text(words, "error")
    if not found.to_read:
        widgets.text(notices.nothing_text(home), "big")
    else:
        _table("xray_read", found.to_read)
        widgets.text(
            "O opens the first, or choose a line. " + showing.left_out_text(len(found.to_read)),
            "quiet",
        )
    if found.cleared:
        widgets.text(f"{len(found.cleared):,} likely normal that need not be read", "heading")
        _table("xray_cleared", found.cleared)
    if found.old:
        widgets.text(notices.old_text(found.old), "heading")
        _table("xray_old", found.old)


def _table(key: str, lines: tuple[ListEntry, ...]) -> None:
    shown = lines[: showing.LONGEST_TABLE]
    ids = tuple(line.case.item.case_id for line in shown)
    st.dataframe(
        showing.table(shown, _WORDING, now()),
        key=key,
        hide_index=True,
        width="stretch",
        height=min(38 + 35 * len(shown), 560),
        on_select=lambda: _open(key, ids),
        selection_mode="single-row",
        column_config={
            "#": st.column_config.NumberColumn(width=40),
            "Waiting": st.column_config.TextColumn(width=75),
            "Priority": st.column_config.TextColumn(width=70),
            "Patient": st.column_config.TextColumn(width=190),
            "Study": st.column_config.TextColumn(width=260),
            "Verdict": st.column_config.TextColumn(width=95),
            "Probability": st.column_config.ProgressColumn(
                width=110, min_value=0.0, max_value=1.0, format="%.3f"
            ),
        },
    )


def _open(key: str, ids: tuple[str, ...]) -> None:
    """Open the case of the chosen line, as the list was when it was drawn."""
    rows = state[key]["selection"]["rows"]
    if rows:
        KEYS.open_case(ids[rows[0]])
        state["xray_screen"] = "Read"

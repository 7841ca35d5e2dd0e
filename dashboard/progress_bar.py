"""A bar for work that the page waits for; drawn once there is something to wait for."""

from __future__ import annotations

from typing import Self

import streamlit as st
from streamlit.delta_generator import DeltaGenerator


class Bar:
    """Draws how far the work is, as ``core.service.progress.Progress``; gone after its block."""

    def __init__(self) -> None:
        self._drawn: DeltaGenerator | None = None

    def __enter__(self) -> Self:
        """Return itself; nothing is drawn yet."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Take away what was drawn."""
        if self._drawn is not None:
            self._drawn.empty()

    def __call__(self, step: str, done: int, total: int) -> None:
        """Draw that ``done`` of ``total`` units of ``step`` are finished."""
        self._drawn = self._drawn or st.progress(0.0)
        self._drawn.progress(min(done / max(total, 1), 1.0), text=f"{step}: {done:,} of {total:,}")

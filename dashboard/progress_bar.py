"""A bar for work that the page waits for; drawn once there is something to wait for."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator


class Bar:
    """Draws how far the work is, as ``core.service.progress.Progress``."""

    def __init__(self) -> None:
        self._drawn: DeltaGenerator | None = None

    def __call__(self, step: str, done: int, total: int) -> None:
        """Draw that ``done`` of ``total`` units of ``step`` are finished."""
        self._drawn = self._drawn or st.progress(0.0)
        self._drawn.progress(min(done / max(total, 1), 1.0), text=f"{step}: {done:,} of {total:,}")

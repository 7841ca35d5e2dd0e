"""A chart that is changed in place: Streamlit's own takes it off the page for every new figure."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import plotly.graph_objects as go
import streamlit as st

from dashboard.offered import OFFERS, SCRIPT

_HERE = Path(__file__).parent


def show(figure: go.Figure, key: str, title: str) -> None:
    """Draw a figure.

    Args:
        figure: The figure; its height is that of its layout.
        key: Names the place on the page.
        title: What it is, for whoever cannot see it.
    """
    mount = st.components.v2.component(
        f"assay_chart_{key}",
        html=f'<div class="chart" role="img" aria-label="{title}"></div>',
        css=f".chart {{ height: {figure.layout.height}px; }}",
        js=(_HERE / "chart.js").read_text(),
        isolate_styles=False,
    )
    address = OFFERS.put("plotly", _plotly, SCRIPT)
    mount(key=f"chart-{key}", data={"figure": figure.to_json(), "plotly": address})


def _plotly() -> bytes:
    return (files("plotly") / "package_data" / "plotly.min.js").read_bytes()

"""Whether the page's server answers, watched by the browser on every page."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent


def watch() -> None:
    """Have the page say when its server is gone or its connection cut, and when it is back."""
    mount = st.components.v2.component(
        "assay_connection",
        html="<i></i>",
        js="\n".join((_HERE / name).read_text() for name in ("connection.js", "notice.js")),
    )
    with st.container(key="assay-connection"):  # out of the page's flow: it takes no room
        mount(key="assay_connection", on_back_change=lambda: None)  # that alone draws it anew

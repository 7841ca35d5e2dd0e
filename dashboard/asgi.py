"""What is served: Streamlit with the script of the pages, what pages offer, and uploads."""

from pathlib import Path

import streamlit as st

from dashboard import offered, upload

app = st.App(
    Path(__file__).with_name("app.py").resolve(), routes=[*offered.routes(), *upload.routes()]
)

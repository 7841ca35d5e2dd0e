"""What is served: Streamlit with the script of the pages, and what pages offer by address."""

from pathlib import Path

import streamlit as st

from dashboard.offered import routes

app = st.App(Path(__file__).with_name("app.py").resolve(), routes=routes())

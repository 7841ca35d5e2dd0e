"""What the address of a page names: the case that is open, and the filter.

A reload, a lost connection or a link leads to the same place by it.
"""

from __future__ import annotations

import streamlit as st

state = st.session_state


def requested(page: str, name: str) -> str | None:
    """Return what the address names newly; None where it names what the page itself wrote there."""
    asked = st.query_params.get(name)
    return asked if asked is not None and asked != state.get(_written(page, name)) else None


def write(page: str, name: str, value: str) -> None:
    """Have the address name a value from now on; nothing where it is empty."""
    state[_written(page, name)] = value
    if value:
        if st.query_params.get(name) != value:
            st.query_params[name] = value
    elif name in st.query_params:
        del st.query_params[name]


def _written(page: str, name: str) -> str:
    return f"{page}_address_{name}"

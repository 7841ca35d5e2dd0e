"""What the address of a page names: the case that is open, and the filter.

A reload, a lost connection or a link leads to the same place by it.
"""

from __future__ import annotations

from time import monotonic

import streamlit as st

LAG_S = 2.0
"""A browser may ask so long with the address that it had before the page wrote another."""

state = st.session_state


def requested(page: str, name: str) -> str | None:
    """Return what the address names newly; None where it names what the page itself wrote there.

    What the page has just replaced is nothing new either: the browser had asked before it heard of
    that, as it does when it comes back after a cut connection, and the case was answered meanwhile.
    """
    asked = st.query_params.get(name)
    if asked is None or asked == state.get(_written(page, name)):
        return None
    replaced, at = state.get(_replaced(page, name), ("", 0.0))
    return None if asked == replaced and monotonic() - at < LAG_S else asked


def write(page: str, name: str, value: str) -> None:
    """Have the address name a value from now on; nothing where it is empty."""
    before = state.get(_written(page, name), "")
    if value != before:
        state[_replaced(page, name)] = (before, monotonic())
    state[_written(page, name)] = value
    if value:
        if st.query_params.get(name) != value:
            st.query_params[name] = value
    elif name in st.query_params:
        del st.query_params[name]


def _written(page: str, name: str) -> str:
    return f"{page}_address_{name}"


def _replaced(page: str, name: str) -> str:
    return f"{page}_address_{name}_before"

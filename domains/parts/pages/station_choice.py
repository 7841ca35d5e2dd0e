"""Which station a page is about, and in which role the person stands before it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import streamlit as st

from core.people import Role
from core.records.values import now
from core.service.review.autonomy_text import SINGLE_USER
from dashboard import sign_in, widgets
from domains.parts.station.board.status_file import stations_in
from domains.parts.station.user import StationRole, StationUser

state = st.session_state


# What is about to be drawn anew fades in Streamlit, which reads as a line that stands.
_STYLE = '<style>.stElementContainer[data-stale="true"] { opacity: 1 !important; }</style>'


def choose(home: Path) -> str | None:
    """Return the station, asked for where there are several; None where none has run here."""
    st.html(_STYLE)
    stations = stations_in(home)
    if not stations:
        widgets.text("No station has run here yet.", "big")
        widgets.text(f"`assay parts station run STATION.TOML` starts one, with {home} as its home.")
        return None
    with st.sidebar:
        if len(stations) > 1:
            _keep("Station", "parts_station", stations)
        if not sign_in.has_sign_in():
            _keep("Role", "parts_role", [one.value for one in StationRole])
            widgets.text(SINGLE_USER, "quiet")
    return str(state.get("parts_station", stations[0])) if len(stations) > 1 else stations[0]


def person() -> StationUser:
    """Return who stands before the page, in the role that they have or, alone, have chosen.

    Somebody who may not review has no name at a station, and does what takes none: stop the line.
    """
    found = widgets.person()
    if not found.may(Role.REVIEWER):
        return StationUser("")
    if not sign_in.has_sign_in():
        chosen = state.get("parts_role", StationRole.OPERATOR.value)
        return StationUser(found.id, StationRole(chosen))
    is_lead = found.may(Role.LEAD)
    return StationUser(found.id, StationRole.LEAD if is_lead else StationRole.INSPECTOR)


def seconds_since(at: datetime) -> float:
    """Return how long ago something was."""
    return (now() - at).total_seconds()


def _keep(label: str, key: str, choices: list[str]) -> None:
    """Ask for one of some words; the choice stays while pages change."""
    last = state.get(key)
    state[key] = st.selectbox(label, choices, index=choices.index(last) if last in choices else 0)

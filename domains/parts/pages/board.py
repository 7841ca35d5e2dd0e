"""The operator's board of a station: one word, the part, and what the line is doing today."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.errors import AssayError
from core.people import Role
from core.service.review.review import ReviewSession
from dashboard import present, widgets
from domains.parts import pack
from domains.parts.pages import day, live_board, station_choice
from domains.parts.pages.live_board import LivePictures
from domains.parts.station.board.commands import (
    VALID,
    BoardCommand,
    CommandName,
    answer_to,
    send_command,
)
from domains.parts.station.board.data import BoardReader

_STYLE = """<style>
[data-testid="stApp"] .stMainBlockContainer { max-width: none; }
@media (min-width: 901px) {
  [data-testid="stApp"] .stMainBlockContainer { padding: 1.2rem 1rem .6rem; } }
.stMainBlockContainer > div { gap: .6rem; }
[class*="st-key-command-stop"] button { background: #b3261e; border-color: #b3261e; color: #fff; }
[class*="st-key-command-"] button { min-height: 3.4rem; }
[class*="st-key-command-"] button p { font-size: 1.15rem; font-weight: 650;
  white-space: normal; line-height: 1.15; }
</style>"""

state = st.session_state


def render() -> None:
    """Show the board of the chosen station."""
    session = widgets.session()
    st.html(_STYLE)
    station = station_choice.choose(session.settings.home)
    if station is None:
        return
    reader, pictures = _opened(session, session.settings.home, station)
    live_board.mount(reader, pictures)
    _commands(session, reader)
    _answer(session, station)
    day.show(session, reader)


@st.cache_resource(max_entries=8, show_spinner=False)
def _opened(_session: ReviewSession, home: Path, station: str) -> tuple[BoardReader, LivePictures]:
    reader = BoardReader(_session.store, home, station, pack)
    return reader, LivePictures(_session, widgets.pictures(), widgets.full_pictures())


def _commands(session: ReviewSession, reader: BoardReader) -> None:
    """Draw what can be asked of the station; a stop waits for nobody's name."""
    nameless = not widgets.reviewer()
    recipes = live.status.recipes if (live := reader.live()).status else ()
    stop, go, challenge, choice, change = st.columns(
        [1.5, 1.5, 1.5, 1.2, 1.2], vertical_alignment="center"
    )
    wanted = choice.selectbox(
        "Recipe",
        recipes,
        format_func=lambda one: f"{one.number}: {one.product}",
        label_visibility="collapsed",
        index=None,
        placeholder="Recipe",
        key=f"recipe-{reader.station}",
    )
    buttons = (
        (stop, "STOP", CommandName.STOP, "", False),
        (go, "Acknowledge", CommandName.ACKNOWLEDGE, "", nameless),
        (challenge, "Reference parts", CommandName.CHALLENGE, "", nameless),
        (
            change,
            "Change recipe",
            CommandName.RECIPE,
            str(wanted.number) if wanted else "",
            nameless or wanted is None,
        ),
    )
    for column, label, name, argument, is_off in buttons:
        column.button(
            label,
            key=f"command-{name.value}",
            width="stretch",
            disabled=is_off,
            on_click=_send,
            args=(session, reader.station, name, argument),
        )
    if nameless:
        widgets.text(f"{widgets.why_not(Role.REVIEWER)} You can stop the line.", "quiet")
    elif station_choice.person().is_lead:
        _release(session, reader.station)


def _release(session: ReviewSession, station: str) -> None:
    with st.expander("Release a failed challenge"):
        reason = st.text_input("What was found", key=f"release-{station}", max_chars=200)
        st.button(
            "Release; it begins anew",
            key="command-release",
            disabled=not reason.strip(),
            on_click=_send,
            args=(session, station, CommandName.RELEASE, reason),
        )


def _send(session: ReviewSession, station: str, name: CommandName, argument: str) -> None:
    try:
        state["board_command"] = send_command(
            session.store,
            station,
            name,
            argument=argument,
            by=station_choice.person(),
        )
    except AssayError as exc:
        st.toast(present.escape_markdown(str(exc)))


@st.fragment(run_every=0.5)
def _answer(session: ReviewSession, station: str) -> None:
    """Say what became of the last command, until its answer has been read."""
    asked: BoardCommand | None = state.get("board_command")
    if asked is None:
        return
    try:
        found = answer_to(session.store, station, asked.number)
    except AssayError as exc:
        widgets.text(exc.message, "error")
        return
    name = asked.name.value.capitalize()
    if found is not None:
        outcome = "done" if found.is_done else "refused"
        widgets.text(f"{name}: {outcome}. {found.sentence}".strip(), "plain")
    elif station_choice.seconds_since(asked.sent_at) < VALID.total_seconds():
        widgets.text(f"{name}: the station has not answered yet …", "plain")
    else:
        widgets.text(
            f"{name}: the station did not answer within {VALID.total_seconds():.0f} s and will not "
            "do it any more. Stop the line by hand.",
            "error",
        )


render()

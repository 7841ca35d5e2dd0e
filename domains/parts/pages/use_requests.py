"""Parts that somebody asks to use as they are: a second person agrees, or does not."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.errors import AssayError
from core.people import Role
from core.records.values import now
from core.service.review.review import ReviewSession
from dashboard import present, widgets
from dashboard.names import names_of
from domains.parts.pages.judged import first_decision
from domains.parts.station.part import InspectedPart
from domains.parts.station.records.agreements import (
    UseRequest,
    agree,
    disagree,
    open_requests,
    part_of,
)


def show(session: ReviewSession, station: str) -> None:
    """Show what waits for a second person; nothing where nothing does.

    Args:
        session: The open store.
        station: Name of the station.
    """
    waiting = open_requests(session.store, station)
    if not waiting:
        return
    widgets.text("Waiting for a second person", "heading")
    names = names_of(session.store, [one.who for one in waiting])
    for one in waiting:
        with st.container(border=True):
            _request(session, station, one, names[one.who])


def _request(session: ReviewSession, station: str, one: UseRequest, who: str) -> None:
    part = part_of(session.store, station, one.number)
    widgets.text(f"{one.part_id or f'Part {one.number}'}: use it as it is", "plain")
    widgets.text(f"The station: {part.verdict.message}", "quiet")
    _picture(session, part)
    widgets.text(f"{who} asks: {one.reason.sentence}. {one.text}")
    by = widgets.person()
    is_own = by.id.casefold() == one.who.casefold()
    row = st.container(horizontal=True, gap="small")
    row.button(
        "Agree",
        key=f"agree-{one.number}",
        disabled=is_own or not by.may(Role.REVIEWER),
        on_click=_answer,
        args=(_agree, session, station, one),
    )
    row.button(
        "Take it back" if is_own else "Do not agree",
        key=f"disagree-{one.number}",
        disabled=not by.may(Role.REVIEWER),
        on_click=_answer,
        args=(_disagree, session, station, one),
    )
    if is_own:
        widgets.text("You asked for it; somebody else has to agree.", "quiet")


def _picture(session: ReviewSession, part: InspectedPart) -> None:
    """Show what whoever agrees is to look at."""
    try:
        made = first_decision(session, part)
        data = widgets.pictures().of(made)
    except AssayError as exc:
        widgets.error(exc)
        return
    alt = f"Picture of {part.part_id or 'the part'}"
    widgets.picture(data, alt, "36vh", widgets.enlarge(made))


def _agree(session: ReviewSession, station: str, one: UseRequest) -> None:
    part = part_of(session.store, station, one.number)
    agree(session.store, station, part, one, by=widgets.person(), at=now())


def _disagree(session: ReviewSession, station: str, one: UseRequest) -> None:
    disagree(session.store, station, one, by=widgets.person(), at=now())


def _answer(
    act: Callable[[ReviewSession, str, UseRequest], None],
    session: ReviewSession,
    station: str,
    one: UseRequest,
) -> None:
    try:
        act(session, station, one)
    except AssayError as exc:
        st.toast(present.escape_markdown(str(exc)))

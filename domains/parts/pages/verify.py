"""Verification of rejected parts: a person's decision beside the station's, with a reason.

Keys as on Bosch's stations: F5 OK, F8 not OK, F9 back, then the number of the reason. Some of the
parts shown are known to be bad; nothing on the screen tells which.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from core.errors import AssayError
from core.people import Role
from core.records.values import StoredDecision, now
from core.service.review.review import ReviewSession
from dashboard import present, sign_in, widgets
from dashboard.names import names_of
from domains.parts.pages import station_choice, use_requests
from domains.parts.pages.judged import first_decision
from domains.parts.station.board.board import person_lines, reason_lines
from domains.parts.station.part import InspectedPart
from domains.parts.station.records.agreements import ask_to_use, open_requests, part_of
from domains.parts.station.records.overrides import (
    Override,
    OverrideKind,
    OverrideReason,
    confirmed_bad,
    make_override,
    overrides_of,
    record_override,
    record_salt_answer,
    salt_answers,
)
from domains.parts.station.records.parts import parts_of
from domains.parts.station.records.verify_queue import SALT_SHARE, VerifyItem, salt_queue
from domains.parts.station.result import LineResult

MOST = 200
_ANYBODY = "anybody"
KEYS = {"ok": "F5", "not_ok": "F8", "back": "F9"}
_LABELS = {"ok": "OK", "not_ok": "Not OK", "back": "Back"}

state = st.session_state


def render() -> None:
    """Show the next rejected part, and what was decided so far."""
    session = widgets.session()
    station = station_choice.choose(session.settings.home)
    if station is None:
        return
    # Streamlit's grey of a key is too faint on white.
    st.html(
        "<style>.stMain button kbd { color: inherit !important; opacity: 1 !important; }</style>"
    )
    decide, rates = st.columns([2.2, 1], gap="large")
    with decide:
        _decide(session, station)
        use_requests.show(session, station)
    with rates:
        _rates(session, station)
        _key_choice()


def _decide(session: ReviewSession, station: str) -> None:
    queue = _queue(session, station)
    if not queue:
        widgets.text("No rejected part waits.", "big")
        _back_button()
        return
    item = queue[0]
    part = part_of(session.store, station, item.number)
    widgets.text(f"{len(queue)} to verify", "quiet")
    widgets.text(part.part_id or "Part without an id", "title")
    widgets.text(f"{part.result.value}: {part.verdict.message}", "big")
    _picture(session, part)
    if refusal := widgets.why_not(Role.REVIEWER):
        widgets.text(refusal)
        return
    if (step := state.get("verify_step", "")) == "":
        ok, not_ok, back = st.columns(3)
        with ok:
            _button("ok", lambda: _step("ok"))
        with not_ok:
            _button("not_ok", lambda: _step("not_ok"))
        with back:
            _back_button()
    else:
        _reasons(session, station, part, item, step)


def _reasons(
    session: ReviewSession, station: str, part: InspectedPart, item: VerifyItem, step: str
) -> None:
    """Offer the reasons of a decision, each under its number."""
    released = (OverrideKind.RELEASE, OverrideKind.USE_AS_IS)
    kinds = released if step == "ok" else (OverrideKind.REJECT,)
    words, person = st.columns(2)
    words.text_input("In your words", key="verify_text", max_chars=300)
    if step == "ok" and sign_in.has_sign_in():
        with person:
            widgets.text(
                "To use it as it is takes a second person: they sign in, and agree below.", "quiet"
            )
    elif step == "ok":
        person.text_input(
            "Second person, to use it as it is (kept as a typed name, not verified)",
            key="verify_second",
        )
    reasons = [one for one in OverrideReason if one.kind in kinds]
    columns = st.columns(2)
    for number, reason in enumerate(reasons, 1):
        columns[1 - number % 2].button(
            f"{reason.kind.value.capitalize()}: {reason.sentence}",
            key=f"reason-{reason.name}-{item.number}",
            shortcut=str(number),
            width="stretch",
            on_click=_record,
            args=(session, station, part, item, reason),
        )
    _back_button()


def _record(
    session: ReviewSession,
    station: str,
    part: InspectedPart,
    item: VerifyItem,
    reason: OverrideReason,
) -> None:
    """Keep a decision once; an answer to a known-bad part is no override."""
    by = station_choice.person()
    # As they are now: a box that was left by this very click was drawn with what stood before.
    text, second = (str(state.get(f"verify_{name}", "")) for name in ("text", "second"))
    try:
        person = widgets.person_for(Role.REVIEWER, "decide about a part")
        needs_agreement = reason.kind is OverrideKind.USE_AS_IS and sign_in.has_sign_in()
        if needs_agreement and not item.is_salt:
            ask_to_use(
                session.store, station, part, reason, by=person, role=by.role, at=now(), text=text
            )
            state["verify_step"] = ""
            return
        agreed = _ANYBODY if needs_agreement else second  # to a part that is known to be bad
        made = make_override(part, reason, by=by, at=now(), text=text, second_person=agreed)
        if item.is_salt:
            released = made.kind is not OverrideKind.REJECT
            record_salt_answer(
                session.store, station, item.number, by.name, made.at, is_released=released
            )
            state.setdefault("verify_answered", []).append(item.number)
        elif not any(one.number == made.number for one in _overrides(session, station)):
            record_override(session.store, station, part, made)
    except AssayError as exc:
        st.toast(present.escape_markdown(str(exc)))
        return
    state["verify_step"] = ""


def _queue(session: ReviewSession, station: str) -> list[VerifyItem]:
    """Return what waits, the oldest first, with parts known to be bad among it."""
    rejected = parts_of(
        session.store, station, results=[LineResult.FAIL, LineResult.STOP], limit=MOST
    )
    overrides = _overrides(session, station)
    decided = {one.number for one in overrides}
    decided |= {one.number for one in open_requests(session.store, station)}
    waiting = [p.trigger.number for p in reversed(rejected) if p.trigger.number not in decided]
    salted = salt_queue(
        waiting, confirmed_bad(overrides), SALT_SHARE, _salt_key(session.settings.home)
    )
    answered = state.get("verify_answered", [])
    return [one for one in salted if not (one.is_salt and one.number in answered)]


def _overrides(session: ReviewSession, station: str) -> list[Override]:
    return overrides_of(session.store, station, limit=10 * MOST)


def _picture(session: ReviewSession, part: InspectedPart) -> None:
    try:
        made = first_decision(session, part)
        picture = widgets.pictures().of(made)
        widgets.pictures().prepare(made)
        explained = widgets.pictures().explained(made)
    except AssayError as exc:
        widgets.error(exc)
        return
    plain, marked = st.columns(2, gap="small")
    with plain:
        widgets.picture(picture, "Picture of the part", "44vh", widgets.enlarge(made))
    with marked:
        if explained is None:
            widgets.text("The region is being marked …", "quiet")
            _come_back(made)
        else:
            opens = widgets.enlarge(made, is_marked=True)
            widgets.picture(explained.heat, "Picture with the region marked", "44vh", opens)


@st.fragment(run_every=0.7)
def _come_back(made: StoredDecision) -> None:
    """Draw the page again once the region is marked."""
    if widgets.pictures().is_explained(made):
        st.rerun()


def _rates(session: ReviewSession, station: str) -> None:
    """Show what each person and each reason let through."""
    overrides = _overrides(session, station)
    lines = person_lines(overrides, salt_answers(session.store, station))
    if not lines:
        widgets.text("Nobody has decided about a rejected part yet.", "quiet")
        return
    widgets.text("By person", "heading")
    names = names_of(session.store, [who for who, _ in lines])
    for who, line in lines:
        widgets.text(names[who], "plain")
        widgets.text(line, "quiet")
    widgets.text("By reason", "heading")
    for reason, line in reason_lines(overrides):
        widgets.text(reason, "plain")
        widgets.text(line, "quiet")


def _key_choice() -> None:
    with st.expander("Keys"):
        for name, key in KEYS.items():
            st.text_input(_LABELS[name], value=_key(name) or key, key=f"verify_key_{name}")


def _key(name: str) -> str:
    """Return the key of an action, as it was set here or as it comes."""
    chosen = str(state.get(f"verify_key_{name}", "")).strip()
    return chosen or KEYS[name]


def _button(name: str, act: Callable[[], None]) -> None:
    st.button(
        _LABELS[name], key=f"verify-{name}", shortcut=_key(name), width="stretch", on_click=act
    )


def _back_button() -> None:
    _button("back", lambda: _step(""))


def _step(step: str) -> None:
    state["verify_step"] = step


def _salt_key(home: Path) -> bytes:
    """Return the station's secret, made at first use."""
    path = home / "stations" / "verify.key"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(secrets.token_bytes(32))
    except FileExistsError:
        pass
    return path.read_bytes()


render()

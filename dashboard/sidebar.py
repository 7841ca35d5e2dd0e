"""Beside every page: which pack, who reviews, and where the data are."""

from __future__ import annotations

import streamlit as st

from core.packs import installed
from core.people import Person
from core.records.worklist import counts
from core.service.review.last_person import LastPerson, keep_last_person, read_last_person
from core.service.review.review import ReviewSession
from dashboard import sign_in, widgets

_BOX = "pack_box"
SINGLE_USER = "One person on this machine; nobody signs in."


def draw(session: ReviewSession, *, asks_pack: bool) -> None:
    """Ask which pack and who reviews; both stay while pages change.

    Args:
        session: The open store.
        asks_pack: Whether the page is of the pack that is chosen; others are of all packs, or of
            their own.
    """
    if "pack" not in st.session_state or "reviewer" not in st.session_state:
        _recall(session)
    with st.sidebar:
        if asks_pack:
            if len(installed()) > 1:
                # Kept apart from the box, whose own state goes while a page is drawn without it.
                st.session_state[_BOX] = st.session_state["pack"]
                st.selectbox("Pack", list(installed()), key=_BOX, on_change=_choose)
            widgets.text(widgets.current_pack().title, "quiet")
        if sign_in.has_sign_in():
            _signed_in_as(widgets.person())
            return
        widgets.text(SINGLE_USER, "quiet")
        widgets.text(f"Data: {session.settings.home.resolve()}", "quiet")
        if not widgets.reviewer():
            st.text_input(
                "Your name",
                key="typed_name",
                max_chars=80,
                placeholder="Stands under every verdict",
                on_change=_sign,
            )
            return
        # A box that keeps the cursor would swallow the verdict keys; so it goes once it is filled.
        widgets.text("Reviewing as", "quiet")
        widgets.text(widgets.reviewer(), "title")
        st.button("Somebody else", key="somebody_else", type="tertiary", on_click=_sign_off)


def _signed_in_as(found: Person) -> None:
    widgets.text("Signed in as", "quiet")
    widgets.text(found.name, "title")
    widgets.text(f"Role: {found.role.value}", "quiet")
    st.button("Sign out", key="sign_out", type="tertiary", on_click=st.logout)


def _recall(session: ReviewSession) -> None:
    """Begin with the pack and the name of the last time, else where most cases wait."""
    last = read_last_person(session.settings.home)
    waiting = {name: sum(counts(session.store, name).waiting.values()) for name in installed()}
    pack = last.pack if last.pack in waiting else max(waiting, key=lambda name: waiting[name])
    st.session_state.setdefault("pack", pack)
    name = "" if sign_in.has_sign_in() else last.name
    st.session_state.setdefault("reviewer", session.settings.reviewer or name)


def _choose() -> None:
    st.session_state["pack"] = st.session_state[_BOX]
    _remember()


def _remember() -> None:
    if not sign_in.has_sign_in():
        kept = LastPerson(widgets.reviewer(), str(st.session_state.get("pack", "")))
        keep_last_person(widgets.session().settings.home, kept)


def _sign() -> None:
    st.session_state["reviewer"] = st.session_state["typed_name"].strip()
    _remember()


def _sign_off() -> None:
    st.session_state["reviewer"] = ""
    _remember()

"""What stands before the pages: signing in, having a role, and being there at all."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import streamlit as st

from core.errors import AssayError, StoreError
from core.packs import pack_named
from core.people import Role
from core.records.kept_answers import KeptAnswer, kept_answer, take_kept
from core.records.values import now
from core.records.worklist import case_detail
from core.service.people import roles, sessions
from core.service.people.sessions import SignedIn
from core.service.review import review
from core.service.review.review import ReviewSession
from dashboard import present, sign_in, widgets

EVERY_S = 2.0
"""How often an open page looks whether its person may still see it."""

PROBLEMS = {
    "refused": "Signing in was refused: what came back from the provider is not valid here.",
    "too-large": "Signing in was refused: what the provider calls you is too long for a cookie.",
    "unreachable": "The provider that people sign in with cannot be reached.",
}
_PARAMETER = "sign-in"
_HERE = Path(__file__).parent

state = st.session_state


def admit(session: ReviewSession) -> bool:
    """Return whether the pages may be drawn; what is missing is drawn in their place if not."""
    if state.get("is_locked", False):
        _locked()
        return False
    if sign_in.has_sign_in() and not _admit_signed_in(session):
        return False
    _watch_idle(session.settings.idle_minutes)
    return True


def _admit_signed_in(session: ReviewSession) -> bool:
    found = sign_in.current()
    if found is None or sessions.is_over(session.store, found):
        _sign_in_page(was_signed_in=found is not None)
        return False
    if state.get("signed_in") != found.session:
        roles.sign_in(session.store, session.settings, found.who)
        state["signed_in"] = found.session
        st.query_params.pop(_PARAMETER, None)
    by = widgets.person()
    _follow(session, found, by.role)
    if not by.may(Role.VIEWER):
        _no_role(found.who)
        return False
    _offer_kept(session, by.id)
    return True


def _sign_in_page(*, was_signed_in: bool) -> None:
    problem = PROBLEMS.get(st.query_params.get(_PARAMETER, ""), "")
    widgets.text("Assay", "title")
    if problem:
        widgets.text(problem, "error")
    elif was_signed_in:
        widgets.text("Your sign-in has ended. Sign in again to go on.", "big")
    else:
        widgets.text("Sign in to go on.", "big")
    if st.button("Sign in", key="sign_in", type="primary"):
        st.login()


def _no_role(who: roles.Identity) -> None:
    widgets.text(f"{who.name}, you have no role here yet.", "big")
    widgets.text("An admin can give you one; they find you on the page People, or need this:")
    widgets.text(f"Issuer: {who.issuer}")
    widgets.text(f"Subject: {who.subject}")
    st.button("Sign out", key="sign_out", on_click=st.logout)


def _follow(session: ReviewSession, found: SignedIn, role: Role) -> None:
    """Draw the page anew once the sign-in was ended or the role is another one.

    One whose time is up leaves the page as it is, with what a person has in hand: whatever they
    do next is kept, and asks them to sign in.
    """

    @st.fragment(run_every=EVERY_S)
    def follow() -> None:
        moment = now()
        in_time = min(moment, found.expires_at - timedelta(seconds=1))
        if sessions.person_signed_in(session.store, found, in_time).role is not role:
            st.rerun()
        if moment >= found.expires_at:
            widgets.text("Your sign-in has ended. Your next verdict is kept until you are back.")

    follow()


def _offer_kept(session: ReviewSession, person_id: str) -> None:
    kept = kept_answer(session.store, person_id)
    if kept is None:
        return
    try:
        title = present.name_case(case_detail(session.store, kept.item.case_id))
    except StoreError:  # its pictures were deleted since
        take_kept(session.store, person_id)
        return
    word = pack_named(kept.item.pack).wording[kept.disposition]
    with st.container(border=True, key="assay-kept"):
        widgets.text("Your sign-in had ended before this verdict was stored.", "heading")
        widgets.text(f"{title}: {word}. {kept.comment}")
        store, discard, _ = st.columns([1, 1, 3])
        store.button("Store it", key="kept_store", type="primary", on_click=_store, args=(session,))
        discard.button("Discard it", key="kept_discard", on_click=_discard, args=(session,))


def _store(session: ReviewSession) -> None:
    by = widgets.person()
    kept = take_kept(session.store, by.id)
    if kept is None:
        return
    try:
        if not _decide(session, kept):
            st.toast("The case has changed meanwhile. Nothing was stored; look again.")
    except AssayError as exc:
        st.toast(present.escape_markdown(str(exc)))


def _decide(session: ReviewSession, kept: KeptAnswer) -> bool:
    return review.decide(
        session.store,
        kept.item,
        kept.disposition,
        by=widgets.person(),
        label=kept.label,
        comment=kept.comment,
    )


def _discard(session: ReviewSession) -> None:
    take_kept(session.store, widgets.person().id)


def _watch_idle(minutes: float) -> None:
    """Have the browser cover the page after some minutes without a key, a click or a touch."""
    if not minutes:
        return
    mount = st.components.v2.component(
        "assay_idle", html="<i></i>", js=(_HERE / "idle.js").read_text()
    )
    data = {"seconds": 60 * minutes, "text": f"Locked: nobody was here for {minutes:g} minutes."}
    mount(key="assay_idle", data=data, on_idle_change=_lock)


def _lock() -> None:
    found = sign_in.current()
    if found is not None:
        # In the store, not in this session: a reload must not open it again.
        sessions.end(widgets.session().store, found, "idle")
        return
    state["is_locked"] = True
    state["reviewer"] = ""


def _locked() -> None:
    widgets.text("Locked: nobody was here for a while.", "big")
    st.text_input(
        "Your name",
        key="name_to_unlock",
        max_chars=80,
        placeholder="Stands under every verdict",
        on_change=_unlock,
    )
    widgets.focus("name_to_unlock")


def _unlock() -> None:
    if name := state["name_to_unlock"].strip():
        state["reviewer"] = name
        state["is_locked"] = False

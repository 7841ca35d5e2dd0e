"""People: who has which role, and giving another one; for admins alone."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.errors import AssayError
from core.people import Person, Role
from core.records.people import RoleGrant
from core.service.people import roles
from core.service.people.roles import Identity
from core.service.review.review import ReviewSession
from dashboard import present, widgets
from dashboard.names import names_of

MEANING = {
    Role.NONE: "sees nothing",
    Role.VIEWER: "looks",
    Role.REVIEWER: "reviews, and takes back what they reviewed",
    Role.LEAD: "releases policies and stages, settles disagreements, deploys and rolls back",
    Role.ADMIN: "gives roles",
}
MOST = 200

state = st.session_state


def render() -> None:
    """Show everybody who has signed in, those without a role first."""
    session, by = widgets.session(), widgets.person()
    try:
        known = roles.list_people(session.store, by=by)
    except AssayError as exc:
        widgets.error(exc)
        return
    if not known:
        widgets.text("Nobody has signed in yet, and nobody was given a role.", "big")
    for role, meaning in MEANING.items():
        widgets.text(f"{role.value}: {meaning}", "quiet")
    _list("Without a role", [one for one in known if one.role is Role.NONE])
    _list("With a role", [one for one in known if one.role is not Role.NONE])
    _add(session)


def _list(title: str, some: Sequence[RoleGrant]) -> None:
    if not some:
        return
    session, by = widgets.session(), widgets.person()
    names = names_of(session.store, [one.granted_by for one in some])
    widgets.text(f"{title}: {len(some):,}", "heading")
    for one in some[:MOST]:
        _person(session, one, by, names[one.granted_by])
    if len(some) > MOST:
        widgets.text(f"The first {MOST} are shown; `assay people list` shows all.", "quiet")


def _person(session: ReviewSession, one: RoleGrant, by: Person, granted_by: str) -> None:
    about, choice, button = st.columns([3, 1.2, 1], vertical_alignment="bottom")
    with about:
        widgets.text(f"{one.name} (you)" if one.person_id == by.id else one.name, "heading")
        widgets.text(f"{one.subject} at {one.issuer}", "quiet")
        at = f"{one.granted_at.astimezone():%Y-%m-%d %H:%M}"
        own = one.granted_by == one.person_id
        widgets.text(f"signed in {at}" if own else f"by {granted_by}, {at}", "quiet")
    key = f"role-{one.person_id}"
    with choice:
        box = st.selectbox(
            f"Role of {present.escape_markdown(one.name)}",
            [role.value for role in Role],
            index=one.role.level,
            # Another grant makes another box: what was chosen and not given is not kept over it.
            key=f"{key}-{one.granted_at.isoformat()}",
        )
    chosen = Role(box or one.role)
    with button:
        st.button(
            "Take the role away" if chosen is Role.NONE else f"Make {chosen.value}",
            key=f"give-{key}",
            disabled=chosen is one.role,
            width="stretch",
            on_click=_give,
            args=(session, Identity(one.issuer, one.subject, one.name), chosen, one.role),
        )


def _give(session: ReviewSession, who: Identity, role: Role, shown: Role) -> None:
    try:
        if roles.person_of(session.store, who).role is not shown:
            st.toast("Somebody changed this role meanwhile. Nothing was given; look again.")
            return
        roles.grant(session.store, who, role, by=widgets.person())
        st.toast(present.escape_markdown(f"{who.name}: {role.value}, from now on."))
    except AssayError as exc:
        st.toast(present.escape_markdown(str(exc)))


def _add(session: ReviewSession) -> None:
    with st.expander("Somebody who has not signed in yet"), st.form("people-add", border=False):
        st.text_input("Issuer", key="people_issuer", max_chars=255)
        st.text_input("Subject", key="people_subject", max_chars=255)
        st.text_input("Name", key="people_name", max_chars=80)
        st.selectbox(
            "Role",
            [one.value for one in Role if one is not Role.NONE],
            key="people_role",
        )
        st.form_submit_button("Give the role", type="primary", on_click=_add_new, args=(session,))


def _add_new(session: ReviewSession) -> None:
    issuer, subject = state["people_issuer"].strip(), state["people_subject"].strip()
    who = Identity(issuer, subject, state["people_name"].strip() or subject)
    try:
        roles.grant(session.store, who, Role(state["people_role"]), by=widgets.person())
    except AssayError as exc:
        st.toast(present.escape_markdown(str(exc)))


render()

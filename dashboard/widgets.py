"""What the pages share: what is opened once a process, and small pieces that are drawn often."""

from __future__ import annotations

import getpass
import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from html import escape

import streamlit as st

from core.errors import AssayError
from core.packs import DomainPack, installed
from core.people import Person, Role
from core.records import audit
from core.records.values import StoredDecision
from core.service.people.sessions import person_signed_in
from core.service.review.review import ReviewSession, open_review_session
from core.settings import Settings
from dashboard import sign_in
from dashboard.enlarge import Enlarged, enlarge_marked
from dashboard.full_size import FullPictures
from dashboard.pictures import Pictures
from dashboard.present import VerdictMark
from dashboard.styles import CSS
from dashboard.verdict_html import mark_html

FOLLOW_S = 3.0
"""How often an open page looks whether the store has changed."""

WINDOW = "window_is_open"
"""Name in the session's state of whether a window is open over the page."""

_VIEW_ID: ContextVar[str] = ContextVar("view_id", default="")


def session() -> ReviewSession:
    """Return the store and the explainer, opened once a process."""
    return _opened()[0]


def pictures() -> Pictures:
    """Return what prepares the pictures, opened once a process."""
    return _opened()[1]


def full_pictures() -> FullPictures:
    """Return what offers pictures with every pixel, opened once a process."""
    return _opened()[2]


def _close(opened: tuple[ReviewSession, Pictures, FullPictures]) -> None:
    # In this order: a picture still being prepared would open the explainer again.
    session, shown, full = opened
    full.close()
    shown.close()
    session.close()


@st.cache_resource(show_spinner=False, on_release=_close)
def _opened() -> tuple[ReviewSession, Pictures, FullPictures]:
    session = open_review_session(Settings())
    return session, Pictures(session.explainer), FullPictures(session)


def styles() -> None:
    """Add the style rules to the page."""
    st.html(f"<style>{CSS}</style>")


@contextmanager
def part_of(view_id: str) -> Iterator[None]:
    """Yield while what is drawn is one view's, so that the browser never shows parts of two."""
    token = _VIEW_ID.set(view_id)
    try:
        yield
    finally:
        _VIEW_ID.reset(token)


def html(body: str) -> None:
    """Draw HTML of ours, marked with the view that it is part of."""
    view_id = _VIEW_ID.get()
    st.html(f'<div data-view-id="{escape(view_id)}">{body}</div>' if view_id else body)


def picture(data: bytes, alt: str, height: str = "66vh", enlarged: Enlarged | None = None) -> None:
    """Show a JPEG, which a click opens in the viewer.

    Its bytes travel with the page's text: no request of its own, so none that comes late.

    Args:
        data: The JPEG.
        alt: Text that stands for it where it cannot be seen.
        height: Its greatest height in CSS units.
        enlarged: What it opens as; itself unless given.
    """
    view_id = f' data-view-id="{escape(_VIEW_ID.get())}"' if _VIEW_ID.get() else ""
    source = f"data:image/jpeg;base64,{b64encode(data).decode()}"
    style = f"max-height:{height}"
    opens = (enlarged or Enlarged()).attributes()
    st.html(
        f'<button type="button" class="assay-enlarge" title="Enlarge" {opens}>'
        f'<img class="assay-picture"{view_id} style="{style}" alt="{escape(alt)}" src="{source}">'
        "</button>"
    )


def enlarge(decision: StoredDecision, *, is_marked: bool = False) -> Enlarged:
    """Return what a decision's picture opens as.

    Args:
        decision: The decision.
        is_marked: Whether the picture on the page shows where the verdict was decided.
    """
    if is_marked:
        return enlarge_marked(decision, pictures(), full_pictures())
    return Enlarged(full_pictures().colours_at(decision))


def text(body: str, kind: str = "plain") -> None:
    """Write text from any source; nothing in it can become markup but a command of ours.

    Args:
        body: The text; a command stands between backquotes.
        kind: Its style: ``plain``, ``quiet``, ``title``, ``heading``, ``big`` or ``error``.
    """
    html(f'<div class="assay-{kind}">{_with_commands(body)}</div>')


def table(rows: Sequence[Sequence[str]], caption: str) -> None:
    """Draw a table of text from any source.

    Args:
        rows: The head, then the rows; the first cell of a row names it.
        caption: What it shows.
    """
    head, *body = ([escape(cell) for cell in row] for row in rows)
    top = "".join(f'<th scope="col">{cell}</th>' for cell in head)
    lines = "".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in rest)}</tr>'
        for first, *rest in body
    )
    html(
        f'<div class="assay-scroll" tabindex="0" role="group" aria-label="{escape(caption)}">'
        f'<table class="assay-table"><caption>{escape(caption)}</caption>'
        f"<thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table></div>"
    )


def heading(body: str) -> None:
    """Write what the page is about now; a screen reader goes on from here."""
    html(f'<h1 class="assay-title">{escape(body)}</h1>')


def history_line(when: str, mark: VerdictMark | None, body: str) -> None:
    """Write one line of what happened to a case."""
    sign = f"{mark_html(mark)} " if mark else ""
    html(f'<div class="assay-history"><span>{escape(when)}</span> {sign}{escape(body)}</div>')


def error(failed: AssayError) -> None:
    """Show what went wrong and the way out, in place of what would stand here."""
    message, hint = _with_commands(failed.message), _with_commands(failed.hint)
    html(f'<div class="assay-error"><b>{message}</b><br>{hint}</div>')


def _with_commands(body: str) -> str:
    """Return HTML of a text from any source, in which commands of ours stand out."""
    return re.sub("`(assay [^`]+)`", r"<code>\1</code>", escape(body))


def focus(key: str) -> None:
    """Put the cursor into a text box.

    Args:
        key: The box's key, a constant of ours.
    """
    # The box may come a moment after the script, on a page that has much to draw.
    script = f"""{{
        let left = 40
        const seek = () => {{
            const box = document.querySelector(".st-key-{key} input")
            if (box) box.focus()
            else if (left-- > 0) setTimeout(seek, 50)
        }}
        seek()
    }}"""
    st.html(f"<script>{script}</script>", unsafe_allow_javascript=True)


def current_pack() -> DomainPack:
    """Return the pack that the sidebar shows."""
    return installed()[st.session_state["pack"]]


def link_to_own_page(pack: DomainPack) -> None:
    """Link to a pack's own page, which decides what a reader may see there and when."""
    text(f"{pack.name.capitalize()} is reviewed on a page of its own.", "big")
    st.page_link(st.session_state["own_pages"][pack.name][0], label="Go there")


@st.fragment(run_every=FOLLOW_S)
def follow(session: ReviewSession, drawn: str) -> None:
    """Draw the page anew once the store has changed since it was drawn.

    Args:
        session: The open store.
        drawn: What ``head_of`` returned when the page was drawn.
    """
    if head_of(session) != drawn:
        draw_anew()


def draw_anew() -> None:
    """Draw the page anew unasked, unless a window is open over it: that would close the window."""
    if not st.session_state.get(WINDOW, False):
        st.rerun()


def head_of(session: ReviewSession) -> str:
    """Return a hash of the store's state: whatever is written to it changes this."""
    return audit.head(session.store).hash


def reviewer() -> str:
    """Return the id that verdicts are signed with; empty for who may not review."""
    found = person()
    return found.id if found.may(Role.REVIEWER) else ""


def person() -> Person:
    """Return who uses the page, in the role that counts now: read anew for every call.

    Nobody (no id, no role) where a sign-in is over, whatever is still on the screen.
    """
    if sign_in.has_sign_in():
        return person_signed_in(session().store, sign_in.current())
    return Person.alone(str(st.session_state.get("reviewer", "")))


def person_for(role: Role, action: str) -> Person:
    """Return who uses the page, who may do what takes a role.

    Args:
        role: The least role.
        action: What is done, as in "ask for a survey".

    Raises:
        PermissionDenied: They may not.
    """
    found = person()
    found.require(role, action)
    return found


def person_or_account() -> Person:
    """Return who does what leaves no name on record: alone and unnamed, the account's owner."""
    found = person()
    if found.id or sign_in.has_sign_in():
        return found
    try:
        return Person.alone(getpass.getuser())
    except (KeyError, OSError):  # an account without a name, as in a container
        return Person.alone("this account")


def may(role: Role) -> bool:
    """Return whether what takes a role and leaves no name on record may be done here."""
    return person_or_account().may(role)


def why_not(role: Role) -> str:
    """Return why somebody may not do what takes a role; empty where they may."""
    found = person()
    if found.id and found.may(role):
        return ""
    if not sign_in.has_sign_in():
        return "Write your name in the sidebar first; it stands under everything you do."
    return f"This takes the role {role.value}; yours is {found.role.value}."

"""What the browser and the page tell each other about the presses of a person's keys."""

from __future__ import annotations

import secrets
from pathlib import Path

import streamlit as st

from core.records.cases import CaseDetail
from core.service.review.review import ReviewSession
from dashboard import present, view_events, widgets
from dashboard.present.keys import VIEWER_ACTIONS, KeyMap

NOTHING = "nothing"
"""View id of the screen on which no case waits."""

LATE = "This press did not count: another case is on the screen by now."

_HERE = Path(__file__).parent
_SCRIPTS = ("review_keys.js", "review_watch.js", "notice.js", "key_names.js")
_VIEWER = frozenset(one.name for one in VIEWER_ACTIONS)

state = st.session_state


def hear_early_keys() -> None:
    """Have the browser say of a key that comes before the first case that it does not count.

    The first that a page draws: whatever takes long comes after it.
    """
    script = "\n".join((_HERE / name).read_text() for name in ("notice.js", "early_keys.js"))
    mark = '<i class="assay-opening" hidden></i>'
    # In a block, since a browser runs it once more wherever it is drawn anew.
    st.html(f"{mark}<script>{{\n{script}\n}}</script>", unsafe_allow_javascript=True)


def accept_press(view_id: str) -> bool:
    """Return whether a press was noted; False where its case is no longer the one drawn."""
    if state.get("shown") != view_id:
        st.toast(LATE)
        return False
    state["accepted"] = view_id
    return True


def announce(text: str) -> None:
    """Have a screen reader say something once, with what is drawn next."""
    state["announced"] = (secrets.token_hex(4), text)


def arm(session: ReviewSession, detail: CaseDetail | None, pictures: int, keys: KeyMap) -> None:
    """Have the browser show the case and take its keys.

    Args:
        session: The open store.
        detail: The case as it was drawn; None where none waits.
        pictures: How many pictures of it were drawn.
        keys: The keys as the person likes them.
    """
    view_id = present.make_view_id(detail.item) if detail else NOTHING
    state["runs"] = state.get("runs", 0) + 1
    state["shown"] = view_id
    own = [one.name for one in keys.actions if one.name not in _VIEWER]
    mount = st.components.v2.component(
        "assay_review_keys",
        html="<i></i>",
        js="\n".join((_HERE / name).read_text() for name in _SCRIPTS),
    )
    data = {
        "view_id": view_id,
        "revision": detail.item.revision if detail else 0,
        "pictures": pictures,
        "keys": keys.by_key(own),
        "picks": keys.has_single_keys,
        "accepted": state.get("accepted", ""),
        "kept": _kept_of(detail),
        "session": state.setdefault("session_name", secrets.token_hex(8)),
        "announced": state.get("announced", ("", "")),
        "log": view_events.address_for(session, detail, widgets.person()) if detail else "",
        "run": state["runs"],
    }
    # In a list: in a dict Streamlit looks for tables, and imports pandas for that.
    mount(key="assay_review_keys", data=[data])


def _kept_of(detail: CaseDetail | None) -> list[str]:
    """Return the views of this case on which the person's own answers were kept."""
    person = widgets.person()
    if detail is None or not person.id:
        return []
    return [present.make_review_view_id(one) for one in detail.reviews if one.reviewer == person.id]

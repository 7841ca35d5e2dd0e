"""The keys as a person likes them: kept in the store, chosen in a window of their own."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.errors import AssayError
from core.records.connection import Store
from core.records.preferences import keep_preference, preference_of
from dashboard import present, widgets
from dashboard.present.keys import KeyAction, KeyMap, choose_keys

_NAME = "keys"
_COLUMNS = 2

state = st.session_state


def key_map(store: Store, page: str, actions: Sequence[KeyAction]) -> KeyMap:
    """Return the keys of a page as the person who uses it likes them.

    Args:
        store: Keeps what people like.
        page: Name of the page: the same key may do something else on another.
        actions: What there is to do on the page.
    """
    person = widgets.person()
    cached = state.get("key_choices")
    if cached is None or cached[0] != person.id:
        cached = state["key_choices"] = (person.id, dict(preference_of(store, _NAME, person)))
    choices = cached[1]
    return KeyMap(actions, choices.get(page, {}), bool(choices.get("single", True)))


def button(store: Store, page: str, keys: KeyMap) -> None:
    """Draw the button that opens the window of the keys, in the sidebar."""
    with st.sidebar:
        if st.button(
            "Keys", key="open_keys", type="tertiary", help="Change keys, or switch them off."
        ):
            state[widgets.WINDOW] = True
            _window(store, page, keys)


@st.dialog("Keys", width="large", on_dismiss="rerun")
def _window(store: Store, page: str, keys: KeyMap) -> None:
    if not widgets.person().id:
        widgets.text("Write your name in the sidebar first: keys are kept for each person.")
        return
    with st.form("keys", border=False):
        single = st.toggle("Keys without Ctrl or Alt", value=keys.has_single_keys)
        widgets.text(
            "Off, no letter, digit or sign does anything by itself; give an action a key with Alt "
            "and that one goes on working. An empty box stands for the key it has at first.",
            "quiet",
        )
        columns = st.columns(_COLUMNS)
        texts = {
            action.name: columns[number % _COLUMNS].text_input(
                present.escape_markdown(action.label),
                value=keys.chosen.get(action.name, action.key),
                key=f"keys-{page}-{action.name}",
                max_chars=20,
            )
            for number, action in enumerate(keys.actions)
        }
        if st.form_submit_button("Keep", type="primary"):
            _keep(store, page, keys.actions, texts, single=single)


def _keep(
    store: Store, page: str, actions: Sequence[KeyAction], texts: dict[str, str], *, single: bool
) -> None:
    person = widgets.person()
    try:
        chosen = choose_keys(actions, texts)
        kept = {**preference_of(store, _NAME, person), page: chosen, "single": single}
        keep_preference(store, _NAME, kept, by=person)
    except AssayError as exc:
        widgets.error(exc)
        return
    state.pop("key_choices", None)
    st.rerun()

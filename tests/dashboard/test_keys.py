"""Keys are chosen, refused and switched off without a browser."""

from __future__ import annotations

import pytest

from core.errors import DataError
from core.packs import installed, pack_named
from dashboard.present import keys
from dashboard.present.keys import KeyMap, choose_keys, list_case_actions, parse_key

_REFUSED = "c R Ctrl+C ctrl+w Ctrl+T Alt+D Alt+ArrowLeft Enter Tab F5 Escape Ä ab"
ACTIONS = list_case_actions(pack_named("parts"))


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("f", "F"),
        (" alt + f9 ", "Alt+F9"),
        ("ALT+p", "Alt+P"),
        ("alt+ctrl+p", "Ctrl+Alt+P"),
        ("arrowright", "ArrowRight"),
        ("+", "+"),
        ("Alt++", "Alt++"),
        ("7", "7"),
    ],
)
def test_a_key_is_written_in_any_case_and_kept_as_the_browser_names_it(written, key):
    assert parse_key(written) == key


@pytest.mark.parametrize("written", [*_REFUSED.split(), ""])
def test_what_the_browser_or_streamlit_uses_is_refused(written):
    with pytest.raises(DataError):
        parse_key(written)


def test_no_pack_has_two_actions_on_one_key():
    for pack in installed().values():
        found = [one.key for one in list_case_actions(pack)]
        assert len(set(found)) == len(found)
        assert not set(found) & keys.RESERVED


def test_a_clash_is_refused_by_name_and_what_was_left_alone_is_not_kept():
    with pytest.raises(DataError, match=r"P would do 2 things: PASS, Undo\."):
        choose_keys(ACTIONS, {"undo": "p"})
    chosen = choose_keys(ACTIONS, {"negative": "Alt+P", "undo": "p", "skip": "S", "note": ""})
    assert chosen == {"negative": "Alt+P", "undo": "P"}
    bound = KeyMap(ACTIONS, chosen).by_key()
    assert (bound["Alt+P"], bound["P"], bound["F"]) == ("negative", "undo", "positive")


def test_single_keys_are_switched_off_and_those_with_alt_go_on():
    bound = KeyMap(ACTIONS, {"negative": "Alt+P", "skip": "ArrowRight"}, has_single_keys=False)
    assert bound.by_key() == {"Alt+P": "negative", "ArrowRight": "skip"}
    assert bound.key_of("positive") == ""

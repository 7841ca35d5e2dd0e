"""Which key does what, as a person likes it: remapped one by one, or switched off (WCAG 2.1.4).

A key is written as the browser names it (`dashboard/key_names.js`): ``F``, ``7``, ``+``,
``ArrowRight``, with ``Ctrl+`` or ``Alt+`` before it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.errors import DataError
from core.packs import DomainPack
from core.types import Disposition
from dashboard.present.verdicts import assign_verdict_keys

RESERVED = frozenset({"C", "R"})
"""Streamlit's own: it clears its cache and runs the page anew."""
_NAMED = (
    *("ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "PageUp", "PageDown"),
    *("Insert", "Delete", "F2", "F4", "F8", "F9"),
)
_BROWSER = frozenset(
    [f"Ctrl+{one}" for one in "ACDEFGHIJKLNOPQRSTUVWXYZ0123456789+-"]
    + [f"Alt+{one}" for one in ("D", "E", "F", "ArrowLeft", "ArrowRight", "Home", "F4")]
)
_FORM = re.compile(r"((?:ctrl|alt)\s*\+\s*)*(\S+)", re.I)


@dataclass(frozen=True, slots=True)
class KeyAction:
    """Something that a key does on a page.

    Attributes:
        name: Which it is.
        label: What it does, in words.
        key: Its key unless the person has chosen another.
    """

    name: str
    label: str
    key: str


VIEWER_ACTIONS = (
    KeyAction("heat", "Heat map", "H"),
    KeyAction("zoom_in", "Zoom in", "+"),
    KeyAction("zoom_out", "Zoom out", "-"),
    KeyAction("fit", "Whole picture, as it came", "0"),
    KeyAction("actual", "Every pixel of the picture", "Z"),
    KeyAction("contrast_up", "More contrast", "["),
    KeyAction("contrast_down", "Less contrast", "]"),
    KeyAction("brighter", "Brighter", ","),
    KeyAction("darker", "Darker", "."),
    KeyAction("auto_window", "Window of what is there", "W"),
    KeyAction("dark_window", "Window of the dark parts", "B"),
    KeyAction("bright_window", "Window of the bright parts", "K"),
    KeyAction("invert", "Invert", "I"),
    KeyAction("rotate", "Rotate", "T"),
    KeyAction("flip", "Mirror", "X"),
    KeyAction("measure", "Measure", "D"),
)
CANCEL = "Escape"
"""Cancels what was begun, on every page; cannot be remapped."""


def list_case_actions(
    pack: DomainPack,
    letters: Mapping[Disposition, str] | None = None,
    *,
    skip: tuple[str, str] = ("Skip", "S"),
    note: tuple[str, str] = ("Note", "N"),
) -> tuple[KeyAction, ...]:
    """Return what keys do on a page that shows a case, with the keys that they have at first.

    Args:
        pack: The pack, whose words the verdicts go by.
        letters: The keys of the two verdicts; the first free letters of the words unless given.
        skip: Label and key of what passes the case over.
        note: Label and key of what opens the note.
    """
    verdicts = assign_verdict_keys(pack.wording) if letters is None else letters
    return (
        *(KeyAction(one.value, pack.wording[one], key) for one, key in verdicts.items()),
        KeyAction("defer", "Cannot judge, retake", "J"),
        KeyAction("skip", *skip),
        KeyAction("undo", "Undo", "U"),
        KeyAction("note", *note),
        *VIEWER_ACTIONS,
    )


@dataclass(frozen=True, slots=True)
class KeyMap:
    """The keys of a page for a person.

    Attributes:
        actions: What there is to do.
        chosen: The keys that the person chose, by action.
        has_single_keys: Whether keys work that are pressed without Ctrl or Alt.
    """

    actions: Sequence[KeyAction]
    chosen: Mapping[str, str]
    has_single_keys: bool = True

    def key_of(self, name: str) -> str:
        """Return the key of an action; empty where it has none that works."""
        action = next((one for one in self.actions if one.name == name), None)
        key = self.chosen.get(name, action.key) if action else ""
        return key if self._works(key) else ""

    def by_key(self, names: Sequence[str] | None = None) -> dict[str, str]:
        """Return the action of each key that works, of all actions or of some."""
        wanted = [one.name for one in self.actions] if names is None else names
        return {key: name for name in wanted if (key := self.key_of(name))}

    def _works(self, key: str) -> bool:
        is_character = len(key.rpartition("+")[2] or "+") == 1
        return self.has_single_keys or not is_character or key.startswith(("Ctrl+", "Alt+"))


def parse_key(text: str) -> str:
    """Return a key as the browser names it.

    Raises:
        DataError: It is no key, or one that the browser or Streamlit uses itself.
    """
    match = _FORM.fullmatch(text.strip())
    if match is None:
        raise DataError(f"{text!r} is no key.", hint="Write F, 7, Alt+F or ArrowRight.")
    key = match[2]
    named = {one.lower(): one for one in _NAMED}
    if len(key) == 1 and key.isascii() and key.isprintable():
        key = key.upper()
    elif key.lower() in named:
        key = named[key.lower()]
    else:
        raise DataError(
            f"{text!r} is no key that can be chosen.",
            hint="Take a letter, a digit, a sign, an arrow, or one of these with Alt or Ctrl.",
        )
    before = text.strip()[: match.start(2)].lower()
    prefix = ("Ctrl+" if "ctrl" in before else "") + ("Alt+" if "alt" in before else "")
    found = prefix + key
    if found in RESERVED or found in _BROWSER:
        owner = "Streamlit" if found in RESERVED else "the browser"
        raise DataError(
            f"{found} is used by {owner}.", hint="Choose another key, or add Alt to it."
        )
    return found


def choose_keys(actions: Sequence[KeyAction], texts: Mapping[str, str]) -> dict[str, str]:
    """Return the keys that a person chose, those left alone not among them.

    Args:
        actions: What there is to do on the page.
        texts: What the person wrote, by action; an empty text stands for the key it has at first.

    Raises:
        DataError: A text is no key that can be chosen, or two actions would have the same.
    """
    keys = {
        one.name: parse_key(texts[one.name]) if texts.get(one.name, "").strip() else one.key
        for one in actions
    }
    key, count = Counter(keys.values()).most_common(1)[0]
    if count > 1:
        labels = [one.label for one in actions if keys[one.name] == key]
        raise DataError(
            f"{key} would do {len(labels)} things: {', '.join(labels)}.",
            hint="Give each its own key.",
        )
    return {one.name: keys[one.name] for one in actions if keys[one.name] != one.key}

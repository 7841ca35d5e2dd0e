"""Text that people open in a spreadsheet."""

from __future__ import annotations

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def escape_formula(text: str) -> str:
    """Return a text that no spreadsheet runs: what begins like a formula gets an apostrophe."""
    return f"'{text}" if text.startswith(_FORMULA) else text

"""A sentence before it has a language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Value = str | int | float


def N_(text: str) -> str:
    """Return the text, marked for translation (the name that gettext's own manual gives it)."""
    return text


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence that is translated where it is shown.

    Attributes:
        text: In English, marked by ``N_``, with ``{names}`` where values stand.
        values: The values by name; numbers are written as the language writes them.
        plural: The text for other numbers than one, marked as well; the value called ``count``
            says which. Empty where there is no number.
        code: Stable code for machines, in capitals; empty where none is needed.
    """

    text: str
    values: Mapping[str, Value] = field(default_factory=dict)
    plural: str = ""
    code: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return code and values, from which the sentence can be made in any language."""
        return {"code": self.code, "values": dict(self.values)}

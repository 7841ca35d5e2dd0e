"""Languages by their code: which one a browser asks for, and sentences in it."""

from __future__ import annotations

import gettext
import io
import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from domains.crops.locale.sentence import Sentence, Value

# babel is imported where it is needed: decoder processes and short commands need none of it.
if TYPE_CHECKING:
    from babel.messages.catalog import Catalog

ENGLISH = "en"
LANGUAGES = {ENGLISH: "English", "es": "Español", "ar": "العربية"}
"""Code and own name of each language, as a person chooses it."""

_MOST_WISHES = 20
_WISH = re.compile(r"\s*([A-Za-z]{1,8})(?:[-_][A-Za-z0-9]{1,8})*\s*(?:;\s*q=([01](?:\.\d{1,3})?))?")
# Unicode's isolates: what stands between them keeps its own direction and moves nothing around it.
_ISOLATE, _END_ISOLATE = "\u2068", "\u2069"


@dataclass(frozen=True, slots=True, eq=False)
class Language:
    """One language of the pack.

    Attributes:
        code: As in ``LANGUAGES``.
        translations: gettext's translations; those of English give each text back.
    """

    code: str
    translations: gettext.NullTranslations

    @property
    def is_right_to_left(self) -> bool:
        """Whether lines run from right to left."""
        from babel import Locale

        return bool(Locale(self.code).text_direction == "rtl")

    def text(self, text: str) -> str:
        """Return a marked text that holds no value."""
        return self.translations.gettext(text)

    def render(self, sentence: Sentence) -> str:
        """Return a sentence in this language, its values in place."""
        if sentence.plural:
            count = sentence.values["count"]
            if not isinstance(count, int):
                raise TypeError(f"count: expected a whole number, got {count!r}")
            text = self.translations.ngettext(sentence.text, sentence.plural, count)
        else:
            text = self.translations.gettext(sentence.text)
        shown = {name: self._shown(value) for name, value in sentence.values.items()}
        return text.format_map(shown)

    def _shown(self, value: Value) -> str:
        from babel.numbers import format_decimal

        shown = value if isinstance(value, str) else format_decimal(value, locale=self.code)
        return self.isolate(shown)

    def isolate(self, text: str) -> str:
        """Return a text that keeps its own direction in a line of this language."""
        return f"{_ISOLATE}{text}{_END_ISOLATE}" if text and self.is_right_to_left else text


@cache
def language(code: str) -> Language:
    """Return a language; English for a code that is none of ``LANGUAGES``."""
    if code not in LANGUAGES or code == ENGLISH:
        return Language(ENGLISH, gettext.NullTranslations())
    from babel.messages.mofile import write_mo

    compiled = io.BytesIO()
    write_mo(compiled, catalogue(code))
    compiled.seek(0)
    return Language(code, gettext.GNUTranslations(compiled))


def catalogue(code: str) -> Catalog:
    """Return all translations into a language, from every ``.po`` file of its folder."""
    from babel.messages.pofile import read_po

    folder = files(__package__) / code
    merged, *others = (
        read_po(io.BytesIO(file.read_bytes()), locale=code, abort_invalid=True)
        for file in sorted(folder.iterdir(), key=lambda one: one.name)
        if file.name.endswith(".po")
    )
    # The first file's own plural rule stays: Babel's for a language changes with its version.
    for part in others:
        for message in part:
            if message.id:
                merged.add(message.id, message.string, flags=message.flags)
    return merged


def preferred(accepted: str) -> str:
    """Return the code of the language that a browser wishes most and the pack has.

    Args:
        accepted: An ``Accept-Language`` header (RFC 9110, 12.5.4) or a locale such as ``ar-EG``;
            nothing in it is trusted.

    Returns:
        A code of ``LANGUAGES``; English where nothing fits.
    """
    wishes: list[tuple[float, str]] = []
    for part in accepted[:1000].split(",")[:_MOST_WISHES]:
        found = _WISH.fullmatch(part.rstrip())
        if found and found[1].lower() in LANGUAGES:
            wishes.append((float(found[2] or 1), found[1].lower()))
    wanted = [one for one in wishes if one[0] > 0]
    return max(wanted, key=lambda one: one[0])[1] if wanted else ENGLISH

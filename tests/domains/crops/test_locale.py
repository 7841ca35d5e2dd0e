"""The languages: nothing untranslated, the right plural, the right direction, the right choice."""

import ast
import io
import string
from gettext import GNUTranslations
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

import domains.crops
from domains.crops.locale import LANGUAGES, Language, Sentence, language, preferred
from domains.crops.locale.language import catalogue

PACK = Path(domains.crops.__file__).parent
OTHERS = sorted(set(LANGUAGES) - {"en"})


def marked_texts() -> set[str]:
    """Every text that the pack marks, whatever part of it."""
    texts = set()
    for path in PACK.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("N_"):
                (argument,) = node.args
                assert isinstance(argument, ast.Constant), f"{path}:{node.lineno} is no text"
                texts.add(argument.value)
    return texts


def entries(code: str) -> dict[str, tuple[str, ...]]:
    """Every English text that a language translates (each form of a plural), and into what."""
    found = {}
    for message in catalogue(code):
        ids = message.id if isinstance(message.id, tuple) else (message.id,)
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        if message.id and not message.fuzzy:
            found |= dict.fromkeys(ids, strings)
    return found


def names_in(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_there_is_a_language_that_runs_from_right_to_left():
    assert [code for code in LANGUAGES if language(code).is_right_to_left] == ["ar"]
    assert len(LANGUAGES) >= 3


@pytest.mark.parametrize("code", OTHERS)
def test_every_marked_text_is_translated_with_the_same_values(code):
    translated = entries(code)

    missing = sorted(text for text in marked_texts() if not all(translated.get(text, ("",))))
    other_values = [
        text
        for text, strings in translated.items()
        for one in strings
        # "one leaf", "two leaves" may do without their number.
        if not names_in(text) - {"count"} <= names_in(one) <= names_in(text) | {"count"}
    ]

    assert missing == []
    assert other_values == []
    assert len(translated) > 30


@pytest.mark.parametrize("code", OTHERS)
def test_no_number_falls_back_to_english(code):
    plurals = [message for message in catalogue(code) if isinstance(message.id, tuple)]
    assert len(plurals) > 10
    spoken = language(code).translations
    for message in plurals:
        for count in (*range(130), 1000, 1_000_000):
            assert spoken.ngettext(*message.id, count) in message.string, (message.id, count)


@pytest.mark.parametrize("code", OTHERS)
def test_no_translation_is_left_of_a_text_that_is_gone(code):
    assert sorted(set(entries(code)) - marked_texts()) == []


@pytest.mark.parametrize("code", OTHERS)
def test_no_two_files_translate_one_text_differently(code):
    found = {}
    for path in sorted((PACK / "locale" / code).glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=code):
                assert found.setdefault(message.id, message.string) == message.string or (
                    not message.id
                ), f"{path}: {message.id}"


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "zero"), (1, "one"), (2, "two"), (3, "few"), (11, "many"), (100, "other"), (103, "few")],
)
def test_arabic_has_its_six_forms_of_a_number(count, shown):
    catalog = Catalog(locale="ar")
    forms = ("zero", "one", "two", "few", "many", "other {count}")
    catalog.add(("{count} photo", "{count} photos"), forms)
    compiled = io.BytesIO()
    write_mo(compiled, catalog)
    compiled.seek(0)
    message = Sentence("{count} photo", {"count": count}, plural="{count} photos")

    assert Language("ar", GNUTranslations(compiled)).render(message).split()[0] == shown
    assert language("en").render(message) == f"{count} photo{'s' * (count != 1)}"


def test_numbers_are_written_as_the_language_writes_them():
    apart = Sentence("The photo states two places, {metres} m apart. Pick the field on the map.")
    message = Sentence(apart.text, {"metres": 1234.5})

    assert "1,234.5 m" in language("en").render(message)
    assert "1.234,5 m" in language("es").render(message)


def test_a_value_keeps_its_own_direction_in_a_line_from_right_to_left():
    text = "The photo gives two values for {field}; the first one was used."
    message = Sentence(text, {"field": "drone-dji:GpsLatitude"})

    assert "\u2068drone-dji:GpsLatitude\u2069" in language("ar").render(message)
    assert "\u2068" not in language("es").render(message)


def test_a_value_is_never_taken_for_a_place_of_another_value():
    message = Sentence("The photo gives two values for {field}; the first one was used.")
    hostile = Sentence(message.text, {"field": "{0.__class__} {field}"})

    assert "{0.__class__} {field};" in language("en").render(hostile)


@pytest.mark.parametrize(
    ("accepted", "code"),
    [
        ("es-MX,es;q=0.9,en;q=0.8", "es"),
        ("de-DE,de;q=0.9,ar;q=0.7,en;q=0.3", "ar"),
        ("en;q=0.2, ar-EG;q=0.8", "ar"),
        ("ar_EG", "ar"),
        ("AR", "ar"),
        ("fr", "en"),
        ("es;q=0", "en"),
        ("", "en"),
        ("../../etc/passwd,;;q=x,*", "en"),
        ("es," * 100_000, "es"),
    ],
)
def test_the_language_is_the_one_that_the_browser_wishes_most(accepted, code):
    assert preferred(accepted) == code


def test_an_unknown_code_is_english():
    assert language("../es").code == "en"
    assert language("es") is language("es")

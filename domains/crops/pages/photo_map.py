"""The photos of a field on its map: one tap opens a photo, another one places those without one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import numpy as np
import streamlit as st

from core.errors import AssayError
from core.people import Role
from dashboard import widgets
from dashboard.present import escape_markdown
from domains.crops.fields.folder import FieldFolder
from domains.crops.fields.places import pick_place
from domains.crops.locale import N_, Language, Sentence
from domains.crops.pages import field_map
from domains.crops.pages.cards import CardPage, Line, kind_of
from domains.crops.survey.values import PersonAnswer

_TITLE = N_("Where the photos were taken, north up")
_NO_PLACE_ONE, _NO_PLACE = N_("One photo has no place."), N_("{count} photos have no place.")
_PICK = N_("Give them the place of the field")
_TAP = N_("Tap the map where they were taken")
_TYPE = N_("Latitude and longitude, as in 48.137, 11.575")
_WRONG = N_("This is no place on earth: write two numbers, latitude first.")
_KEEP = N_("Keep this place")
_NUMBERS = re.compile(r"\s*(-?\d{1,2}(?:[.,]\d+)?)\s*°?[\s,;]\s*(-?\d{1,3}(?:[.,]\d+)?)\s*°?\s*")


def pick(field: FieldFolder, case: str) -> None:
    """Open a photo beside the map and mark it there."""
    st.session_state[_key(field)] = case


def show(
    field: FieldFolder,
    lines: Sequence[Line],
    answers: Mapping[str, PersonAnswer],
    language: Language,
    cards: CardPage,
) -> None:
    """Show where photos were taken, the one that was tapped, and what has no place.

    Args:
        field: Whose photos.
        lines: The most urgent first.
        answers: What people called photos, by case of the store.
        language: Of the page.
        cards: Draws the photo that was tapped.
    """
    placed = [line for line in lines if line["place"]]
    without = [line["case"] for line in lines if not line["place"]]
    if placed:
        _map(field, placed, answers, without, language, cards)
    if without:
        _without(field, without, language, has_map=bool(placed))


def read_place(text: str) -> tuple[float, float] | None:
    """Return latitude and longitude as a person writes them; None where they are no place.

    A comma may stand for the decimal point where another sign parts the two numbers.
    """
    found = _NUMBERS.fullmatch(text)
    if found is None:
        return None
    latitude, longitude = (float(one.replace(",", ".")) for one in found.groups())
    return (latitude, longitude) if abs(latitude) <= 90 and abs(longitude) <= 180 else None


def _key(field: FieldFolder) -> str:
    return f"crops-photo-{field.id}"


def _map(
    field: FieldFolder,
    placed: Sequence[Line],
    answers: Mapping[str, PersonAnswer],
    without: Sequence[str],
    language: Language,
    cards: CardPage,
) -> None:
    at = np.array([(one["place"]["longitude"], one["place"]["latitude"]) for one in placed])
    plane = field_map.Plane(float(np.median(at[:, 0])), float(np.median(at[:, 1])))
    is_placing = bool(without) and bool(st.session_state.get(f"crops-placing-{field.id}"))
    across, aside = st.columns([1.5, 1], gap="large")
    with across:
        tapped = field_map.show(
            _points(field, placed, answers, plane.place(at)),
            st.session_state.get(_key(field), ""),
            language.text(_TITLE),
            language,
            "p",
            takes_places=is_placing,
        )
    if isinstance(tapped, str):
        pick(field, tapped)
    elif tapped is not None and widgets.may(Role.REVIEWER):
        longitude, latitude = plane.position(*tapped)
        pick_place(field, without, latitude, longitude, by=widgets.person_or_account())
        st.rerun()
    with aside:
        picked = st.session_state.get(_key(field))
        for number, line in enumerate(one for one in placed if one["case"] == picked):
            cards.draw(line, "picked", number)


def _points(
    field: FieldFolder,
    placed: Sequence[Line],
    answers: Mapping[str, PersonAnswer],
    metres: np.ndarray,
) -> field_map.FieldMap:
    points = tuple(
        field_map.Point(one["case"], float(x), float(y), called(one, answers), one["file"])
        for one, (x, y) in zip(placed, metres, strict=True)
    )
    left, top = metres.min(0).tolist()
    width, height = np.ptp(metres, axis=0).tolist()
    return field_map.FieldMap(f"{field.id}-{len(placed)}", (left, top, width, height), (), points)


def called(line: Line, answers: Mapping[str, PersonAnswer]) -> str:
    """Return the style of a photo on the map: what a person called it, else its verdict."""
    answer = answers.get(line["verdict"]["case_id"]) if line["verdict"] else None
    if answer is not None:
        return f"{answer.disposition.value} answered"
    return kind_of(line) or field_map.UNJUDGED


def _without(
    field: FieldFolder, cases: Sequence[str], language: Language, *, has_map: bool
) -> None:
    sentence = Sentence(_NO_PLACE_ONE, {"count": len(cases)}, plural=_NO_PLACE)
    widgets.text(language.render(sentence), "quiet")
    with st.expander(language.text(_PICK)):
        if has_map:
            st.toggle(language.text(_TAP), key=f"crops-placing-{field.id}")
        with st.form(f"crops-place-{field.id}", border=False):
            key = f"crops-typed-place-{field.id}"
            st.text_input(language.text(_TYPE), key=key, max_chars=60)
            st.form_submit_button(
                language.text(_KEEP), on_click=_type, args=(field, cases, key, language)
            )


def _type(field: FieldFolder, cases: Sequence[str], key: str, language: Language) -> None:
    place = read_place(st.session_state[key])
    if place is None:
        st.toast(language.text(_WRONG))
        return
    try:
        pick_place(field, cases, *place, by=widgets.person_or_account())
    except AssayError as exc:
        st.toast(escape_markdown(str(exc)))

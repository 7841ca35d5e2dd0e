"""Good parts before they are learned: of each odd one a person says whether it is good."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

import streamlit as st

from core.errors import AssayError
from core.people import Role
from core.records.failed_jobs import JobStatus
from core.service.review.review import ReviewSession
from dashboard import present, widgets
from dashboard.enlarge import Enlarged
from domains.parts.pages import learn_jobs, learn_pictures, station_choice
from domains.parts.station.learning.asking import LearnSpec
from domains.parts.station.learning.folder import LearnedPicture, LearningPlace
from domains.parts.station.learning.odd_parts import RankedPart
from domains.parts.station.recipe import Recipe

_GOOD, _LEFT_OUT = "It is good", "Leave it out"
_ODD_A_ROW, _OTHERS_A_ROW = 3, 6


def choose(
    session: ReviewSession, station: str, recipe: Recipe, place: LearningPlace, looked: JobStatus
) -> None:
    """Show the parts that wait to be accepted, and learn them once the odd ones are decided."""
    parts = [RankedPart(**one) for one in looked.result["parts"]]
    pictures = {one.group: one for one in reversed(place.incoming.pictures())}
    odd = [one for one in parts if one.is_odd]
    widgets.text(
        f"{len(parts)} good parts, of which {len(odd)} look{'s' if len(odd) == 1 else ''} odd",
        "title",
    )
    for sentence in looked.result["refused"]:
        widgets.text(f"Left out: {sentence}", "error")
    undecided, left_out = _decide_odd(session, odd, pictures)
    widgets.text("The others, the oddest first", "heading")
    for row in _rows([one for one in parts if not one.is_odd], _OTHERS_A_ROW):
        for column, part in zip(st.columns(_OTHERS_A_ROW), row, strict=False):
            with column:
                if _other_part(session, part, pictures.get(part.group)):
                    left_out.append(part.group)
    _buttons(session, station, recipe, place, len(parts), undecided, left_out)


def _decide_odd(
    session: ReviewSession, odd: Sequence[RankedPart], pictures: Mapping[str, LearnedPicture]
) -> tuple[list[str], list[str]]:
    """Return the odd parts that nobody has decided yet, and those that are left out."""
    undecided: list[str] = []
    left_out: list[str] = []
    for row in _rows(odd, _ODD_A_ROW):
        for column, part in zip(st.columns(_ODD_A_ROW), row, strict=False):
            with column:
                answer = _odd_part(session, part, pictures.get(part.group))
            if answer is None:
                undecided.append(part.group)
            elif answer:
                left_out.append(part.group)
    return undecided, left_out


def _odd_part(
    session: ReviewSession, part: RankedPart, picture: LearnedPicture | None
) -> bool | None:
    """Return whether an odd part is left out; None while nobody has decided."""
    _draw(session, part, picture)
    widgets.text(part.sentence)
    answer = st.radio(
        f"Is {part.group} good?",
        [_GOOD, _LEFT_OUT],
        index=None if picture else 1,
        horizontal=True,
        key=f"odd-{part.group}",
        disabled=picture is None,
    )
    return None if answer is None else answer == _LEFT_OUT


def _other_part(session: ReviewSession, part: RankedPart, picture: LearnedPicture | None) -> bool:
    _draw(session, part, picture)
    return st.checkbox(f"Leave {part.group} out", key=f"other-{part.group}")


def _draw(session: ReviewSession, part: RankedPart, picture: LearnedPicture | None) -> None:
    image = (
        f'<button type="button" class="assay-enlarge" title="Enlarge" {Enlarged().attributes()}>'
        f'<img alt="Picture of {escape(part.group)}" '
        f'src="{learn_pictures.filed(session, picture.file)}"></button>'
        if picture
        else ""
    )
    odd = "odd" if part.is_odd else "plain"
    st.html(
        f'<figure class="learn-part {odd}">{image}<figcaption>{part.rank or "–"}. '
        f"{escape(part.group)}</figcaption></figure>"
    )


def _buttons(
    session: ReviewSession,
    station: str,
    recipe: Recipe,
    place: LearningPlace,
    count: int,
    undecided: Sequence[str],
    left_out: Sequence[str],
) -> None:
    if undecided:
        widgets.text(f"Say first of each odd part whether it is good: {len(undecided)} left.")
    learn, discard, _ = st.columns([1, 1, 2])
    spec = LearnSpec(
        station, recipe.number, station_choice.person(), takes_good=True, left_out=tuple(left_out)
    )
    learn.button(
        f"Learn {count - len(left_out)} good parts",
        key="learn-now",
        type="primary",
        width="stretch",
        disabled=bool(undecided) or not widgets.person().may(Role.LEAD),
        on_click=learn_jobs.ask_for,
        args=(session, spec),
    )
    discard.button(
        "Discard them all", key="learn-discard", width="stretch", on_click=_discard, args=(place,)
    )


def _discard(place: LearningPlace) -> None:
    try:
        widgets.person_or_account().require(Role.REVIEWER, "discard pictures")
        place.incoming.clear()
    except AssayError as exc:
        st.toast(present.escape_markdown(str(exc)))


def _rows(parts: Sequence[RankedPart], width: int) -> list[Sequence[RankedPart]]:
    return [parts[at : at + width] for at in range(0, len(parts), width)]

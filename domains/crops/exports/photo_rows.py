"""One photo of a page to print: its verdict, how sure, what it may be, why, and its place."""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.types import Disposition
from domains.crops.exports.layers import Positions
from domains.crops.exports.photo_layer import ExportedPhoto
from domains.crops.exports.report_answers import describe_answer
from domains.crops.locale import Language
from domains.crops.survey.values import PersonAnswer

# Unicode's marks, embeddings, overrides and isolates: "\u202egpj.exe" is shown as "exe.jpg".
_TURNS = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069]")


@dataclass(frozen=True, slots=True)
class ReportedPhoto:
    """A photo with what a person called it; None while nobody has."""

    photo: ExportedPhoto
    answer: PersonAnswer | None

    @property
    def called(self) -> Disposition | None:
        """What a person called it, else what the verdict is; None without either."""
        return self.answer.disposition if self.answer else self.photo.disposition


def row_of(
    number: int, one: ReportedPhoto, language: Language, positions: Positions
) -> tuple[str, ...]:
    """Return a photo as a row of the table of what to look at first."""
    photo = one.photo
    shown = language.isolate(_place(photo.place, positions))
    place = (shown,) if positions is not Positions.NONE else ()
    return (
        name_photo_row(number, photo, language),
        what_of(one, language),
        language.isolate(_percent(photo.probability)),
        language.isolate(labels_of(photo)),
        why_of(photo, language),
        *place,
    )


def name_photo_row(number: int, photo: ExportedPhoto, language: Language) -> str:
    """Return the number and the file of a photo, without what would turn a line around."""
    return language.isolate(f"{number}. {_TURNS.sub('', photo.file)}")


def what_of(one: ReportedPhoto, language: Language) -> str:
    """Return the verdict, and what a person called it."""
    answer = language.render(describe_answer(one.answer)) if one.answer else ""
    return ". ".join(filter(None, (one.photo.verdict, answer)))


def _percent(chance: float | None) -> str:
    """Return a probability in percent, never as a certainty."""
    if chance is None:
        return ""
    return "> 99 %" if chance > 0.99 else "< 1 %" if chance < 0.01 else f"{100 * chance:.0f} %"


def labels_of(photo: ExportedPhoto) -> str:
    """Return what it may be; nothing where no label is worth naming."""
    return "" if photo.is_unfamiliar else " / ".join(photo.labels).replace("_", " ")


def why_of(photo: ExportedPhoto, language: Language) -> str:
    """Return why a person is to look, or why it could not be judged."""
    sentences = dict.fromkeys(language.render(one) for one in photo.why)
    return " ".join(sentences) or (photo.message if photo.disposition is None else "")


def _place(place: tuple[float, float] | None, positions: Positions) -> str:
    if place is None:
        return ""
    digits = 6 if positions is Positions.EXACT else 2
    return f"{place[1]:.{digits}f}, {place[0]:.{digits}f}"

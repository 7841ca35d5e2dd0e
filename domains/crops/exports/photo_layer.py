"""Photos with their verdicts and what people answered, as a table with a place in each row."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import shapely
from shapely.geometry import Point, shape

from core.errors import DataError
from core.types import Disposition, Finding, Reason
from domains.crops.exports.layers import Layer, Positions, answer_columns, shapes_of
from domains.crops.locale import Sentence
from domains.crops.photos.reasons import PhotoReason, sentence_of
from domains.crops.survey.geojson import PHOTOS
from domains.crops.survey.values import PersonAnswer
from domains.crops.verdict_reasons import UNFAMILIAR, verdict_sentences


@dataclass(frozen=True, slots=True)
class ExportedPhoto:
    """A photo as others get it.

    Attributes:
        file: Its name.
        case: Id of its case; empty where it is not recorded.
        place: Longitude and latitude; None where it has none.
        place_source: Where the place comes from; empty without one.
        place_accuracy_m: Of the place; None without one.
        disposition: Of the verdict; None where it was not judged.
        verdict: The pack's word for it; empty where it was not judged.
        labels: What it may be.
        reasons: Codes of why a person is to look.
        message: The same in words, or why it could not be judged.
        probability: That it is sick, calibrated; None where no model looked at it.
        why: Why a person is to look, or why it could not be judged, in any language.
        no_place: Why it has no place; None where it has one, or nobody knows.
    """

    file: str
    case: str
    place: tuple[float, float] | None
    place_source: str
    place_accuracy_m: float | None
    disposition: Disposition | None
    verdict: str
    labels: tuple[str, ...]
    reasons: tuple[str, ...]
    message: str
    probability: float | None = None
    why: tuple[Sentence, ...] = ()
    no_place: Sentence | None = None

    @property
    def is_unfamiliar(self) -> bool:
        """Whether the model does not know such a picture, so that no label is worth naming."""
        return not UNFAMILIAR.isdisjoint(self.reasons)


def read_photos(folder: Path) -> tuple[ExportedPhoto, ...]:
    """Return the photos that ``assay crops survey`` listed in a folder.

    Raises:
        DataError: The folder holds none, or a list that was altered beyond reading.
    """
    try:
        found = json.loads((folder / PHOTOS).read_text(encoding="utf-8"))
        return tuple(_photo(one) for one in found["features"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as exc:
        raise DataError(
            f"{folder} holds no list of photos that can be read: {type(exc).__name__}: {exc}",
            hint="Name the folder that `assay crops survey` wrote.",
        ) from exc


def _photo(feature: Mapping[str, Any]) -> ExportedPhoto:
    known, outline = feature["properties"], feature["geometry"]
    middle = None if outline is None else shapely.get_coordinates(shape(outline).centroid)[0]
    called = known["disposition"]
    return ExportedPhoto(
        file=str(known["file"]),
        case=str(known.get("case", "")),
        place=None if middle is None else (float(middle[0]), float(middle[1])),
        place_source=str(known["place_source"] or ""),
        place_accuracy_m=known["place_accuracy_m"],
        disposition=Disposition(called) if called else None,
        verdict=str(known["wording"] or ""),
        labels=tuple(map(str, known.get("label_set") or (known["label"],))) if called else (),
        reasons=tuple(map(str, known["reasons"])),
        message=str(known["message"]),
        probability=known["positive_probability"],
        why=_why(
            zip(known["reasons"], known.get("checks", ()), strict=False), known.get("codes", ())
        ),
        no_place=_sentence(known.get("place_code")),
    )


def _why(
    findings: Iterable[tuple[str, str]], faults: Iterable[Mapping[str, Any]]
) -> tuple[Sentence, ...]:
    found = [Finding(Reason(code), "", check) for code, check in findings]
    return (*verdict_sentences(found), *filter(None, map(_sentence, faults)))


def _sentence(stated: Mapping[str, Any] | None) -> Sentence | None:
    return sentence_of(PhotoReason(stated["code"]), stated["values"]) if stated else None


def listed_photo(line: Mapping[str, Any]) -> ExportedPhoto:
    """Return a photo as the page of a field lists it, at the place that a person gave it."""
    verdict, place = line["verdict"], line["place"]
    found = [] if verdict is None else verdict["findings"]
    sentences = (one["sentence"] for one in line["faults"])
    return ExportedPhoto(
        file=line["file"],
        case="" if verdict is None else verdict["case_id"],
        place=None if place is None else (place["longitude"], place["latitude"]),
        place_source="" if place is None else str(place["source"]),
        place_accuracy_m=None if place is None else place["accuracy_m"],
        disposition=None if verdict is None else Disposition(verdict["disposition"]),
        verdict="" if verdict is None else verdict["wording"],
        labels=() if verdict is None else tuple(verdict["labels"]),
        reasons=tuple(code for code, *_ in found),
        message=" ".join(sentences),
        probability=None if verdict is None else verdict.get("positive_probability"),
        why=_why(found, line["faults"]),
        no_place=_sentence(line["reason"]),
    )


def photo_layer(
    photos: Sequence[ExportedPhoto], answers: Mapping[str, PersonAnswer], positions: Positions
) -> Layer:
    """Return photos, one a row; one without a place has no shape.

    Args:
        photos: The photos.
        answers: What people called them, by case.
        positions: How much of their places is stated.
    """
    places = [Point(*one.place) if one.place else None for one in photos]
    rows = tuple(_row(one, answers.get(one.case), positions) for one in photos)
    return Layer("photos", rows, shapes_of(places, positions))


def _row(
    one: ExportedPhoto, answer: PersonAnswer | None, positions: Positions
) -> Mapping[str, str | float | None]:
    is_exact = positions is Positions.EXACT
    return {
        "file": one.file,
        "verdict": one.verdict,
        "label": " / ".join(one.labels),
        "reasons": " ".join(one.reasons),
        "message": one.message,
        **answer_columns(answer),
        "place": one.place_source,
        "accuracy_m": one.place_accuracy_m if is_exact else None,
    }

"""Surveyed photos and captures as files: where they were taken, and what they show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from shapely.geometry import Polygon

from core.types import Disposition
from domains.crops.locale import Sentence, language
from domains.crops.photos.place import Location
from domains.crops.survey.geojson import (
    CAPTURES,
    PHOTOS,
    SCHEMA,
    Json,
    clear,
    feature,
    point,
    polygon,
    verdict_json,
    write_features,
    write_summary,
)
from domains.crops.survey.outlines import cut
from domains.crops.survey.photos import SurveyCapture, SurveyPhoto


@dataclass(frozen=True, slots=True)
class PhotoSurvey:
    """A surveyed folder.

    Attributes:
        name: The folder's name.
        root: What the names of its files begin with, which leaves with none of them.
        photos: Its photos.
        captures: Its multispectral captures.
        bundle: Name of the bundle that judged; empty where none did.
        policy: Id of the policy.
        certificates: The sentences of the policy's certificates.
        is_certified: Whether the policy bounds how often a photo that calls for something is
            missed.
        waiting: How many photos wait for a person.
    """

    name: str
    root: str
    photos: tuple[SurveyPhoto, ...]
    captures: tuple[SurveyCapture, ...]
    bundle: str = ""
    policy: str = ""
    certificates: tuple[str, ...] = ()
    is_certified: bool = False
    waiting: int = 0


def write_photos(survey: PhotoSurvey, folder: Path) -> Json:
    """Return the summary of a survey, written into a folder with its photos and captures.

    Raises:
        OSError: A file cannot be written.
    """
    clear(folder)
    root = survey.root
    write_features(folder / PHOTOS, (photo_feature(one, root) for one in survey.photos))
    write_features(folder / CAPTURES, (capture_feature(one, root) for one in survey.captures))
    return write_summary(folder, summary_of(survey))


def photo_feature(one: SurveyPhoto, root: str) -> Json:
    """Return a photo: its outline on the ground where all of that is known, else its place."""
    name = one.photo.name.removeprefix(root)
    photo, verdict = one.photo, one.verdict
    footprint = photo.ground.footprint if photo.ground else None
    geometry = _place(photo.location)
    if footprint is not None and geometry is not None:
        geometry = polygon(cut(Polygon(footprint)))
    reasons = list(_rendered(photo.faults))
    if photo.problem:
        reasons.append(photo.problem)
    properties = {
        "file": name,
        "sha256": photo.sha256,
        **_stated(photo.location),
        "is_outline": footprint is not None and geometry is not None,
        "sample_distance_m": photo.ground.sample_distance_m if photo.ground else None,
        **verdict_json(verdict),
        "checks": list(verdict.checks) if verdict else [],
        "label_set": list(verdict.label_set) if verdict else [],
        "faults": list(_rendered(photo.faults)),
        "codes": [fault.to_json() for fault in photo.faults],
        "place_code": photo.location.reason.to_json() if photo.location.reason else None,
        "case": one.case,
        "message": verdict.message if verdict else " ".join(reasons),
    }
    return feature(name, geometry, properties)


def capture_feature(one: SurveyCapture, root: str) -> Json:
    """Return a capture at its place, with its indices or the reason why it has none."""
    made = one.capture
    properties = {
        "capture": made.name,
        "files": [file.removeprefix(root) for file in made.files],
        "camera": made.camera,
        **_stated(one.location),
        "reflectance": dict(made.reflectance),
        "clipped": dict(made.clipped),
        **made.indices,
        "problem": made.problem.removeprefix(root),
        "indices_refused": dict(made.refused),
    }
    return feature(made.name, _place(one.location), properties)


def summary_of(survey: PhotoSurvey) -> Json:
    """Return what a survey of photos found."""
    called = Counter(one.verdict.disposition for one in survey.photos if one.verdict)
    return {
        "schema": SCHEMA,
        "file": survey.name,
        "photos": len(survey.photos),
        "photos_placed": sum(one.photo.location.place is not None for one in survey.photos),
        "photos_judged": called.total(),
        "dispositions": {one.value: called[one] for one in Disposition},
        "waiting": survey.waiting,
        "captures": len(survey.captures),
        "captures_skipped": sum(bool(one.capture.problem) for one in survey.captures),
        "problems": {
            one.capture.name: one.capture.problem.removeprefix(survey.root)
            for one in survey.captures
            if one.capture.problem
        },
        "bundle": survey.bundle,
        "policy": survey.policy,
        "certificates": list(survey.certificates),
        "is_certified": survey.is_certified,
    }


def _place(location: Location) -> Json | None:
    place = location.place
    return None if place is None else point(place.longitude, place.latitude)


def _stated(location: Location) -> Json:
    place = location.place
    reason = [location.reason] if location.reason else []
    return {
        "place_source": place.source.value if place else None,
        "place_accuracy_m": place.accuracy_m if place else None,
        "place_reason": " ".join(_rendered(reason)),
    }


def _rendered(sentences: Iterable[Sentence]) -> Iterable[str]:
    return map(language("en").render, sentences)

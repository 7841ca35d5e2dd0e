"""A listing of photos as lines of JSON."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from domains.crops.locale import Language, Sentence
from domains.crops.photos.attitude import GroundView
from domains.crops.photos.capture_time import CaptureTime
from domains.crops.photos.listing import ListedPhoto, PhotoListing


def photo_line(photo: ListedPhoto, language: Language) -> dict[str, Any]:
    """Return one photo as JSON, its sentences in a language.

    Args:
        photo: The photo.
        language: Of the sentences; codes and values stay as they are.
    """
    location = photo.location
    return {
        "schema": "assay.photo/1",
        "file": photo.name,
        "sha256": photo.sha256,
        "place": None if location.place is None else asdict(location.place),
        "reason": None if location.reason is None else _sentence(location.reason, language),
        "candidate": None if location.candidate is None else asdict(location.candidate),
        "time": _time(photo.time, language),
        "ground": None if photo.ground is None else _ground(photo.ground, language),
        "faults": _sentences(photo.faults, language),
        "notes": _sentences(photo.notes, language),
        "camera": {"make": photo.facts.camera.make, "model": photo.facts.camera.model},
        "problem": photo.problem,
    }


def listing_line(listing: PhotoListing) -> dict[str, Any]:
    """Return what became of all files, as the last line."""
    placed = sum(photo.location.place is not None for photo in listing.photos)
    return {
        "schema": "assay.photos/1",
        "photos": len(listing.photos),
        "placed": placed,
        "judgeable": sum(not photo.faults for photo in listing.photos),
        "raw_twins": listing.raw_twins,
        "side_files": listing.side_files,
        "skipped": listing.skipped,
    }


def _time(time: CaptureTime, language: Language) -> dict[str, Any]:
    return {
        "stated": time.stated.isoformat() if time.stated else None,
        "has_zone": time.zone is not None,
        "gps": time.gps.isoformat() if time.gps else None,
        "notes": _sentences(time.notes, language),
    }


def _ground(ground: GroundView, language: Language) -> dict[str, Any]:
    return {
        "height_m": ground.height_m,
        "sample_distance_m": ground.sample_distance_m,
        "uncertainty_m": ground.uncertainty_m,
        "yaw": ground.attitude.yaw,
        "pitch": ground.attitude.pitch,
        "is_nadir": ground.attitude.is_nadir,
        "footprint": ground.footprint,
        "reasons": _sentences((*ground.reasons, *ground.attitude.notes), language),
    }


def _sentences(sentences: Iterable[Sentence], language: Language) -> list[dict[str, Any]]:
    return [_sentence(one, language) for one in sentences]


def _sentence(sentence: Sentence, language: Language) -> dict[str, Any]:
    return {**sentence.to_json(), "sentence": language.render(sentence)}

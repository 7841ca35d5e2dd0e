"""The use case: a folder, a zip or single files in; for each photo place, time, ground, quality.

Files stream through one sandbox; of each photo a few values stay until all are read, since only
then their neighbours tell which places to believe.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.errors import DataError, InputError
from core.imaging.files import ARCHIVE, Incoming, list_pictures, open_file
from core.imaging.function_sandbox import FunctionSandbox, unparsed
from core.imaging.functions import Output
from core.imaging.junk import Skipped
from core.imaging.zip_archive import open_archive
from core.service.progress import Progress
from core.settings import Settings
from core.types import Unreadable
from domains.crops.locale import N_, Sentence
from domains.crops.photos.attitude import GroundView, ground_view
from domains.crops.photos.batch import NamedFacts, locate_batch
from domains.crops.photos.capture_time import CaptureTime
from domains.crops.photos.companions import Companions, count_side_files, find_companions
from domains.crops.photos.facts import PhotoFacts
from domains.crops.photos.place import Location
from domains.crops.photos.quality import ABOUT_LEAVES, faults_of
from domains.crops.photos.reading import READ, ReadPhoto, photo_of
from domains.crops.photos.reasons import PhotoReason, sentence_of

_READING = N_("Reading photos")


@dataclass(frozen=True, slots=True)
class ListedPhoto:
    """One photo of a listing.

    Attributes:
        name: As it came: the path, or ``archive.zip/member``.
        sha256: Hex digest of the file; empty where it was not read.
        facts: What its file states.
        location: Where it was taken, or why that is unknown.
        time: When.
        ground: What of the ground it shows; None for a photo that is not a drone's.
        faults: Why its picture cannot be judged; empty where it can.
        notes: What else a person should know.
        problem: Why the file was not read, for a log; empty where it was.
    """

    name: str
    sha256: str
    facts: PhotoFacts
    location: Location
    time: CaptureTime
    ground: GroundView | None
    faults: tuple[Sentence, ...]
    notes: tuple[Sentence, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class PhotoListing:
    """What became of everything that was given.

    Attributes:
        photos: In the order of time, then name.
        raw_twins: Raw files of which the developed photo is listed.
        side_files: Films, thumbnails and tracks beside a photo.
        skipped: Everything else that was not read, as ``Skipped.to_json``.
    """

    photos: tuple[ListedPhoto, ...]
    raw_twins: int
    side_files: int
    skipped: dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _Read:
    name: str
    sha256: str
    photo: ReadPhoto = field(default_factory=lambda: ReadPhoto(PhotoFacts()))


def list_photos(paths: Sequence[Path], settings: Settings, progress: Progress) -> PhotoListing:
    """Return every photo of files, folders and zip archives.

    Args:
        paths: What to read; nothing in it is trusted.
        settings: Limits of files, pictures and the process that reads them.
        progress: Called after each file, with the number of all where no archive hides it.

    Raises:
        DataError: A path does not exist, or there is no photo.
        ConfigError: The sandbox does not start.
    """
    if missing := [str(path) for path in paths if not os.path.lexists(path)]:
        raise DataError(
            f"There is nothing at {', '.join(missing)}.", hint="Name folders, zips or photos."
        )
    skipped = Skipped()
    found = list(list_pictures(paths, skipped=skipped))
    has_archive = any(path.suffix.lower() == ARCHIVE for path in found)
    read = []
    with FunctionSandbox(READ, settings, unparsed) as sandbox:
        for item in _incoming(found, settings, skipped):
            read.append(_read(sandbox, item))
            progress(_READING, len(read), 0 if has_archive else len(found))
    if not read:
        raise DataError(
            "There is no photo among the files.", hint="Name a folder or a zip that holds photos."
        )
    return _listed(read, skipped)


def _incoming(found: Sequence[Path], settings: Settings, skipped: Skipped) -> Iterator[Incoming]:
    for path in found:
        if path.suffix.lower() == ARCHIVE:
            yield from open_archive(path, settings.max_bytes, skipped=skipped)
        else:
            yield open_file(path, settings.max_bytes)


def _read(sandbox: FunctionSandbox[Output], item: Incoming) -> _Read:
    if item.data is None:
        return _Read(item.id, item.sha256, ReadPhoto(PhotoFacts(), problem=item.problem))
    outcome = sandbox.call(item.data)
    if isinstance(outcome, Unreadable):
        return _Read(item.id, item.sha256, ReadPhoto(PhotoFacts(), problem=outcome.message))
    try:
        return _Read(item.id, item.sha256, photo_of(outcome))
    except InputError as exc:
        return _Read(item.id, item.sha256, ReadPhoto(PhotoFacts(), problem=str(exc)))


def _listed(read: Sequence[_Read], skipped: Skipped) -> PhotoListing:
    companions = find_companions([one.name for one in read])
    kept = [read[number] for number in companions.photos]
    named = [NamedFacts.of(one.name, one.photo.facts) for one in kept]
    photos = [
        _photo(one, name, location, is_raw=number in companions.raw_only)
        for number, one, name, location in zip(
            companions.photos, kept, named, locate_batch(named), strict=True
        )
    ]
    photos.sort(key=lambda photo: photo.time.order(photo.name))
    return PhotoListing(
        tuple(photos),
        companions.raw_twins,
        _side_files(companions, kept, skipped),
        skipped.to_json(),
    )


def _side_files(companions: Companions, kept: Sequence[_Read], skipped: Skipped) -> int:
    beside = count_side_files(skipped.others, [one.name for one in kept])
    return companions.side_files + beside


def _photo(one: _Read, named: NamedFacts, location: Location, *, is_raw: bool) -> ListedPhoto:
    facts, photo = one.photo.facts, one.photo
    if photo.problem and location.place is None:  # nobody knows what the file states of it
        location = Location(None)
    ground = ground_view(facts, location.place) if _is_of_a_drone(facts) else None
    faults: tuple[PhotoReason, ...]
    if is_raw:
        faults = (PhotoReason.RAW_ONLY,)
    elif photo.problem:
        faults = (PhotoReason.UNREADABLE,)
    else:
        faults = faults_of(photo.measures) if photo.measures is not None else ()
        if ground is not None:  # it shows a field, not a leaf
            faults = tuple(fault for fault in faults if fault not in ABOUT_LEAVES)
    return ListedPhoto(
        one.name,
        one.sha256,
        facts,
        location,
        named.time,
        ground,
        tuple(sentence_of(fault) for fault in faults),
        (*location.notes, *_notes(facts)),
        photo.problem,
    )


def _is_of_a_drone(facts: PhotoFacts) -> bool:
    return bool({"RelativeAltitude", "GimbalPitchDegree", "FlightYawDegree"} & set(facts.drone))


def _notes(facts: PhotoFacts) -> Iterator[Sentence]:
    if facts.refused:
        yield sentence_of(PhotoReason.METADATA_DAMAGED)
    for name, stated in facts.drone.items():
        if len(stated) > 1:
            yield sentence_of(PhotoReason.METADATA_CONTRADICTS, {"field": name})

"""A folder of drone photos and multispectral captures without a mosaic, each at its own place."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from core.imaging.files import ARCHIVE, Incoming, list_pictures, open_file, printable
from core.imaging.zip_archive import open_archive
from core.records.case_answers import case_answers
from core.records.case_status import QueueState
from core.records.connection import Store
from core.service.assessment.assessor import Assessor
from core.service.assessment.recording import Recorded, record_many
from core.service.progress import Progress
from core.settings import Settings
from core.types import Disposition
from domains.crops.photos.listing import ListedPhoto, list_photos
from domains.crops.photos.place import Location
from domains.crops.survey.captures import MultispectralCapture, panel_factors, read_captures
from domains.crops.survey.journal import Journal, name_photo
from domains.crops.survey.spec import CaseSpec
from domains.crops.survey.values import TileVerdict
from domains.crops.survey.verdict import verdict_of

_VERDICTS = TypeAdapter(tuple[TileVerdict, str])

JUDGING, MEASURING = "Judging photos", "Measuring captures"


@dataclass(frozen=True, slots=True)
class SurveyPhoto:
    """One photo of a survey.

    Attributes:
        photo: Place, outline on the ground, and why it cannot be judged.
        verdict: None where it cannot be judged, or no model was asked.
        case: Id of its case in the store; empty where it is not recorded.
    """

    photo: ListedPhoto
    verdict: TileVerdict | None
    case: str = ""


@dataclass(frozen=True, slots=True)
class SurveyCapture:
    """One multispectral capture of a survey.

    Attributes:
        capture: What was measured.
        location: Where its first file was taken.
    """

    capture: MultispectralCapture
    location: Location


@dataclass(frozen=True, slots=True)
class Panel:
    """A reflectance panel.

    Attributes:
        folder: Pictures in which it fills the middle, one of each band.
        reflectances: Of the panel, by band.
    """

    folder: Path
    reflectances: Mapping[str, float]


def list_folder(
    source: Path, settings: Settings, progress: Progress, panel: Panel | None = None
) -> tuple[list[ListedPhoto], list[SurveyCapture]]:
    """Return the photos of a folder or zip, and its multispectral captures.

    Args:
        source: The folder; nothing in it is trusted.
        settings: Limits of files and of the processes that read them.
        progress: Called as work goes on.
        panel: What captures are calibrated by; their own light sensor where None.

    Raises:
        DataError: There is nothing to survey, or the panel's pictures show none.
    """
    photos = {one.name: one for one in list_photos([source], settings, progress).photos}
    factors = None
    if panel is not None:
        shown = ((one.id, one.data or b"") for one in files_of(panel.folder, settings))
        factors = panel_factors(shown, panel.reflectances, settings)
    names = {name for name, one in photos.items() if one.facts.kind == "TIFF"}
    progress(MEASURING, 0, len(names))
    bands = files_of(source, settings, names)
    read = read_captures(((one.id, one.data or b"") for one in bands), settings, factors)
    captures = [one for one in read if one.is_multispectral]
    progress(MEASURING, len(names), len(names))
    of_captures = {file for one in captures for file in one.files}
    return (
        [one for name, one in photos.items() if name not in of_captures],
        [SurveyCapture(one, photos[one.files[0]].location) for one in captures],
    )


def judge_photos(
    source: Path,
    photos: Collection[ListedPhoto],
    assessor: Assessor,
    settings: Settings,
    progress: Progress,
    journal: Journal,
    where: CaseSpec | None = None,
) -> list[SurveyPhoto]:
    """Return photos with their verdicts; those that cannot be judged have none.

    Args:
        source: The folder that they come from.
        photos: Of ``list_folder``.
        assessor: What judges, open.
        settings: Where things run.
        progress: Called for each photo; what it raises ends the work.
        journal: What was judged before, and where verdicts are kept until the survey is whole.
        where: Where verdicts are recorded; nowhere where None.

    Raises:
        StoreError: The store refused.
    """
    named = {one.name: name_photo(one.name, one.sha256) for one in photos if not one.faults}
    judged = {
        name: _VERDICTS.validate_python(journal.known[key])
        for name, key in named.items()
        if key in journal.known
    }
    wanted = named.keys() - judged.keys()
    for made in _recorded(assessor, files_of(source, settings, wanted), where):
        # The verdict alone: with the arrays that it rests on, a photo would keep 100 KB.
        name, entry = made.assessment.sample_id, (verdict_of(made.assessment), made.case_id)
        judged[name] = entry
        journal.add(named[name], _VERDICTS.dump_python(entry, mode="json"))
        progress(JUDGING, len(judged), len(named))
    return [SurveyPhoto(one, *judged.get(one.name, (None,))) for one in photos]


def count_waiting(store: Store | None, photos: Sequence[SurveyPhoto]) -> int:
    """Return how many photos that need a person wait for one; of healthy ones it tells nothing.

    Raises:
        StoreError: The database failed.
    """
    if store is None:
        return 0
    verdicts = ((one.case, one.verdict) for one in photos if one.verdict is not None)
    cases = [case for case, made in verdicts if made.disposition is not Disposition.NEGATIVE]
    known = case_answers(store, cases).values()
    return sum(one.queue_state is QueueState.WAITING for one in known)


def _recorded(
    assessor: Assessor, incoming: Iterable[Incoming], where: CaseSpec | None
) -> Iterator[Recorded]:
    if where is None:
        with closing(assessor.many(incoming)) as assessed:
            yield from (Recorded("", one.assessment, "") for one in assessed)
        return
    yield from record_many(
        assessor, where.store, incoming, product=where.product, audit_share=where.audit_share
    )


def files_of(
    source: Path, settings: Settings, wanted: Collection[str] | None = None
) -> Iterator[Incoming]:
    """Yield the files of a folder or a zip, those alone that are wanted."""
    for path in list_pictures([source]):
        if path.suffix.lower() == ARCHIVE:
            members = open_archive(path, settings.max_bytes)
            yield from (one for one in members if wanted is None or one.id in wanted)
        elif wanted is None or printable(path) in wanted:
            yield open_file(path, settings.max_bytes)

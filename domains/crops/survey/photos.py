"""A folder of drone photos and multispectral captures without a mosaic, each at its own place."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from core.imaging.files import ARCHIVE, Incoming, list_pictures, open_file, printable
from core.imaging.zip_archive import open_archive
from core.service.assessment.assessor import Assessor
from core.service.bundles.deployments import ProductJudge
from core.service.progress import Progress
from core.settings import Settings
from domains.crops.photos.listing import ListedPhoto, list_photos
from domains.crops.photos.place import Location
from domains.crops.survey.captures import MultispectralCapture, panel_factors, read_captures
from domains.crops.survey.values import TileVerdict
from domains.crops.survey.verdict import verdict_of

JUDGING, MEASURING = "Judging photos", "Measuring captures"


@dataclass(frozen=True, slots=True)
class SurveyPhoto:
    """One photo of a survey.

    Attributes:
        photo: Place, outline on the ground, and why it cannot be judged.
        verdict: None where it cannot be judged, or no model was asked.
    """

    photo: ListedPhoto
    verdict: TileVerdict | None


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
    judge: ProductJudge,
    settings: Settings,
    progress: Progress,
) -> list[SurveyPhoto]:
    """Return photos with their verdicts; those that cannot be judged have none.

    Args:
        source: The folder that they come from.
        photos: Of ``list_folder``.
        judge: What judges.
        settings: Where things run.
        progress: Called for each photo; what it raises ends the work.
    """
    wanted = {one.name for one in photos if not one.faults}
    verdicts: dict[str, TileVerdict] = {}
    with (
        Assessor(judge.bundle, judge.policy, settings) as assessor,
        closing(assessor.many(files_of(source, settings, wanted))) as assessed,
    ):
        for one in assessed:
            verdicts[one.incoming.id] = verdict_of(one.assessment)
            progress(JUDGING, len(verdicts), len(wanted))
    return [SurveyPhoto(one, verdicts.get(one.name)) for one in photos]


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

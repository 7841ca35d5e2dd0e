"""A field surveyed: a mosaic cut into tiles, each measured and judged, and zones of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

from core.imaging.files import ARCHIVE, printable
from core.model.bundle.bundle import Bundle
from core.model.bundle.destination import check_folder_destination
from core.records.connection import Store
from core.service.assessment.assessor import Assessor
from core.service.bundles.deployments import ProductJudge
from core.service.progress import Progress, silent
from core.settings import Settings
from core.types import Sample
from domains.crops.locale import N_
from domains.crops.survey import geojson
from domains.crops.survey.journal import JUDGED, Journal
from domains.crops.survey.judging import case_spec, judge_of, open_assessor
from domains.crops.survey.mosaic import Mosaic, MosaicPart
from domains.crops.survey.photos import (
    Panel,
    SurveyPhoto,
    count_waiting,
    judge_photos,
    list_folder,
)
from domains.crops.survey.photos_geojson import PhotoSurvey, write_photos
from domains.crops.survey.pictures import Place, UrgentPictures
from domains.crops.survey.spec import SurveySpec
from domains.crops.survey.tile_cases import AskedTiles, record_tiles
from domains.crops.survey.values import Survey, SurveyTile, TileStatus
from domains.crops.survey.verdict import verdict_of
from domains.crops.survey.zones import certificates_of, zones_of

STEP = N_("Surveying")


def run_survey(
    spec: SurveySpec, settings: Settings, progress: Progress = silent, store: Store | None = None
) -> dict[str, Any]:
    """Return the summary of a survey, once its files are written.

    Args:
        spec: What is asked for.
        settings: Where things run.
        progress: Called as work goes on; what it raises ends the survey.
        store: Where photos, and tiles of a mosaic that need a person, become cases; nobody is
            asked where None.

    Raises:
        DataError: The mosaic cannot be surveyed; the message says why.
        ConfigError: The destination holds other files.
        BundleError: There is no bundle to judge by, or it was altered.
    """
    check_folder_destination(spec.out, geojson.FILES)
    if spec.source.is_dir() or spec.source.suffix.lower() == ARCHIVE:
        return write_photos(survey_photos(spec, settings, progress, store), spec.out)
    return geojson.write(survey_mosaic(spec, settings, progress, store), spec.out)


def survey_photos(
    spec: SurveySpec, settings: Settings, progress: Progress = silent, store: Store | None = None
) -> PhotoSurvey:
    """Return surveyed photos and captures of a folder or zip.

    Args:
        spec: What is asked for.
        settings: Where things run.
        progress: Called as work goes on; what it raises ends the survey.
        store: As in ``run_survey``.

    Raises:
        DataError: There is nothing to survey.
        BundleError: There is no bundle to judge the photos by, or it was altered.
        StoreError: The store refused.
    """
    panel = Panel(spec.panel, spec.panel_reflectance) if spec.panel else None
    listed, captures = list_folder(spec.source, settings, progress, panel)
    name, root = spec.source.name, f"{printable(spec.source)}/"
    if spec.is_measured_only or not listed:
        photos = [SurveyPhoto(one, None) for one in listed]
        return PhotoSurvey(name, root, tuple(photos), tuple(captures))
    judge = judge_of(spec, settings)
    where = case_spec(spec, judge, settings, store)
    key = f"{judge.bundle.sha256} {judge.policy.id} {spec.product} {where is not None}"
    with (
        Journal(spec.out / JUDGED, key) as journal,
        open_assessor(judge, settings, spec, where) as assessor,
    ):
        photos = judge_photos(spec.source, listed, assessor, settings, progress, journal, where)
    return PhotoSurvey(
        name,
        root,
        tuple(photos),
        tuple(captures),
        judge.bundle.label,
        judge.policy.id,
        tuple(certificates_of(judge.policy, judge.bundle.pack).values())[:2],
        is_certified=judge.policy.escape.certified,
        waiting=count_waiting(store, photos),
    )


def survey_mosaic(
    spec: SurveySpec, settings: Settings, progress: Progress = silent, store: Store | None = None
) -> Survey:
    """Return a surveyed mosaic.

    Args:
        spec: What is asked for.
        settings: Where things run.
        progress: Called for each tile; what it raises ends the survey.
        store: As in ``run_survey``.

    Raises:
        DataError: The mosaic cannot be surveyed.
        BundleError: There is no bundle to judge by, or it was altered.
        StoreError: The store refused.
    """
    judge = None if spec.is_measured_only else judge_of(spec, settings)
    size = judge.bundle.backbone.size if judge else 0
    with Mosaic(spec.source, settings, tile_m=spec.tile_m, bands=spec.bands, size=size) as mosaic:
        if judge is None:
            return _survey(mosaic, tuple(part.tile for part in _shown(mosaic, progress)), None)
        where = case_spec(spec, judge, settings, store)
        with open_assessor(judge, settings, spec, where, reads_tiles=True) as assessor:
            tiles, pictures = _judged(mosaic, assessor, progress)
            asked = AskedTiles(tuple(tiles))
            if where is not None:
                asked = record_tiles(mosaic, tiles, assessor, where, progress)
        found = _survey(mosaic, asked.tiles, judge)
        return replace(
            found,
            pictures=pictures,
            waiting=asked.waiting,
            not_asked=asked.not_asked,
            withdrawn=asked.withdrawn,
        )


def _shown(mosaic: Mosaic, progress: Progress) -> Iterator[MosaicPart]:
    total = mosaic.grid.rows * mosaic.grid.columns
    progress(STEP, 0, total)
    for done, part in enumerate(mosaic.parts(), 1):
        yield part
        progress(STEP, done, total)


def _judged(
    mosaic: Mosaic, assessor: Assessor, progress: Progress
) -> tuple[list[SurveyTile], dict[Place, bytes]]:
    tiles: dict[str, SurveyTile] = {}
    pictures = UrgentPictures()

    def samples() -> Iterator[Sample]:
        for part in _shown(mosaic, progress):
            name = f"{part.tile.row}-{part.tile.column}"
            tiles[name] = part.tile
            if part.picture is not None:
                pictures.add(part.tile, part.picture.pixels)
                yield Sample(name, part.picture, mosaic.name)

    with closing(assessor.frames(samples())) as assessed:
        for one in assessed:
            judged = replace(
                tiles[one.sample_id], status=TileStatus.JUDGED, verdict=verdict_of(one)
            )
            tiles[one.sample_id] = judged
            pictures.judge(judged)
    return list(tiles.values()), pictures.jpegs()


def _survey(mosaic: Mosaic, tiles: tuple[SurveyTile, ...], judge: ProductJudge | None) -> Survey:
    certificates = certificates_of(judge.policy, judge.bundle.pack) if judge else {}
    bundle: Bundle | None = judge.bundle if judge else None
    return Survey(
        name=mosaic.name,
        sha256=mosaic.sha256,
        crs=mosaic.crs,
        accuracy_m=mosaic.accuracy_m,
        bands=mosaic.bands,
        grid=mosaic.grid,
        tiles=tiles,
        zones=zones_of(tiles, (mosaic.grid.rows, mosaic.grid.columns), certificates),
        bundle=bundle.label if bundle else "",
        policy=judge.policy.id if judge else "",
        certificates=tuple(certificates.values()),
        is_certified=judge is not None and judge.policy.escape.certified,
        refused=mosaic.refused,
    )

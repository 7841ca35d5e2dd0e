"""A field surveyed: a mosaic cut into tiles, each measured and judged, and zones of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from core.errors import ConfigError
from core.imaging.files import ARCHIVE, printable
from core.model.bundle.bundle import Bundle
from core.model.bundle.destination import check_folder_destination
from core.service.assessment.assessor import Assessor
from core.service.bundles.deployments import Deployed, ProductJudge
from core.service.bundles.open import open_bundle, policy_of
from core.service.progress import Progress, silent
from core.service.store import open_store
from core.settings import Settings
from core.types import Sample
from domains.crops.locale import N_
from domains.crops.survey import geojson
from domains.crops.survey.mosaic import Mosaic, MosaicPart
from domains.crops.survey.photos import Panel, SurveyPhoto, judge_photos, list_folder
from domains.crops.survey.photos_geojson import PhotoSurvey, write_photos
from domains.crops.survey.pictures import Place, UrgentPictures
from domains.crops.survey.values import Survey, SurveyTile, TileStatus
from domains.crops.survey.verdict import verdict_of
from domains.crops.survey.zones import certificates_of, zones_of

PACK = "crops"
STEP = N_("Surveying")


@dataclass(frozen=True)
class SurveySpec:
    """What a survey is asked for.

    Attributes:
        source: A georeferenced orthomosaic, GeoTIFF; or a folder or zip of drone photos.
        out: Folder to write.
        tile_m: Side of a tile on the ground, in metres.
        bands: Names of the mosaic's bands in their order; empty for those that the file states.
        bundle: Folder of the bundle that judges; what is deployed for the product where None.
        policy: Id of a policy; the current one when empty.
        product: Crop and region, where a bundle is deployed for each.
        is_measured_only: Whether indices alone are wanted, and no model looks at anything.
        panel: Pictures of a reflectance panel, for multispectral captures; their own light sensor
            where None.
        panel_reflectance: Of the panel, by band.
    """

    source: Path
    out: Path
    tile_m: float = 2.0
    bands: tuple[str, ...] = ()
    bundle: Path | None = None
    policy: str = ""
    product: str = ""
    is_measured_only: bool = False
    panel: Path | None = None
    panel_reflectance: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a tile without a size.

        Raises:
            ConfigError: It is not positive.
        """
        if not 0.0 < self.tile_m < float("inf"):
            raise ConfigError(
                f"A tile of {self.tile_m:g} m was asked for; expected a positive length.",
                hint="Give --tile-m 2.",
            )


def run_survey(spec: SurveySpec, settings: Settings, progress: Progress = silent) -> dict[str, Any]:
    """Return the summary of a survey, once its files are written.

    Raises:
        DataError: The mosaic cannot be surveyed; the message says why.
        ConfigError: The destination holds other files.
        BundleError: There is no bundle to judge by, or it was altered.
    """
    check_folder_destination(spec.out, geojson.FILES)
    if spec.source.is_dir() or spec.source.suffix.lower() == ARCHIVE:
        return write_photos(survey_photos(spec, settings, progress), spec.out)
    return geojson.write(survey_mosaic(spec, settings, progress), spec.out)


def survey_photos(spec: SurveySpec, settings: Settings, progress: Progress = silent) -> PhotoSurvey:
    """Return surveyed photos and captures of a folder or zip.

    Args:
        spec: What is asked for.
        settings: Where things run.
        progress: Called as work goes on; what it raises ends the survey.

    Raises:
        DataError: There is nothing to survey.
        BundleError: There is no bundle to judge the photos by, or it was altered.
    """
    panel = Panel(spec.panel, spec.panel_reflectance) if spec.panel else None
    listed, captures = list_folder(spec.source, settings, progress, panel)
    name, root = spec.source.name, f"{printable(spec.source)}/"
    if spec.is_measured_only or not listed:
        photos = [SurveyPhoto(one, None) for one in listed]
        return PhotoSurvey(name, root, tuple(photos), tuple(captures))
    judge = judge_of(spec, settings)
    return PhotoSurvey(
        name,
        root,
        tuple(judge_photos(spec.source, listed, judge, settings, progress)),
        tuple(captures),
        judge.bundle.label,
        judge.policy.id,
        tuple(certificates_of(judge.policy, judge.bundle.pack).values())[:2],
        is_certified=judge.policy.escape.certified,
    )


def survey_mosaic(spec: SurveySpec, settings: Settings, progress: Progress = silent) -> Survey:
    """Return a surveyed mosaic.

    Args:
        spec: What is asked for.
        settings: Where things run.
        progress: Called for each tile; what it raises ends the survey.

    Raises:
        DataError: The mosaic cannot be surveyed.
        BundleError: There is no bundle to judge by, or it was altered.
    """
    judge = None if spec.is_measured_only else judge_of(spec, settings)
    size = judge.bundle.backbone.size if judge else 0
    with Mosaic(spec.source, settings, tile_m=spec.tile_m, bands=spec.bands, size=size) as mosaic:
        if judge is None:
            return _survey(mosaic, tuple(part.tile for part in _shown(mosaic, progress)), None)
        tiles, pictures = _judged(mosaic, judge, settings, progress)
        return replace(_survey(mosaic, tuple(tiles), judge), pictures=pictures)


def judge_of(spec: SurveySpec, settings: Settings) -> ProductJudge:
    """Return what judges: the bundle given, else what is deployed for the product.

    Raises:
        BundleError: There is none, or it was altered.
        ConfigError: The bundle given is for something else than crops.
    """
    if spec.bundle is None:
        with open_store(settings) as store:
            return Deployed(store, settings).judge_of(PACK, spec.product)
    bundle = open_bundle(spec.bundle, settings)
    if bundle.pack.name != PACK:
        raise ConfigError(
            f"{bundle.label} is for {bundle.pack.name}; expected a bundle for {PACK}.",
            hint="Name a bundle that `assay train crops` has made.",
        )
    return ProductJudge(bundle, policy_of(bundle, spec.policy))


def _shown(mosaic: Mosaic, progress: Progress) -> Iterator[MosaicPart]:
    total = mosaic.grid.rows * mosaic.grid.columns
    progress(STEP, 0, total)
    for done, part in enumerate(mosaic.parts(), 1):
        yield part
        progress(STEP, done, total)


def _judged(
    mosaic: Mosaic, judge: ProductJudge, settings: Settings, progress: Progress
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

    with (
        Assessor(judge.bundle, judge.policy, settings) as assessor,
        closing(assessor.frames(samples())) as assessed,
    ):
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

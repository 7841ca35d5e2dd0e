"""A field surveyed: a mosaic cut into tiles, each measured and judged, and zones of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.errors import ConfigError
from core.model.bundle.bundle import Bundle
from core.model.bundle.destination import check_folder_destination
from core.service.assessment.assessor import Assessor
from core.service.bundles.deployments import Deployed, ProductJudge
from core.service.bundles.open import open_bundle, policy_of
from core.service.progress import Progress, silent
from core.service.store import open_store
from core.settings import Settings
from core.types import Assessment, Sample
from domains.crops.survey import geojson
from domains.crops.survey.mosaic import Mosaic, MosaicPart
from domains.crops.survey.values import Survey, SurveyTile, TileStatus, TileVerdict
from domains.crops.survey.zones import certificates_of, zones_of

PACK = "crops"
STEP = "Surveying"


@dataclass(frozen=True)
class SurveySpec:
    """What a survey is asked for.

    Attributes:
        source: A georeferenced orthomosaic, GeoTIFF.
        out: Folder to write.
        tile_m: Side of a tile on the ground, in metres.
        bands: Names of the mosaic's bands in their order; empty for those that the file states.
        bundle: Folder of the bundle that judges; what is deployed for the product where None.
        policy: Id of a policy; the current one when empty.
        product: Crop and region, where a bundle is deployed for each.
        is_measured_only: Whether indices alone are wanted, and no model looks at the tiles.
    """

    source: Path
    out: Path
    tile_m: float = 2.0
    bands: tuple[str, ...] = ()
    bundle: Path | None = None
    policy: str = ""
    product: str = ""
    is_measured_only: bool = False

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
    return geojson.write(survey_mosaic(spec, settings, progress), spec.out)


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
            tiles = [part.tile for part in _shown(mosaic, progress)]
        else:
            tiles = _judged(mosaic, judge, settings, progress)
        return _survey(mosaic, tuple(tiles), judge)


def judge_of(spec: SurveySpec, settings: Settings) -> ProductJudge:
    """Return what judges: the bundle given, else what is deployed for the product.

    Raises:
        BundleError: There is none, or it was altered.
        ConfigError: The bundle given is for something else than crops.
    """
    if spec.bundle is None:
        with closing(open_store(settings)) as store:
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
) -> list[SurveyTile]:
    tiles: dict[str, SurveyTile] = {}

    def samples() -> Iterator[Sample]:
        for part in _shown(mosaic, progress):
            name = f"{part.tile.row}-{part.tile.column}"
            tiles[name] = part.tile
            if part.picture is not None:
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
    return list(tiles.values())


def verdict_of(assessment: Assessment) -> TileVerdict:
    """Return an assessment without its arrays."""
    verdict, prediction = assessment.verdict, assessment.prediction
    return TileVerdict(
        disposition=verdict.disposition,
        wording=assessment.wording,
        label=verdict.label,
        labels=tuple(assessment.top()),
        positive_probability=prediction.positive_probability if prediction else None,
        reasons=tuple(finding.reason.value for finding in verdict.findings),
        message=verdict.message,
    )


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

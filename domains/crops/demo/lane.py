"""The demo's crops lane: a rendered field, surveyed, mapped, reported and prescribed for."""

from __future__ import annotations

import time
from collections import Counter

import numpy as np
from numpy.typing import NDArray

from core.service.bundles.archive import keep
from core.service.bundles.open import certify_bundle, open_bundle
from core.service.progress import Progress
from core.service.training.train import TrainSpec, train
from core.settings import Settings
from core.types import Disposition
from domains.crops import pack
from domains.crops.demo.field import MARK, write_mosaic, write_plots
from domains.crops.exports.layers import Positions
from domains.crops.exports.rate_table_file import table_of
from domains.crops.exports.stored import read_survey
from domains.crops.exports.write import SurveyExport, export_prescription, export_survey
from domains.crops.survey.spec import SurveySpec
from domains.crops.survey.survey import run_survey
from domains.crops.survey.values import Survey, SurveyTile

_SICK, _HEALTHY = 0.6, 0.03
"""From this mean severity on a tile is sick, up to this it is healthy; between it is an edge."""

_RATES = {
    "unit": "l/ha",
    "product": "Fungicide",
    "act": 1.5,
    "healthy": 0.5,
    "default": 1.0,
    "outside": 0.0,
    "position_lost": 0.0,
    "minimum": 0.2,
    "maximum": 2.0,
    "step": 0.0,
}
_KINDS = ((_SICK, 1.01, "sick"), (-1.0, _HEALTHY, "healthy"), (_HEALTHY, _SICK, "at the edge"))


def run(settings: Settings, progress: Progress) -> list[str]:
    """Return the table of a survey, after rendering a field, training, and surveying.

    Args:
        settings: Where things run; everything is written below the home folder.
        progress: Called with how far the work is.

    Returns:
        The table's lines.
    """
    home = settings.home / "demo"
    plots, mosaic, out = home / "rendered-plots", home / "rendered-field.tif", home / "field-survey"
    progress("Rendering a field", 0, 2)
    write_plots(plots)
    progress("Rendering a field", 1, 2)
    severity = write_mosaic(mosaic)
    progress("Rendering a field", 2, 2)
    model = home / "rendered-crop"
    train(TrainSpec("crops", plots, model), settings, progress)
    bundle = open_bundle(model, settings)
    keep(bundle, certify_bundle(bundle, pack.targets), settings)
    started = time.perf_counter()
    run_survey(SurveySpec(mosaic, out, bundle=model), settings, progress)
    elapsed_s = time.perf_counter() - started
    files = home / "field-files"
    export_survey(SurveyExport(out, files, ("report", "gpkg", "csv"), Positions.EXACT))
    rates = files / "prescription-isoxml.zip"
    prescription = export_prescription(out, table_of(_RATES), "isoxml4", rates)
    survey = read_survey(out)
    return [
        *_table(survey, severity, len(survey.tiles) / elapsed_s),
        f"  prescription      {prescription.total:.2f} l on "
        f"{sum(one.tile.area_m2 for one in prescription.tiles) / 1e4:.3f} ha; "
        f"{len(prescription.by_default)} tiles have the default rate, since nobody knows better",
        f"  report            {files / 'report.html'}",
        "",
    ]


def _table(survey: Survey, severity: NDArray[np.float32], tiles_a_second: float) -> list[str]:
    counted = {name: Counter[str]() for *_, name in _KINDS}
    for tile in survey.tiles:
        name = _kind(tile, severity)
        if name and tile.verdict:
            counted[name][tile.verdict.wording] += 1
    zones = sum(zone.disposition is Disposition.POSITIVE for zone in survey.zones)
    rows = [
        f"  {f'tiles {name}':<18}{'   '.join(f'{word} {verdicts[word]}' for word in _words())}"
        for name, verdicts in counted.items()
    ]
    return [
        "",
        f"A field of {len(survey.tiles)} tiles ({MARK})",
        *rows,
        f"  zones to act on   {zones}; rendered were 3 sick patches",
        f"  speed             {tiles_a_second:.0f} tiles a second, from mosaic to map",
        *(f"  {sentence}" for sentence in survey.certificates[:2]),
    ]


def _words() -> list[str]:
    order = (Disposition.POSITIVE, Disposition.DEFER, Disposition.NEGATIVE)
    return [pack.wording[one] for one in order]


def _kind(tile: SurveyTile, severity: NDArray[np.float32]) -> str:
    """Return what a tile was rendered as; empty for the headland around the crop."""
    rows = slice(tile.place.row, tile.place.row + tile.height)
    columns = slice(tile.place.column, tile.place.column + tile.width)
    mean = float(np.mean(severity[rows, columns]))
    return next((name for low, high, name in _KINDS if low < mean <= high), "")

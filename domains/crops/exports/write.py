"""The use cases: a survey's files for others, and a prescription for a terminal."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import ConfigError, DataError
from core.files import write_atomic
from core.records.connection import Store
from core.report.page import ReportPage, render_page
from core.service.review.explanations import Explainer
from domains.crops.exports.archive import pack
from domains.crops.exports.isoxml_task import Version, write_task
from domains.crops.exports.layers import (
    Layer,
    Positions,
    tile_layer,
    write_csv,
    write_geojson,
    write_geopackage,
    write_shapefiles,
    zone_layer,
)
from domains.crops.exports.photo_layer import photo_layer, read_photos
from domains.crops.exports.photo_pictures import picture_photos
from domains.crops.exports.photo_report import PhotoReport, order_photos, photo_page
from domains.crops.exports.prescription import Prescription, prescribe
from domains.crops.exports.rate_grid import rasterize
from domains.crops.exports.rates import RateTable
from domains.crops.exports.report import report_page
from domains.crops.exports.stored import read_summary, read_survey
from domains.crops.exports.terminal_check import find_faults
from domains.crops.exports.terminals import PROFILES, profile, write_shapefile
from domains.crops.locale import language
from domains.crops.survey.answered import read_answers, with_answers
from domains.crops.survey.geojson import PHOTOS
from domains.crops.survey.judged_by import read_judged_by
from domains.crops.survey.values import Survey

ISOXML: Mapping[str, Version] = {"isoxml3": 3, "isoxml4": 4}
TERMINALS = (*ISOXML, *PROFILES)


@dataclass(frozen=True, slots=True)
class SurveyExport:
    """What is exported.

    Attributes:
        folder: The folder of a survey.
        out: Folder to write.
        formats: Some of ``FORMATS``.
        positions: How much of its places is written.
        language: Code of the report's language.
    """

    folder: Path
    out: Path
    formats: tuple[str, ...]
    positions: Positions
    language: str = "en"


Files = Mapping[str, bytes]
Layers = Sequence[Layer]


def _geojson(layers: Layers) -> Files:
    return {f"{layer.name}.geojson": write_geojson(layer) for layer in layers if layer.rows}


def _geopackage(layers: Layers) -> Files:
    return {"survey.gpkg": write_geopackage(layers)}


def _shapefile(layers: Layers) -> Files:
    return {"survey-shapefile.zip": pack(write_shapefiles(layers))}


def _csv(layers: Layers) -> Files:
    return {f"{layer.name}.csv": write_csv(layer) for layer in layers if layer.rows}


TABLES: Mapping[str, Callable[[Layers], Files]] = {
    "geojson": _geojson,
    "gpkg": _geopackage,
    "shapefile": _shapefile,
    "csv": _csv,
}


def _html(page: ReportPage) -> bytes:
    return render_page(page).encode()


def _pdf(page: ReportPage) -> bytes:
    from core.report.pdf import render_pdf

    return render_pdf(page)


REPORT, PDF = "report", "pdf"
PAGES: Mapping[str, tuple[str, Callable[[ReportPage], bytes]]] = {
    REPORT: ("html", _html),
    PDF: ("pdf", _pdf),
}
"""Suffix and writer of each format of a page to print."""

FORMATS = (*TABLES, *PAGES)
USUAL_FORMATS = ("gpkg", "csv", REPORT)
"""What a survey is written in unless others are asked for."""


def export_survey(
    spec: SurveyExport, store: Store | None = None, explainer: Explainer | None = None
) -> tuple[Path, ...]:
    """Return the files that a survey was written into.

    Args:
        spec: What is exported.
        store: Where people answered; None for the verdicts alone.
        explainer: Reads the pictures of photos that are on record; None leaves them out.

    Raises:
        ConfigError: A format is not known.
        DataError: The folder holds no survey.
        StoreError: The store cannot be read.
        OSError: A file cannot be written.
    """
    contents = _contents(spec, store, explainer)
    spec.out.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        write_atomic(spec.out / name, content)
    return tuple(spec.out / name for name in contents)


def export_one(
    spec: SurveyExport, store: Store | None = None, explainer: Explainer | None = None
) -> bytes:
    """Return a survey in one file: its only one, or a zip of several.

    Args:
        spec: What is exported.
        store: As in ``export_survey``.
        explainer: As there.

    Raises:
        ConfigError: A format is not known.
        DataError: The folder holds no survey.
        StoreError: The store cannot be read.
    """
    return one_file(_contents(spec, store, explainer))


def _answered_survey(folder: Path, store: Store | None) -> Survey:
    survey = read_survey(folder)
    if store is None:
        return survey
    return with_answers(survey, read_answers(store, [tile.case for tile in survey.tiles]))


def _contents(spec: SurveyExport, store: Store | None, explainer: Explainer | None) -> Files:
    unknown = sorted(set(spec.formats) - set(FORMATS))
    if unknown or not spec.formats:
        raise ConfigError(
            f"No format is called {', '.join(unknown) or 'so'}.",
            hint=f"Formats: {', '.join(FORMATS)}.",
        )
    if (spec.folder / PHOTOS).exists():
        return _photo_contents(spec, store, explainer)
    survey = _answered_survey(spec.folder, store)
    layers = tile_layer(survey, spec.positions), zone_layer(survey, spec.positions)
    files = write_tables(layers, spec.formats)
    if PAGES.keys() & set(spec.formats):
        page = report_page(survey, language(spec.language), spec.positions)
        files |= write_pages(page, spec.formats)
    return files


def _photo_contents(spec: SurveyExport, store: Store | None, explainer: Explainer | None) -> Files:
    photos = read_photos(spec.folder)
    answers = {} if store is None else read_answers(store, [one.case for one in photos])
    files = write_tables([photo_layer(photos, answers, spec.positions)], spec.formats)
    if PAGES.keys() & set(spec.formats):
        ordered = order_photos(photos, answers)
        summary = read_summary(spec.folder)
        judge = read_judged_by(summary)
        pictures = picture_photos(ordered, store, explainer)
        report = PhotoReport(str(summary["file"]), ordered, judge, pictures)
        page = photo_page(report, language(spec.language), spec.positions)
        files |= write_pages(page, spec.formats)
    return files


def write_pages(page: ReportPage, formats: Sequence[str]) -> dict[str, bytes]:
    """Return a page as files by name, in those of the formats that print it.

    Raises:
        ConfigError: A PDF is asked for in a language that runs from right to left.
    """
    return {
        f"report.{suffix}": write(page)
        for name, (suffix, write) in PAGES.items()
        if name in formats
    }


def write_tables(layers: Layers, formats: Sequence[str]) -> dict[str, bytes]:
    """Return layers as files by name, in those of the formats that are tables."""
    files: dict[str, bytes] = {}
    for name in formats:
        if name in TABLES:
            files |= TABLES[name](layers)
    return files


def one_file(files: Files) -> bytes:
    """Return the only file, or a zip of several."""
    return next(iter(files.values())) if len(files) == 1 else pack(files)


def export_prescription(
    folder: Path, table: RateTable, terminal: str, out: Path, store: Store | None = None
) -> Prescription:
    """Return the prescription of a survey, once its archive is written and was read back.

    Args:
        folder: The folder of a survey.
        table: Which rate a verdict calls for.
        terminal: One of ``TERMINALS``.
        out: The archive to write, a zip.
        store: Where people answered on tiles; None for the verdicts alone.

    Raises:
        ConfigError: The terminal is not known, or does not know the unit; nothing is certified and
            the rates come from a file.
        DataError: The folder holds no survey, or the terminal would not open what came of it.
        StoreError: The store cannot be read.
        OSError: The archive cannot be written.
    """
    prescription = prescribe(_answered_survey(folder, store), table)
    write_atomic(out, archive_of(prescription, terminal))
    return prescription


def archive_of(prescription: Prescription, terminal: str) -> bytes:
    """Return the archive that a terminal opens.

    Raises:
        ConfigError: The terminal is not known, or does not know the unit.
        DataError: The terminal would not open what came of it.
    """
    if terminal in ISOXML:
        grid = rasterize(prescription)
        return pack(write_task(prescription, grid, ISOXML[terminal]))
    if terminal not in PROFILES:
        raise ConfigError(
            f"No terminal is called {terminal!r}.", hint=f"Terminals: {', '.join(TERMINALS)}."
        )
    chosen = profile(terminal)
    files = write_shapefile(prescription, chosen)
    archive = pack(files)
    _check(find_faults(files, chosen, prescription, len(archive)), chosen.title)
    return archive


def _check(faults: Sequence[str], title: str) -> None:
    if faults:
        raise DataError(
            f"{title} would not open this prescription: {' '.join(faults)}",
            hint="Survey with larger tiles, or choose another terminal.",
        )

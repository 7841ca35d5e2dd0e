"""`assay crops survey`: a mosaic onto the map."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from typing import Any


def survey(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="ORTHO|FOLDER",
            help="Georeferenced orthomosaic, a GeoTIFF; or a folder or zip of drone photos.",
        ),
    ],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder to write.")],
    bundle: Annotated[
        Path | None, typer.Option(help="Bundle that judges; else the one deployed.")
    ] = None,
    policy: Annotated[str, typer.Option(help="Id of a policy; the current one if not given.")] = "",
    product: Annotated[
        str, typer.Option(help="Crop and region, where a bundle is deployed for each.")
    ] = "",
    tile_m: Annotated[float, typer.Option(help="Side of a tile on the ground, in metres.")] = 2.0,
    bands: Annotated[
        str,
        typer.Option(
            help="Bands of a file that does not name them, in their order: red,green,blue,nir."
        ),
    ] = "",
    indices_only: Annotated[
        bool, typer.Option("--indices-only", help="Measure alone; no model looks at anything.")
    ] = False,
    panel: Annotated[
        Path | None,
        typer.Option(help="Pictures of a reflectance panel that fills their middle, one a band."),
    ] = None,
    panel_reflectance: Annotated[
        str, typer.Option(help="Of the panel: red=0.49,green=0.5,nir=0.48.")
    ] = "",
    no_store: Annotated[
        bool, typer.Option("--no-store", help="Record nothing, so that nobody is asked.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")] = False,
) -> None:
    """Survey a field: judge and measure the tiles of a mosaic, and put zones on the map.

    Of a mosaic it writes tiles.geojson and zones.geojson, of a folder photos.geojson and
    captures.geojson, and survey.json last. Photos, and tiles that need a person, become cases
    of the store, the most urgent first: `assay review` shows them.
    """
    from contextlib import ExitStack

    from core.cli.output import print_json, print_line, progress_bar
    from core.service.store import open_store
    from core.settings import Settings
    from domains.crops.survey.spec import SurveySpec
    from domains.crops.survey.survey import run_survey

    spec = SurveySpec(
        source,
        out,
        tile_m,
        tuple(bands.split(",")) if bands else (),
        bundle,
        policy,
        product,
        is_measured_only=indices_only,
        panel=panel,
        panel_reflectance=parse_reflectances(panel_reflectance),
    )
    settings = Settings()
    with ExitStack() as stack:
        store = None if no_store else stack.enter_context(open_store(settings))
        summary = run_survey(spec, settings, stack.enter_context(progress_bar()), store)
    if json:
        print_json({**summary, "path": str(out)})
    else:
        print_line("\n".join(describe_summary(summary, out)))


def describe_summary(summary: dict[str, Any], out: Path) -> list[str]:
    """Return the lines that the command prints."""
    if "photos" in summary:
        return [*_photo_lines(summary), f"Written to {out}."]
    pixels = " x ".join(map(str, summary["tile_pixels"]))
    lines = [
        f"{summary['tiles']:,} tiles of {summary['tile_m']:g} m ({pixels} pixels): "
        + ", ".join(f"{count:,} {status}" for status, count in summary["status"].items())
        + "."
    ]
    if summary["bundle"]:
        called = summary["dispositions"]
        lines.append(
            f"{called['positive']:,} to act on, {called['defer']:,} to look at, "
            f"{called['negative']:,} healthy; {summary['zones']:,} zones. "
            f"By {summary['bundle']}."
        )
        lines += [*_asked_lines(summary), *summary["certificates"][:2]]
    lines += [f"No {name}: {reason}" for name, reason in summary["indices_refused"].items()]
    return [*lines, f"Written to {out}."]


def _asked_lines(summary: dict[str, Any]) -> Iterator[str]:
    from domains.crops.survey.tile_cases import MOST_ASKED

    if summary["waiting"]:
        yield (
            f"{summary['waiting']:,} of {summary['tiles']:,} tiles wait for a person: "
            "`assay review` shows them."
        )
    if summary["not_asked"]:
        yield (
            f"{summary['not_asked']:,} more need a person and are not asked about: of one mosaic "
            f"at most {MOST_ASKED} are, those first that nobody could decide."
        )
    if summary["withdrawn"]:
        yield (
            f"{summary['withdrawn']:,} tiles of an earlier survey, cut otherwise, waited and are "
            "withdrawn: their answers would show on no map."
        )


def _photo_lines(summary: dict[str, Any]) -> Iterator[str]:
    called = summary["dispositions"]
    yield (
        f"{summary['photos']:,} photos, {summary['photos_placed']:,} with a place: "
        f"{called['positive']:,} to act on, {called['defer']:,} to look at, "
        f"{called['negative']:,} healthy, "
        f"{summary['photos'] - summary['photos_judged']:,} not judged."
    )
    if summary["waiting"]:
        yield f"{summary['waiting']:,} photos wait for a person: `assay review` shows them."
    yield from summary["certificates"]
    if summary["captures"]:
        yield f"{summary['captures']:,} captures, {summary['captures_skipped']:,} of them skipped."
        yield from summary["problems"].values()


def parse_reflectances(text: str) -> dict[str, float]:
    """Return ``red=0.49,nir=0.48`` as reflectances by band.

    Raises:
        ConfigError: It is not of that form, or names no band.
    """
    from core.errors import ConfigError
    from domains.crops.survey.bands import band_called

    found: dict[str, float] = {}
    for pair in filter(None, text.split(",")):
        name, _, value = pair.partition("=")
        try:
            found[band_called(name) or name] = float(value)
        except ValueError:
            found[""] = 0.0
        if not band_called(name) or "" in found:
            raise ConfigError(
                f"{pair!r} is no reflectance of a band.", hint="Write red=0.49,green=0.5,nir=0.48."
            )
    return found

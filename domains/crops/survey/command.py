"""`assay crops survey`: a mosaic onto the map."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from typing import Any


def survey(
    source: Annotated[
        Path, typer.Argument(metavar="ORTHO", help="Georeferenced orthomosaic, a GeoTIFF.")
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
        bool, typer.Option("--indices-only", help="Measure the tiles; no model looks at them.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")] = False,
) -> None:
    """Survey a field: judge and measure the tiles of a mosaic, and put zones on the map.

    Writes tiles.geojson, zones.geojson and survey.json. Verdicts are not recorded in the store.
    """
    from core.cli.output import print_json, print_line, progress_bar
    from core.settings import Settings
    from domains.crops.survey.survey import SurveySpec, run_survey

    spec = SurveySpec(
        source,
        out,
        tile_m,
        tuple(bands.split(",")) if bands else (),
        bundle,
        policy,
        product,
        is_measured_only=indices_only,
    )
    with progress_bar() as progress:
        summary = run_survey(spec, Settings(), progress)
    if json:
        print_json({**summary, "path": str(out)})
    else:
        print_line("\n".join(describe_summary(summary, out)))


def describe_summary(summary: dict[str, Any], out: Path) -> list[str]:
    """Return the lines that the command prints."""
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
        lines += summary["certificates"][:2]
    lines += [f"No {name}: {reason}" for name, reason in summary["indices_refused"].items()]
    return [*lines, f"Written to {out}."]

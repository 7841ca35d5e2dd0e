"""`assay crops export` and `assay crops prescribe`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from domains.crops.exports.layers import Positions
    from domains.crops.exports.prescription import Prescription
    from domains.crops.exports.rates import RateTable

_FOLDER = typer.Argument(metavar="SURVEY", help="Folder that `assay crops survey` wrote.")
_JSON = typer.Option("--json", help="Print one JSON object instead.")


def export(
    folder: Annotated[Path, _FOLDER],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder to write.")],
    to: Annotated[
        str,
        typer.Option(
            help="Formats: geojson, gpkg, shapefile, csv, report (HTML), pdf; gpkg, csv and report "
            "unless given."
        ),
    ] = "",
    positions: Annotated[
        str, typer.Option(help="Places: exact, coarse (about a kilometre) or none.")
    ] = "exact",
    language: Annotated[str, typer.Option(help="Of the report: en, es or ar.")] = "en",
    json: Annotated[bool, _JSON] = False,
) -> None:
    """Write a survey as files for maps and spreadsheets, and as a page to print.

    What a person answered on a tile or a photo stands beside its verdict, and zones follow it.
    """
    from contextlib import closing

    from core.cli.output import print_json, print_line
    from core.service.review.review import open_review_session
    from core.settings import Settings
    from domains.crops.exports.write import USUAL_FORMATS, SurveyExport, export_survey

    formats = tuple(name.strip() for name in to.split(",") if name.strip())
    formats = formats or USUAL_FORMATS
    spec = SurveyExport(folder, out, formats, _positions(positions), language)
    with closing(open_review_session(Settings())) as session:
        written = export_survey(spec, session.store, session.explainer)
    if json:
        print_json({"files": [str(path) for path in written], "positions": positions})
    else:
        print_line("\n".join(f"Written: {path}" for path in written))


def prescribe(
    folder: Annotated[Path, _FOLDER],
    out: Annotated[Path, typer.Option("-o", "--out", help="Archive to write, a .zip.")],
    terminal: Annotated[
        str,
        typer.Option(
            help="isoxml3, isoxml4, generic, deere, trimble, raven, mueller, vaderstad, agfusion."
        ),
    ],
    unit: Annotated[
        str, typer.Option(help="kg/ha, t/ha, l/ha, lbs/ac, ton/ac, gal/ac, seeds/m2, kS/ha, kS/ac.")
    ] = "",
    act: Annotated[float | None, typer.Option(help="Rate where the verdict is ACT.")] = None,
    healthy: Annotated[float | None, typer.Option(help="Rate where it is HEALTHY.")] = None,
    default: Annotated[
        float | None, typer.Option(help="Rate where a person decides or nothing was judged.")
    ] = None,
    outside: Annotated[float | None, typer.Option(help="Rate outside the field.")] = None,
    position_lost: Annotated[
        float | None, typer.Option(help="Rate while the machine does not know where it is.")
    ] = None,
    minimum: Annotated[float | None, typer.Option(help="Smallest rate of the machine.")] = None,
    maximum: Annotated[float | None, typer.Option(help="Largest rate of the machine.")] = None,
    step: Annotated[float, typer.Option(help="Rates are multiples of it; 0 for any.")] = 0.0,
    product_name: Annotated[str, typer.Option(help="What is spread.")] = "",
    rates: Annotated[
        Path | None, typer.Option(help="The same as a TOML file, for certified surveys.")
    ] = None,
    json: Annotated[bool, _JSON] = False,
) -> None:
    """Write a prescription that a tractor's terminal opens.

    What a person answered on a tile counts, whatever the verdict. Tiles that nobody has decided or
    judged have the default rate, and are listed.
    """
    from core.cli.output import print_json, print_line
    from core.service.store import open_store
    from core.settings import Settings
    from domains.crops.exports.rate_table_file import read_table, table_of
    from domains.crops.exports.write import export_prescription

    typed = {
        "unit": unit or None,
        "act": act,
        "healthy": healthy,
        "default": default,
        "outside": outside,
        "position_lost": position_lost,
        "minimum": minimum,
        "maximum": maximum,
        "step": step,
        "product": product_name or None,
    }
    table: RateTable = read_table(rates) if rates is not None else table_of(typed)
    with open_store(Settings()) as store:
        made = export_prescription(folder, table, terminal, out, store)
    if json:
        print_json({**_summary(made), "path": str(out)})
    else:
        print_line("\n".join([*_lines(made), f"Written to {out}."]))


def _positions(name: str) -> Positions:
    from core.errors import ConfigError
    from domains.crops.exports.layers import Positions

    if name not in set(Positions):
        raise ConfigError(
            f"--positions {name!r} is not known.", hint=f"One of: {', '.join(Positions)}."
        )
    return Positions(name)


def _summary(made: Prescription) -> dict[str, object]:
    return {
        "total": made.total,
        "quantity": made.quantity,
        "unit": made.table.unit,
        "area_ha": sum(one.tile.area_m2 for one in made.tiles) / 1e4,
        "tiles": len(made.tiles),
        "answered": made.answered,
        "by_default": [
            {"row": one.tile.row, "column": one.tile.column, "reason": one.reason}
            for one in made.by_default
        ],
        "certified": made.note,
    }


def _lines(made: Prescription) -> list[str]:
    area = sum(one.tile.area_m2 for one in made.tiles) / 1e4
    lines = [
        f"{made.total:,.1f} {made.quantity} on {area:,.2f} ha, "
        f"{made.total / area:,.2f} {made.quantity}/ha on average."
    ]
    if made.answered:
        lines.append(f"{made.answered:,} tiles have the rate of a person's answer.")
    count = len(made.by_default)
    if count:
        rate = made.table.rate(None)
        lines.append(
            f"{count:,} of {len(made.tiles):,} tiles have the default rate of {rate:g} "
            f"{made.table.unit}, since nobody knows better:"
        )
        reasons = Counter(one.reason for one in made.by_default)
        lines += [f"  {many:,}: {reason}" for reason, many in reasons.most_common()]
    return [*lines, made.note]

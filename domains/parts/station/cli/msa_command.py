"""`assay parts station msa`: attribute agreement analysis of a study."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from domains.parts.station.spc.msa import AgreementAnalysis

_MARK = b'<meta name="generator" content="Assay">'


def msa(
    study: Annotated[
        Path,
        typer.Argument(
            help="CSV with a line a reading: part, reference, appraiser, trial, result."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="HTML page to print; replaced if there.")
    ] = None,
    station: Annotated[
        str, typer.Option(help="Station that is one more appraiser: it saw the parts by their ids.")
    ] = "",
    since: Annotated[
        datetime | None, typer.Option(help="When the station began with the study, UTC.")
    ] = None,
    resamples: Annotated[int, typer.Option(min=100, help="Resamples behind each interval.")] = 2000,
    seed: Annotated[int, typer.Option(help="Seed of the resampling.")] = 1,
    json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
) -> None:
    """Analyse how far appraisers, the station among them, agree on pass and fail.

    Prints agreement within and between appraisers and with the reference, Cohen's and Fleiss' kappa
    with intervals, and miss and false alarm rates, counted by part and by reading.
    """
    from core.cli.output import print_json, print_line
    from domains.parts.station.spc.msa import analyse
    from domains.parts.station.spc.msa_report import write_text
    from domains.parts.station.spc.msa_study import read_rows, to_study

    rows = read_rows(study)
    if station:
        rows += _station_rows(rows, station, since)
    analysis = analyse(to_study(rows), resamples=resamples, seed=seed)
    if out is not None:
        _write(out, analysis)
    if json:
        print_json(analysis.to_json())
    else:
        print_line(write_text(analysis).rstrip())


def _station_rows(
    rows: list[dict[str, str]], station: str, since: datetime | None
) -> list[dict[str, str]]:
    from datetime import UTC

    from core.service.store import open_store
    from core.settings import Settings
    from domains.parts.station.records.parts import parts_of
    from domains.parts.station.spc.msa_study import station_rows

    began = since.replace(tzinfo=UTC) if since is not None else None
    with open_store(Settings()) as store:
        return station_rows(rows, parts_of(store, station, since=began), station)


def _write(out: Path, analysis: AgreementAnalysis) -> None:
    from core.files import write_atomic
    from core.model.bundle.destination import check_file_destination
    from core.records.values import now
    from domains.parts.station.spc.msa_report import write_page

    check_file_destination(out, _MARK)
    write_atomic(out, write_page(analysis, made=f"Made {now():%Y-%m-%d %H:%M} UTC"))

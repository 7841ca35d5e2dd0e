"""`assay parts station export`: a station's parts for programs of statistical process control."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from domains.parts.station.part import InspectedPart

_MARKS = {".csv": b"k0002", ".dfq": b"K0100 2\r\n"}


def export(
    out: Annotated[
        Path, typer.Option("-o", "--out", help="File to write: .csv, or .dfq for Q-DAS.")
    ],
    station: Annotated[str, typer.Option(help="Name of the station.")] = "station",
    product: Annotated[str, typer.Option(help="This product alone; a .dfq holds one.")] = "",
    since: Annotated[datetime | None, typer.Option(help="Parts from then on, UTC.")] = None,
    separator: Annotated[str, typer.Option(help="Between the columns of a .csv: , or ;")] = ",",
    bom: Annotated[bool, typer.Option(help="Begin a .csv with a mark for spreadsheets.")] = False,
    json: Annotated[bool, typer.Option("--json", help="Print what was written as JSON.")] = False,
) -> None:
    """Write a station's parts as CSV or Q-DAS ASCII, reference parts marked as such.

    What nobody judged is marked invalid (K0002 = 129) and counts for nothing.
    """
    from core.cli.output import print_json, print_line
    from core.errors import ConfigError
    from core.files import write_atomic
    from core.model.bundle.destination import check_file_destination
    from domains.parts.station.spc.export import write_csv, write_dfq

    suffix = out.suffix.lower()
    if suffix not in _MARKS:
        raise ConfigError(
            f"Parts are exported to .csv or .dfq, got {out.name!r}.", hint="Name the file so."
        )
    check_file_destination(out, _MARKS[suffix])
    parts = _parts(station, product, since)
    if suffix == ".csv":
        data = write_csv(parts, separator=separator, has_bom=bom)
    else:
        data = write_dfq(parts, station=station)
    write_atomic(out, data)
    if json:
        print_json({"file": str(out), "parts": len(parts)})
    else:
        print_line(f"{len(parts):,} parts in {out}.")


def _parts(station: str, product: str, since: datetime | None) -> list[InspectedPart]:
    """Return the parts of the line and the reference parts, the oldest first.

    Raises:
        DataError: There are none.
    """
    from datetime import UTC

    from core.errors import DataError
    from core.service.store import open_store
    from core.settings import Settings
    from domains.parts.station.challenge.reference_parts import reference_parts_of
    from domains.parts.station.records.parts import parts_of

    began = since.replace(tzinfo=UTC) if since is not None else None
    with open_store(Settings()) as store:
        found = [
            *parts_of(store, station, since=began),
            *reference_parts_of(store, station, since=began),
        ]
    wanted = [part for part in found if product in ("", part.product)]
    if not wanted:
        of_product = f" of {product!r}" if product else ""
        raise DataError(
            f"The store holds no part{of_product} of a station {station!r} in that time.",
            hint="Give the station's name as its file has it, and an earlier --since.",
        )
    return sorted(wanted, key=lambda part: part.trigger.number)

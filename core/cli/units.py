"""units: what starts Assay with the machine."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from core.cli.output import print_line


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command()(units)


def units(
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="Print this one; list them without.")
    ] = "",
    out: Annotated[
        Path | None, typer.Option("-o", "--out", help="Write the systemd units to this folder.")
    ] = None,
    backup: Annotated[Path, typer.Option(help="Folder of the nightly backup.")] = Path(
        "/var/backups/assay"
    ),
) -> None:
    """Print or write systemd units and a container file.

    With this installation's paths, ASSAY_HOME and user filled in.
    """
    from core.service.units import list_units, render_unit, write_units
    from core.settings import Settings

    settings = Settings()
    if out is not None:
        for path in write_units(out, settings, backup):
            print_line(str(path))
    elif name:
        print_line(render_unit(name, settings, backup).rstrip())
    else:
        print_line("\n".join(list_units()))

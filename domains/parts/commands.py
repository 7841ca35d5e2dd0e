"""`assay parts`: what only the inspection of parts does."""

from __future__ import annotations

import typer

from domains.parts.station.cli.commands import app as station

app = typer.Typer(no_args_is_help=True, help="Inspect parts on a line.")
app.add_typer(station, name="station")

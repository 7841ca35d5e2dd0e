"""`assay crops`: what only the crops pack does."""

from __future__ import annotations

import typer

from domains.crops.exports.command import export, prescribe
from domains.crops.photos.command import photos
from domains.crops.survey.command import survey
from domains.crops.survey.index_command import index

app = typer.Typer(no_args_is_help=True, help="Photos and mosaics of fields.")
app.command()(photos)
app.command()(survey)
app.command()(index)
app.command()(export)
app.command()(prescribe)

"""`assay crops index`: vegetation indices of a mosaic, pixel by pixel."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def index(
    source: Annotated[Path, typer.Argument(metavar="ORTHO", help="Georeferenced orthomosaic.")],
    out: Annotated[Path, typer.Option("-o", "--out", help="Folder to write.")],
    indices: Annotated[
        str, typer.Option("--index", help="exg, vari, ndvi, ndre, gndvi; all that it gives.")
    ] = "",
    bands: Annotated[
        str,
        typer.Option(
            help="Bands of a file that does not name them, in their order: red,green,blue,nir."
        ),
    ] = "",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead.")] = False,
) -> None:
    """Map vegetation indices: a GeoTIFF (float32, NaN without a value) and a picture of each.

    NDVI, NDRE and GNDVI need reflectances and bands that the file names. Captures of a
    multispectral camera have no map: their bands do not lie on each other. `assay crops survey`
    measures them.
    """
    from core.cli.output import print_json, print_line, progress_bar
    from core.settings import Settings
    from domains.crops.survey.index_maps import write_index_maps

    wanted = tuple(name.strip() for name in indices.split(",") if name.strip())
    named = tuple(bands.split(",")) if bands else ()
    with progress_bar() as progress:
        made = write_index_maps(
            source, out, Settings(), wanted=wanted, bands=named, progress=progress
        )
    if json:
        files = [str(path) for path in made.files]
        shares, refused = dict(made.valid), dict(made.refused)
        print_json({"files": files, "valid": shares, "refused": refused, "unread": made.unread})
        return
    lines = [
        f"{name}: {share:.1%} of the pixels have a value." for name, share in made.valid.items()
    ]
    lines += [f"No {name}: {reason}" for name, reason in made.refused.items()]
    print_line("\n".join([*lines, *(f"Written: {path}" for path in made.files)]))

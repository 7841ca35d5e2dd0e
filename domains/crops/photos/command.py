"""`assay crops photos`: where and when photos were taken, and whether they can be judged."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from domains.crops.locale import Language
    from domains.crops.photos.listing import ListedPhoto


def photos(
    paths: Annotated[
        list[Path], typer.Argument(metavar="PATH...", help="Photos, folders, or zip files.")
    ],
    language: Annotated[
        str, typer.Option(help="Language of the sentences, such as en, es, ar or es-MX.")
    ] = "en",
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object a line.")] = False,
) -> None:
    """List photos with their place, time, size on the ground and quality.

    Places are settled once all photos are read, since a photo's neighbours tell whether its place
    can be believed. Nothing is recorded, and nothing leaves this machine.
    """
    from core.cli.output import print_json, print_line, progress_bar
    from core.imaging.junk import describe_skipped
    from core.settings import Settings
    from domains.crops.locale import language as language_of
    from domains.crops.locale import preferred
    from domains.crops.photos.listing import list_photos
    from domains.crops.photos.listing_json import listing_line, photo_line

    shown = language_of(preferred(language))
    with progress_bar() as progress:
        listing = list_photos(paths, Settings(), progress)
    for photo in listing.photos:
        if json:
            print_json(photo_line(photo, shown))
        else:
            print_line(_text(photo, shown))
    for line in describe_skipped(listing.skipped):
        typer.echo(f"assay: {line}", err=True)
    if json:
        print_json(listing_line(listing))
    else:
        typer.echo(f"assay: {_counts(listing.raw_twins, listing.side_files)}", err=True)


def _text(photo: ListedPhoto, language: Language) -> str:
    place, stated = photo.location.place, photo.time.stated
    where = f"{place.latitude:.6f}, {place.longitude:.6f} ({place.source})" if place else "-"
    when = stated.isoformat(" ", "seconds") if stated else "-"
    sentences = [photo.location.reason, *photo.faults]
    lines = [f"    {language.render(one)}" for one in sentences if one is not None]
    # A name is whatever an archive holds: nothing of it may move the cursor of a terminal.
    name = "".join(char if char.isprintable() else "\ufffd" for char in photo.name)
    return "\n".join([f"{name}: {where}, {when}", *lines])


def _counts(raw_twins: int, side_files: int) -> str:
    return f"{raw_twins} raw files with a developed twin, {side_files} films and side files left."

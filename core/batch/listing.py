"""What a source holds: the locations of its pictures and archives, by the rules of `assess`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from core.batch.manifest import MANIFESTS, read_manifest
from core.batch.remote import is_url, list_urls, reaching
from core.errors import DataError
from core.imaging.files import list_pictures
from core.imaging.junk import Skipped


def name_source(source: str) -> str:
    """Return a source as it is called: a path in its plain form, or a URL."""
    return source if is_url(source) else str(Path(source.removeprefix("file://")))


def list_source(
    source: str, column: str, suffixes: frozenset[str], skipped: Skipped
) -> Iterator[bytes]:
    """Yield the locations that a source holds, lazily and in the same order every time.

    Args:
        source: A folder, a zip, one picture, a manifest, or a URL of one of these.
        column: The manifest's column of paths or URLs; a usual name of it when empty.
        suffixes: Further extensions that count in folders (see ``list_pictures``).
        skipped: Gets what was not listed.

    Raises:
        DataError: There is nothing there, or a manifest lacks its column or a path.
        AssayError: A server cannot be reached.
    """
    name = name_source(source)
    try:
        if name.lower().endswith(MANIFESTS) and not os.path.isdir(name):
            with reaching(name):
                yield from map(os.fsencode, read_manifest(name, column))
        elif is_url(name):
            yield from map(os.fsencode, list_urls(name, suffixes, skipped))
        elif os.path.lexists(name):
            yield from map(os.fsencode, list_pictures([Path(name)], suffixes, skipped))
        else:
            raise FileNotFoundError(name)
    except FileNotFoundError as exc:
        raise DataError(
            f"There is nothing at {name}.",
            hint="Name a folder, a zip, a manifest (CSV, Parquet) or a URL of one.",
        ) from exc
    except PermissionError as exc:
        raise DataError(
            f"{name} may not be read: {exc.strerror or exc}.",
            hint="Check its permissions, or the credentials for its server.",
        ) from exc

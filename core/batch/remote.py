"""Pictures behind URLs: S3 and every other file system that fsspec knows.

What one object lacks is that picture's problem, as for a file. What the server lacks ends the run,
which goes on where it was when it is begun again: ten million pictures must not be deferred because
a network was down.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import fsspec

from core.errors import AssayError, ConfigError
from core.imaging.files import (
    ARCHIVE,
    HEAD,
    Incoming,
    describe_too_large,
    refuse_file,
    suffix_of,
    wrap_bytes,
)
from core.imaging.junk import PEEK, Skipped, is_junk
from core.imaging.sniff import SUFFIXES, looks_like_picture
from core.imaging.zip_archive import open_archive

_REFUSALS = (FileNotFoundError, PermissionError, IsADirectoryError)


def is_url(location: str) -> bool:
    """Return whether a location is a URL that is none of a local file."""
    return "://" in location and not location.startswith("file://")


def system_of(url: str) -> tuple[Any, str]:
    """Return the file system of a URL and the path in it.

    Raises:
        ConfigError: No installed library knows its protocol.
    """
    try:
        return fsspec.core.url_to_fs(url)  # type: ignore[no-any-return]
    except (ImportError, ValueError) as exc:
        raise ConfigError(
            f"{url} cannot be read: {exc}.",
            hint="For S3: pip install 'assay-inspection[ray]'; for others what fsspec names.",
        ) from exc


@contextmanager
def reaching(url: str) -> Iterator[None]:
    """Yield while what a server does wrong becomes an error that names the URL.

    Raises:
        AssayError: The server cannot be reached, or failed.
    """
    try:
        yield
    except (AssayError, *_REFUSALS):
        raise
    except Exception as exc:
        # Each protocol's library has errors of its own, with no class in common.
        raise AssayError(
            f"{url} cannot be reached: {type(exc).__name__}: {exc}.",
            hint="Check the address and the credentials, and run again: nothing is lost.",
        ) from exc


def list_urls(url: str, suffixes: frozenset[str], skipped: Skipped) -> Iterator[str]:
    """Yield the URLs of the pictures and archives below one, by the rules of ``list_pictures``.

    Raises:
        AssayError: The server cannot be reached, or there is nothing there.
    """
    system, root = system_of(url)
    with reaching(url):
        if system.isfile(root):
            yield url
        elif system.isdir(root):
            yield from _walk(system, root, SUFFIXES | suffixes | {ARCHIVE}, skipped)
        else:
            raise FileNotFoundError(url)


def _walk(system: Any, folder: str, suffixes: frozenset[str], skipped: Skipped) -> Iterator[str]:  # noqa: ANN401
    entries = sorted(
        (PurePosixPath(one["name"]).name, one["name"], one["type"] == "directory", one.get("size"))
        for one in system.ls(folder, detail=True)
        if not one["name"].endswith("/") and one["name"] != folder.rstrip("/")
    )
    system.invalidate_cache(folder)  # else all of the listing stays in memory
    for name, path, is_folder, size in entries:
        url = system.unstrip_protocol(path)
        if is_junk(name):
            skipped.system.append(url)
        elif is_folder:
            yield from _walk(system, path, suffixes, skipped)
        elif suffix_of(PurePosixPath(name)) in suffixes or _looks_like_picture(system, path, size):
            yield url
        else:
            skipped.others.append(url)


def _looks_like_picture(system: Any, path: str, size: int | None) -> bool:  # noqa: ANN401
    end = PEEK if size is None else min(PEEK, size)  # a server may refuse a range beyond the end
    try:
        return end > 0 and looks_like_picture(system.cat_file(path, start=0, end=end))
    except _REFUSALS:
        return True  # it may be one: let it be answered for


def open_url(url: str, max_bytes: int) -> Incoming:
    """Return one object of at most ``max_bytes``; never raise for a bad one.

    Raises:
        AssayError: The server cannot be reached.
    """
    system, path = system_of(url)
    try:
        with reaching(url):
            return _fetch(system, path, url, max_bytes)
    except _REFUSALS as exc:
        return refuse_file(url, _sentence(exc))


def _fetch(system: Any, path: str, url: str, max_bytes: int) -> Incoming:  # noqa: ANN401
    found = system.info(path)
    if found["type"] == "directory":
        raise IsADirectoryError(url)
    size = found.get("size")
    if size == 0:
        return refuse_file(url, "The file is empty (0 bytes).")
    if size is not None and size > max_bytes:
        head = system.cat_file(path, start=0, end=min(HEAD, max_bytes))
        return Incoming(url, None, problem=describe_too_large(size, max_bytes), head=head)
    if size is not None:
        return wrap_bytes(url, system.cat_file(path))
    with system.open(path, "rb") as stream:  # a web server need not state it
        return wrap_bytes(url, stream.read(max_bytes + 1))


def open_remote_archive(
    url: str, max_bytes: int, suffixes: frozenset[str], skipped: Skipped
) -> Iterator[Incoming]:
    """Yield the pictures of a zip behind a URL, as ``open_archive``, from a copy of it.

    Raises:
        AssayError: The server cannot be reached.
    """
    system, path = system_of(url)
    with tempfile.TemporaryDirectory(prefix="assay-") as folder:
        copy = Path(folder) / "archive.zip"
        try:
            with reaching(url):
                system.get_file(path, str(copy))
        except _REFUSALS as exc:
            yield refuse_file(url, f"The archive cannot be read: {_sentence(exc)}")
            return
        yield from open_archive(copy, max_bytes, suffixes, skipped=skipped, name=url)


def _sentence(exc: Exception) -> str:
    if isinstance(exc, FileNotFoundError):
        return "There is no such file."
    if isinstance(exc, IsADirectoryError):
        return "It is a folder; expected a regular file."
    return f"The system refused to read it: {exc}."

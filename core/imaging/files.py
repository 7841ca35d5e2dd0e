"""Untrusted files, opened so that none of them can hang, redirect or flood the reader."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import TypeVar

from core.imaging.junk import PEEK, Skipped, is_junk
from core.imaging.sniff import SUFFIXES, looks_like_picture

In = TypeVar("In", bound="Incoming")

ARCHIVE = ".zip"
HEAD = 1024 * 1024
"""Bytes at the beginning of a file within which it says of itself what it says."""

_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Incoming:
    """The bytes of one picture, or the reason why there are none.

    Attributes:
        id: Name unique within the run: the path as given, or ``archive.zip/member``.
        data: The whole file; None when it was not read.
        sha256: Hex digest of the data; empty when there is none.
        group: The physical part, patient, field: the unit over which errors are counted.
        problem: Why there is no data; empty when there is.
        head: Beginning of a file that was not read as a whole, for what it says of itself.
    """

    id: str
    data: bytes | None
    sha256: str = ""
    group: str = ""
    problem: str = ""
    head: bytes = b""


def wrap_bytes(name: str, data: bytes, group: str = "") -> Incoming:
    """Return bytes that are already in memory, with their digest."""
    return Incoming(name, data, hashlib.sha256(data).hexdigest(), group)


def refuse_file(name: str, problem: str, group: str = "") -> Incoming:
    """Return what stands for a file that was not read."""
    return Incoming(name, None, group=group, problem=problem)


def cap_bytes(item: In, max_bytes: int) -> In:
    """Return a picture as it is; of one that is too large only the beginning, with the reason."""
    if item.data is None or len(item.data) <= max_bytes:
        return item
    return replace(
        item,
        data=None,
        problem=describe_too_large(len(item.data), max_bytes),
        head=item.data[:HEAD],
    )


def open_file(path: Path, max_bytes: int, group: str = "") -> Incoming:
    """Return one regular file of at most ``max_bytes``; never raise for a bad file.

    Symbolic links are refused rather than followed, and the file is opened without blocking, so
    that a FIFO or a device cannot hang the run.

    Args:
        path: The file.
        max_bytes: Largest size accepted; a larger file is refused before it is read.
        group: Passed through.
    """
    name = printable(path)
    try:
        descriptor = open_regular(path)
        try:
            size = os.fstat(descriptor).st_size
            if size > max_bytes:
                head = os.read(descriptor, min(HEAD, max_bytes))
                problem = describe_too_large(size, max_bytes)
                return Incoming(name, None, group=group, problem=problem, head=head)
            data = _read(descriptor, max_bytes)
        finally:
            os.close(descriptor)
    except (OSError, ValueError) as exc:
        return refuse_file(name, _sentence(exc, path), group)
    return wrap_bytes(name, data, group)


def open_regular(path: Path) -> int:
    """Return the descriptor of a regular file, opened for reading.

    Raises:
        OSError: The system refused, among others because it is a symbolic link.
        ValueError: It is a folder, a FIFO, a socket or a device, or the path holds a null byte.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    what = "a folder" if stat.S_ISDIR(mode) else "a FIFO, socket or device"
    raise ValueError(f"It is {what}; expected a regular file.")


def list_pictures(
    paths: Iterable[Path],
    suffixes: frozenset[str] = frozenset(),
    skipped: Skipped | None = None,
) -> Iterator[Path]:
    """Yield the files to read, lazily: folders recursively and by name, other paths as given.

    In folders files count that have a picture's extension (any case) or a picture's first bytes,
    and zip archives; hidden ones and what systems leave behind are skipped. Linked folders are
    yielded, not entered, so that they are answered for; so is a folder that may not be listed, and
    every path given by name.

    Args:
        paths: Files and folders.
        suffixes: Further extensions that count, in lower case; an empty one for files without.
        skipped: Gets what was not yielded.
    """
    skipped = Skipped() if skipped is None else skipped
    for path in paths:
        if os.path.isdir(path):  # unlike Path.is_dir it never raises
            yield from _walk(path, SUFFIXES | suffixes | {ARCHIVE}, skipped)
        else:
            yield path


def suffix_of(path: PurePath) -> str:
    """Return a name's extension in lower case; none where it is a number, the end of a UID."""
    suffix = path.suffix.lower()
    return "" if suffix[1:].isdecimal() else suffix


def printable(path: Path) -> str:
    """Return the path as text that can be encoded, whatever bytes its name holds."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _walk(folder: Path, suffixes: frozenset[str], skipped: Skipped) -> Iterator[Path]:
    try:
        with os.scandir(folder) as listing:
            entries = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in listing)
    except OSError:
        yield folder
        return
    for name, is_folder in entries:
        path = folder / name
        if is_junk(name):
            skipped.system.append(printable(path))
        elif is_folder:
            yield from _walk(path, suffixes, skipped)
        elif suffix_of(path) in suffixes or os.path.isdir(path) or _looks_like_picture(path):
            yield path
        else:
            skipped.others.append(printable(path))


def _looks_like_picture(path: Path) -> bool:
    try:
        descriptor = open_regular(path)
        try:
            return looks_like_picture(os.read(descriptor, PEEK))
        finally:
            os.close(descriptor)
    except (OSError, ValueError):
        return os.path.islink(path) or os.path.isfile(path)  # it may be one: let it be answered for


def _read(descriptor: int, max_bytes: int) -> bytes:
    size = os.fstat(descriptor).st_size
    chunks: list[bytes] = []
    count = 0
    while size <= max_bytes and (chunk := os.read(descriptor, max(_CHUNK, size - count + 1))):
        chunks.append(chunk)
        count += len(chunk)
        size = max(size, count)  # the file may grow while it is read
    if size > max_bytes:
        raise ValueError(describe_too_large(size, max_bytes))
    if not count:
        raise ValueError("The file is empty (0 bytes).")
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def describe_too_large(size: int, max_bytes: int) -> str:
    """Return the problem of a file of more bytes than are accepted."""
    return f"The file is too large: expected at most {max_bytes} bytes, got {size}."


def _sentence(exc: OSError | ValueError, path: Path) -> str:
    if not isinstance(exc, OSError):
        return str(exc)
    if exc.errno == errno.ELOOP and os.path.isdir(path):
        return "It is a link to a folder; links are not followed: give the folder itself."
    if exc.errno == errno.ELOOP:
        return "It is a symbolic link; links are not followed: give the file itself."
    if exc.errno == errno.ENOENT:
        return "There is no such file."
    return f"The system refused to read it: {exc.strerror}."

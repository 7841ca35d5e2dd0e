"""Pictures inside a zip, with limits on everything that a hostile archive can inflate."""

from __future__ import annotations

import os
import stat
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from core.imaging.files import (
    ARCHIVE,
    Incoming,
    list_pictures,
    open_file,
    open_regular,
    printable,
    refuse_file,
    suffix_of,
    wrap_bytes,
)
from core.imaging.junk import PEEK, Skipped, is_junk
from core.imaging.sniff import SUFFIXES, looks_like_picture

MAX_ENTRIES = 10_000
MAX_RATIO = 100
MAX_TOTAL = 2 * 1024**3
_MAX_DIRECTORY = 16 * 1024**2
_END, _END_SIZE, _LONGEST_COMMENT = b"PK\x05\x06", 22, 65_535
_LOCATOR_64, _LOCATOR_64_SIZE = b"PK\x06\x07", 20
_CHUNK = 64 * 1024
_ENCRYPTED = 0x1
_REFUSALS = (OSError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error)


def incoming(
    paths: Iterable[Path],
    max_bytes: int,
    suffixes: frozenset[str] = frozenset(),
    skipped: Skipped | None = None,
) -> Iterator[Incoming]:
    """Yield all that a command line names: files, folders and zip archives, read lazily.

    Args:
        paths: Files, folders (see ``list_pictures``) and ``.zip`` archives.
        max_bytes: Largest picture accepted, in bytes.
        suffixes: Further extensions that count in folders and archives (see ``list_pictures``).
        skipped: Called with what was not read.
    """
    for path in list_pictures(paths, suffixes, skipped):
        if path.suffix.lower() == ARCHIVE:
            yield from open_archive(path, max_bytes, suffixes, skipped=skipped)
        else:
            yield open_file(path, max_bytes)


def open_archive(
    path: Path,
    max_bytes: int,
    suffixes: frozenset[str] = frozenset(),
    max_total: int = MAX_TOTAL,
    skipped: Skipped | None = None,
    name: str = "",
) -> Iterator[Incoming]:
    """Yield the pictures of a zip one by one, each called ``archive.zip/member``.

    Members count as in a folder: by extension or first bytes, hidden ones skipped. Never raises for
    a bad archive: what is wrong with it as a whole, or with one member, is that entry's problem.

    Args:
        path: The archive.
        max_bytes: Largest picture accepted, in bytes.
        suffixes: Further extensions that count.
        max_total: Bytes after which the rest is refused, counted while they stream.
        skipped: Called with which members were not read.
        name: What the archive is called; its path unless given.
    """
    name = name or printable(path)
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            _check_directory(file)
            with zipfile.ZipFile(file) as archive:
                wanted = SUFFIXES | suffixes
                left = Skipped() if skipped is None else skipped
                yield from _members(archive, name, wanted, max_bytes, max_total, left)
    except (OSError, ValueError, NotImplementedError, zipfile.BadZipFile) as exc:
        yield refuse_file(name, f"The archive cannot be read: {exc}")


def _check_directory(file: BinaryIO) -> None:
    """Refuse a huge directory before ``zipfile`` reads all of it into memory."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _END_SIZE - _LONGEST_COMMENT - _LOCATOR_64_SIZE))
    tail = file.read()
    at = len(tail) - _END_SIZE
    if at < 0 or tail[at : at + 4] != _END:
        at = tail.rfind(_END)
    record = tail[at : at + _END_SIZE]
    if at < 0 or len(record) < _END_SIZE:
        raise ValueError("expected a zip, got a file without a zip's end record.")
    if tail[max(0, at - _LOCATOR_64_SIZE) : at].startswith(_LOCATOR_64):
        raise ValueError("zip64 is not accepted; split it into smaller archives.")
    entries = int.from_bytes(record[10:12], "little")
    directory = int.from_bytes(record[12:16], "little")
    if entries > MAX_ENTRIES or directory > _MAX_DIRECTORY:
        raise ValueError(f"expected at most {MAX_ENTRIES} entries, got {entries}; split it.")


def _members(
    archive: zipfile.ZipFile,
    name: str,
    suffixes: frozenset[str],
    max_bytes: int,
    max_total: int,
    skipped: Skipped,
) -> Iterator[Incoming]:
    infos = archive.infolist()
    if len(infos) > MAX_ENTRIES:
        raise ValueError(f"expected at most {MAX_ENTRIES} entries, got {len(infos)}; split it.")
    total = 0
    times: dict[str, int] = {}
    for info in infos:
        if info.is_dir() or not _counts(archive, info, name, suffixes, skipped):
            continue
        times[info.filename] = times.get(info.filename, 0) + 1
        again = f"#{times[info.filename]}" if times[info.filename] > 1 else ""
        member = f"{name}/{info.filename}{again}"
        if total > max_total:
            yield refuse_file(member, f"The archive holds more than {max_total} bytes; split it.")
            continue
        try:
            data = _read_member(archive, info, min(max_bytes, max_total - total))
        except _REFUSALS as exc:
            yield refuse_file(member, f"The member of the archive is refused: {exc}")
            total += min(info.file_size, max_bytes)
            continue
        total += len(data)
        yield wrap_bytes(member, data)


def _counts(
    archive: zipfile.ZipFile,
    info: zipfile.ZipInfo,
    name: str,
    suffixes: frozenset[str],
    skipped: Skipped,
) -> bool:
    path = PurePosixPath(info.filename)
    if any(is_junk(part) and part != ".." for part in path.parts):
        skipped.system.append(f"{name}/{info.filename}")
        return False
    if suffix_of(path) in suffixes or _looks_like_picture(archive, info):
        return True
    skipped.others.append(f"{name}/{info.filename}")
    return False


def _looks_like_picture(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bool:
    try:
        _check_member(info)
        with archive.open(info) as stream:
            return looks_like_picture(stream.read(PEEK))
    except _REFUSALS:
        return False


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, max_bytes: int) -> bytes:
    _check_member(info)
    chunks: list[bytes] = []
    length = 0
    with archive.open(info) as stream:
        while chunk := stream.read(_CHUNK):
            chunks.append(chunk)
            length += len(chunk)
            if length > max_bytes:
                raise ValueError(f"expected at most {max_bytes} bytes, got more.")
            if length > MAX_RATIO * info.compress_size:
                raise ValueError(f"it inflates more than {MAX_RATIO} times, as a bomb does.")
    if not length:
        raise ValueError("it is empty (0 bytes).")
    return b"".join(chunks)


def _check_member(info: zipfile.ZipInfo) -> None:
    path = PurePosixPath(info.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        raise ValueError("its name leads out of the archive.")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise ValueError("it is a link.")
    if info.flag_bits & _ENCRYPTED:
        raise ValueError("it is encrypted; unpack it first.")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise ValueError("it is packed by a method other than deflate.")

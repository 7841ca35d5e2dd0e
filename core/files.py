"""Files that are there as a whole or not at all, and that survive a power cut.

Written under a temporary name in the same folder, flushed, renamed, and the folder flushed: whoever
opens the name meanwhile reads the old file or the new one, never a part.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

MANY = 8
"""From so many paths on one flush of the whole file system is cheaper than one for each."""


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file's content as 64 hex digits.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside a file; what is written there takes the file's place.

    It does so when the block ends; when the block raises, the temporary file is removed and the
    file at ``path`` stands as before.

    Args:
        path: The file, in a folder that exists.

    Raises:
        OSError: The file cannot be flushed or replaced.
    """
    temporary = _temporary(path)
    try:
        yield temporary
        flush([temporary])
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    flush([path.parent])


def write_atomic(path: Path, content: bytes | str) -> None:
    """Write a file, replacing the one that is there; text as UTF-8.

    Raises:
        OSError: The file cannot be written.
    """
    data = content.encode() if isinstance(content, str) else content
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def create_private(path: Path, content: bytes) -> bool:
    """Return whether a new file that only its owner may read was written; keep an older one.

    Returns:
        Whether it was written here: of several processes that create one file, one writes it.

    Raises:
        OSError: The file cannot be written.
    """
    temporary = _temporary(path)
    with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink()
    flush([path.parent])
    return True


def replace_folder(new: Path, path: Path) -> None:
    """Move a folder into place; the one that stands there is deleted only after that.

    Args:
        new: The folder to move, on the file system of ``path``.
        path: Where it goes.

    Raises:
        OSError: It cannot be moved; the old folder then stands as before.
    """
    flush([*new.rglob("*"), new])
    if not path.exists():
        new.replace(path)
        flush([path.parent])
        return
    old = Path(tempfile.mkdtemp(prefix=f".{path.name}-old-", dir=path.parent))
    path.replace(old)
    try:
        new.replace(path)
    except BaseException:
        old.replace(path)
        raise
    flush([path.parent])
    shutil.rmtree(old)


def flush(paths: Iterable[Path | str]) -> None:
    """Wait until files, and the names in folders, are on the disk.

    Raises:
        OSError: One cannot be opened or written.
    """
    for path in paths:
        _flush_one(path, os.fsync)


def flush_file_system(root: Path, paths: Iterable[Path | str]) -> None:
    """Wait until paths that all lie on one file system are on the disk.

    One call for all of them where the system has ``syncfs`` (Linux) and there are `MANY` or more:
    that is cheaper then, as `core.records.blobs` has measured, but waits for what every other
    process has written as well. For one picture of 250 KB on a busy disk (n 600, interleaved) it
    took 0.7 ms at the median and 11.7 at p99; ``fsync`` on each path took 0.9 and 1.2.

    Args:
        root: A folder on that file system.
        paths: Files and folders.

    Raises:
        OSError: One cannot be opened or written.
    """
    listed = list(paths)
    if _syncfs is None or len(listed) < MANY:
        flush(listed)
    else:
        _flush_one(root, _sync_whole)


def _flush_one(path: Path | str, wait: Callable[[int], None]) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        wait(descriptor)
    finally:
        os.close(descriptor)


def _temporary(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")


def _find_syncfs() -> Callable[[int], int] | None:
    library = ctypes.CDLL(None, use_errno=True) if os.name == "posix" else None
    return getattr(library, "syncfs", None)


_syncfs = _find_syncfs()


def _sync_whole(descriptor: int) -> None:
    if _syncfs is not None and _syncfs(descriptor) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

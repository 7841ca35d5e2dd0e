"""Files that arrive in pieces and go on where they stopped, whatever stopped them.

A batch is a folder. An upload lies in it as ``ID.json`` (what was announced), and ``ID.part`` until
its last byte came, then ``ID.file``; how much arrived is the size of the file and nothing else, so
that no state can contradict it. What is acknowledged is on the disk. The id follows from what was
announced, so that whoever announces the same file again finds how far it came.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

from core.errors import AssayError, InputError, StoreError
from core.files import flush, sha256_of, write_atomic
from core.service.intake.limits import MEBI

_ID = re.compile(r"[0-9a-f]{40}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MAX_NAME = 1024


class OffsetMismatch(AssayError):
    """A piece does not continue where the file ends."""


class UploadBusy(AssayError):
    """Another request writes to the same file."""


@dataclass(frozen=True, slots=True)
class BatchLimits:
    """What one batch may hold.

    Attributes:
        files: Most files.
        file_bytes: Largest file.
        total_bytes: Most bytes announced together.
        free_bytes: Free room on the disk below which nothing is taken.
    """

    files: int = 10_000
    file_bytes: int = 4096 * MEBI
    total_bytes: int = 16_384 * MEBI
    free_bytes: int = 1024 * MEBI


@dataclass(frozen=True, slots=True)
class Announced:
    """What a sender says of a file before it sends it.

    Attributes:
        name: Its name or path, as text alone: no file is ever called so.
        length: Bytes.
        modified: When it was changed last, as the sender says it; may be empty.
        sha256: Hex digest of its bytes; empty where the sender cannot compute it.
    """

    name: str
    length: int
    modified: str = ""
    sha256: str = ""

    def __post_init__(self) -> None:
        """Refuse what no file can be.

        Raises:
            InputError: The name is empty or too long, the length is not positive, or the digest is
                none.
        """
        if not 0 < len(self.name) <= _MAX_NAME or len(self.modified) > _MAX_NAME:
            raise InputError(
                f"A file's name has {len(self.name)} characters; expected 1 to {_MAX_NAME}.",
                hint="Rename the file.",
            )
        if self.length <= 0:
            raise InputError(f"{self.name} is empty.", hint="Send files that hold something.")
        if self.sha256 and not _SHA256.fullmatch(self.sha256):
            raise InputError(
                f"{self.sha256[:80]!r} is no SHA-256.", hint="Send 64 hexadecimal digits."
            )

    @property
    def id(self) -> str:
        """Name of the upload: the same for the same announcement."""
        metadata = json.dumps(asdict(self), sort_keys=True).encode()
        return hashlib.blake2b(metadata, digest_size=20).hexdigest()


@dataclass(frozen=True, slots=True)
class Upload:
    """How far a file has come.

    Attributes:
        id: Its name within the batch.
        announced: What the sender announced.
        offset: Bytes that are on the disk.
        path: Where they lie.
    """

    id: str
    announced: Announced
    offset: int
    path: Path

    @property
    def is_complete(self) -> bool:
        """Whether every byte came."""
        return self.path.suffix == ".file"


class Batch:
    """The files of one delivery, for any number of threads of one process.

    Args:
        folder: Where they lie; made when it is missing.
        limits: What it may hold.
    """

    def __init__(self, folder: Path, limits: BatchLimits) -> None:
        self.folder, self.limits = folder, limits
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        uploads = list(self.uploads())
        self._lengths = {one.id: one.announced.length for one in uploads}
        self._missing = {one.id: one.announced.length for one in uploads if not one.is_complete}

    def announce(self, announced: Announced) -> Upload:
        """Return the upload of a file: a new one, or the one that stopped earlier.

        Raises:
            InputError: The file is too large, or the batch would hold too much.
            StoreError: There is no room on the disk.
        """
        with self._lock:
            known = self.find(announced.id)
            if known is not None:
                return known
            self._check_room(announced)
            part = self.folder / f"{announced.id}.part"
            write_atomic(self.folder / f"{announced.id}.json", json.dumps(asdict(announced)))
            part.touch()
            flush([part, self.folder])
            self._lengths[announced.id] = self._missing[announced.id] = announced.length
        return Upload(announced.id, announced, 0, part)

    def find(self, upload_id: str) -> Upload | None:
        """Return an upload; None where there is none of that id."""
        if not _ID.fullmatch(upload_id):
            return None
        try:
            metadata = json.loads((self.folder / f"{upload_id}.json").read_text())
        except FileNotFoundError:
            return None
        for suffix in (".file", ".part"):
            path = self.folder / f"{upload_id}{suffix}"
            if path.exists():
                return Upload(upload_id, Announced(**metadata), path.stat().st_size, path)
        return None

    def uploads(self) -> Iterator[Upload]:
        """Yield every upload, by id."""
        for path in sorted(self.folder.glob("*.json")):
            upload = self.find(path.stem)
            if upload is not None:
                yield upload

    @contextmanager
    def appending(self, upload_id: str, offset: int) -> Iterator[Appender]:
        """Yield what appends the next piece; what was written is on the disk when this ends.

        Also where the piece breaks off: what came of it is kept.

        Raises:
            InputError: There is no such upload, or its bytes are not those of the digest.
            OffsetMismatch: The piece starts elsewhere than the file ends.
            UploadBusy: Another request writes to it.
        """
        upload = self._required(upload_id)
        with _locked(upload) as file:
            arrived = file.seek(0, os.SEEK_END)
            if arrived != offset or upload.is_complete:
                raise OffsetMismatch(
                    f"The piece starts at byte {offset}; the file has {arrived}.",
                    hint="Ask how far the file came, and go on there.",
                )
            appender = Appender(file.write, upload.announced.length - arrived)
            try:
                yield appender
            finally:
                file.flush()
                os.fsync(file.fileno())
            if appender.room == 0:
                self._finish(upload)

    def drop(self, upload_id: str) -> None:
        """Remove an upload; nothing happens where there is none."""
        if not _ID.fullmatch(upload_id):
            return
        with self._lock:
            for suffix in (".json", ".part", ".file"):
                (self.folder / f"{upload_id}{suffix}").unlink(missing_ok=True)
            self._lengths.pop(upload_id, None)
            self._missing.pop(upload_id, None)

    def _required(self, upload_id: str) -> Upload:
        upload = self.find(upload_id)
        if upload is None:
            raise InputError("There is no such upload.", hint="Announce the file again.")
        return upload

    def _finish(self, upload: Upload) -> None:
        announced = upload.announced
        if announced.sha256 and sha256_of(upload.path) != announced.sha256:
            self.drop(upload.id)
            raise InputError(
                f"{announced.name} arrived altered: its bytes are not those of its digest.",
                hint="Send the file again.",
            )
        finished = upload.path.with_suffix(".file")
        upload.path.rename(finished)
        flush([self.folder])
        with self._lock:
            self._missing.pop(upload.id, None)

    def _check_room(self, coming: Announced) -> None:
        limits, total = self.limits, sum(self._lengths.values())
        if coming.length > limits.file_bytes:
            raise InputError(
                f"{coming.name} has {coming.length // MEBI:,} MiB; at most "
                f"{limits.file_bytes // MEBI:,} are taken.",
                hint="Cut the mosaic, or export it with compression.",
            )
        if len(self._lengths) >= limits.files or total + coming.length > limits.total_bytes:
            raise InputError(
                f"This batch is full: {len(self._lengths):,} files, {total // MEBI:,} MiB.",
                hint="Send the other files as another batch.",
            )
        free = shutil.disk_usage(self.folder).free
        if free - sum(self._missing.values()) - coming.length < limits.free_bytes:
            raise StoreError(
                f"The disk is all but full: {free // MEBI:,} MiB are free.",
                hint="Make room; what has arrived is kept.",
            )


@contextmanager
def _locked(upload: Upload) -> Iterator[BinaryIO]:
    try:
        file = upload.path.open("r+b")
    except FileNotFoundError as exc:
        raise UploadBusy("Another request has just finished this file.") from exc
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            raise UploadBusy("Another request sends this file.") from exc
        yield file


class Appender:
    """Takes the chunks of one piece.

    Args:
        write: Writes bytes at the end of the file.
        room: Bytes that are missing in the file.
    """

    def __init__(self, write: Callable[[bytes], object], room: int) -> None:
        self._write, self.room = write, room

    def write(self, chunk: bytes) -> None:
        """Append a chunk.

        Raises:
            InputError: It holds more than the file was announced with; none of it is written.
        """
        if len(chunk) > self.room:
            raise InputError(
                f"{len(chunk) - self.room} bytes more than were announced.",
                hint="Announce the file with its true length.",
            )
        self._write(chunk)
        self.room -= len(chunk)

"""Results in CSV files: one a UTC day, one line a part, on the disk before it counts as written."""

from __future__ import annotations

import csv
import fcntl
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from io import FileIO, StringIO
from itertools import groupby
from pathlib import Path

from core.errors import ConfigError
from core.files import flush
from core.spreadsheet import escape_formula
from domains.parts.station.message import Body, message_of
from domains.parts.station.options import CsvOptions
from domains.parts.station.outputs.sender import ResultSender
from domains.parts.station.part import InspectedPart
from domains.parts.station.ports import OutputError, Words

COLUMNS = (
    "number", "id", "station", "recorded_at", "part_id", "part_seq", "product", "recipe",
    "challenge", "result", "reason", "reasons", "sentence", "detail", "score", "elapsed_us",
    "bundle_sha256", "policy",
)  # fmt: skip

_BOM = b"\xef\xbb\xbf"
_OPEN_FILES = 4
_BATCH = 100


@dataclass(slots=True)
class _Known:
    """What was read of a file.

    Numbers grow from part to part: a larger one than any in the file is new, and nothing else of
    the file need be kept, which has a million lines after a day of ten parts a second. The ids are
    read once an earlier number comes, as history, or with a new store whose numbers begin anew.

    Attributes:
        inode: Which file it is.
        read_to: Up to which byte.
        highest: The largest number in it.
        ids: The ids in it; None where they have not been asked for.
    """

    inode: int
    read_to: int = 0
    highest: int = 0
    ids: set[str] | None = None


class DayFiles:
    """The CSV files of one station. Several processes may append to them at once."""

    def __init__(self, station: str, options: CsvOptions) -> None:
        """Prepare; nothing is opened before the first line."""
        self._station = station
        self._folder = Path(options.folder)
        self._separator = options.separator
        self._bom = _BOM if options.bom else b""
        self._known: dict[Path, _Known] = {}

    def append(self, messages: Sequence[Body]) -> None:
        """Append a line for each message that has none yet, and return once they are on the disk.

        Raises:
            OutputError: They cannot be written; the files end in a whole line all the same.
        """
        ordered = sorted(messages, key=_day)
        for day, group in groupby(ordered, _day):
            path = self._folder / f"{self._station}-{day}.csv"
            try:
                self._append(path, list(group))
            except OSError as exc:
                raise OutputError(
                    f"The line of a part could not be written to {path}: {exc.strerror or exc}.",
                    hint="Free space or correct the folder: the line is written then.",
                ) from exc

    def _append(self, path: Path, messages: Sequence[Body]) -> None:
        # Unbuffered: what a full disk refused is not written once more when the file is closed.
        with path.open("a+b", buffering=0) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            known = self._catch_up(path, file)
            new = {str(one["id"]): one for one in messages if self._is_new(path, known, one)}
            is_empty = known.read_to == 0
            data = (self._header() if is_empty else b"") + self._lines(map(_row, new.values()))
            _append_whole(file, known.read_to, data)
            if is_empty:
                flush([path.parent])
            self._read_on(path, known)

    def _catch_up(self, path: Path, file: FileIO) -> _Known:
        """Return what the file got since the last time; cut off a line without an end."""
        status = os.fstat(file.fileno())
        known = self._known.pop(path, None)
        if known is None or known.inode != status.st_ino or known.read_to > status.st_size:
            known = _Known(status.st_ino)
        while len(self._known) >= _OPEN_FILES:
            del self._known[next(iter(self._known))]
        self._known[path] = known
        self._read_on(path, known)
        if known.read_to < status.st_size:
            file.truncate(known.read_to)
        return known

    def _read_on(self, path: Path, known: _Known) -> None:
        for number, message_id, size in self._keys(path, known.read_to):
            known.highest = max(known.highest, number)
            known.read_to += size
            if known.ids is not None:
                known.ids.add(message_id)

    def _is_new(self, path: Path, known: _Known, message: Body) -> bool:
        if int(str(message["number"])) > known.highest:
            return True
        if known.ids is None:
            known.ids = {message_id for _, message_id, _ in self._keys(path, 0)}
        return message["id"] not in known.ids

    def _keys(self, path: Path, start: int) -> Iterator[tuple[int, str, int]]:
        """Yield number, id and length of each whole line from a byte on; 0 for the header."""
        with path.open("rb") as file:
            file.seek(start)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                columns = line.decode(errors="replace").split(self._separator, 2)
                number = int(columns[0]) if columns[0].isdecimal() else 0
                yield number, "".join(columns[1:2]).lstrip("'"), len(line)

    def _header(self) -> bytes:
        return self._bom + self._lines([COLUMNS])

    def _lines(self, rows: Iterable[Sequence[object]]) -> bytes:
        text = StringIO()
        csv.writer(text, delimiter=self._separator, lineterminator="\n").writerows(rows)
        return text.getvalue().encode(errors="replace")


class CsvOutput:
    """The files as an output of a station."""

    name = "csv"

    def __init__(self, station: str, options: CsvOptions) -> None:
        self._station = station
        self._folder = Path(options.folder)
        self._sender = ResultSender("parts.csv", DayFiles(station, options).append, _BATCH)

    @property
    def problem(self) -> str:
        """What keeps it from writing."""
        return self._sender.problem

    def open(self) -> None:
        """Start writing.

        Raises:
            ConfigError: The folder cannot be made or written to.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise ConfigError(
                f"The folder {self._folder} for CSV files cannot be made: {exc.strerror}.",
                hint="Correct outputs.csv.folder.",
            ) from exc
        if not os.access(self._folder, os.W_OK | os.X_OK):
            raise ConfigError(
                f"The folder {self._folder} for CSV files cannot be written to.",
                hint="Correct outputs.csv.folder or its owner.",
            )
        self._sender.start()

    def show(self, words: Words, status: Mapping[str, object]) -> None:
        """Do nothing: a file shows no status."""

    def send(self, part: InspectedPart, words: Words) -> bool:  # noqa: ARG002
        """Return whether a line is to be written; `confirmed` says when it is on the disk."""
        self._sender.hand_over(message_of(self._station, part))
        return False

    def confirmed(self) -> tuple[str, ...]:
        """Return the ids of the messages whose lines are on the disk since the last call."""
        return self._sender.confirmed()

    def close(self) -> None:
        """End writing."""
        self._sender.stop(5.0)


def _append_whole(file: FileIO, end: int, data: bytes) -> None:
    """Append to a file and flush it to the disk, or leave it as it was.

    Raises:
        OSError: Not everything could be written.
    """
    if not data:
        return
    left = memoryview(data)
    try:
        while left:
            left = left[file.write(left) :]
        os.fsync(file.fileno())
    except OSError:
        os.ftruncate(file.fileno(), end)
        raise


def _row(message: Body) -> list[object]:
    return [_cell(message[column]) for column in COLUMNS]


def _cell(value: object) -> object:
    """Return a value that stays on its line and that no spreadsheet runs as a formula."""
    if value is None or isinstance(value, int | float):
        return value
    text = " ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    text = " ".join(text.split())
    return escape_formula(text)


def _day(message: Body) -> str:
    return str(message["recorded_at"])[:10]

"""Rows of cells out of a CSV, whichever program wrote it."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import DataError
from core.labelled.spelling import plain

_BOMS = {  # longest first: UTF-32's begins like UTF-16's
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_WORKBOOKS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_DELIMITERS = (",", ";", "\t", "|")
_SEP_LINE = re.compile(r"\s*\"?sep=(.)\"?[ ,;\t]*\r?\n", re.IGNORECASE)
_WINDOWS = "cp1252"
_HINT = "Save it as CSV, UTF-8, with a header line such as `filename,label`."


@dataclass(frozen=True, slots=True)
class TextTable:
    """A table as text.

    Attributes:
        header: Names of the columns, plain, in order; an unnamed column's is empty.
        lines: Each row with the number of the line on which it begins.
        notices: What had to be assumed to read it.
    """

    header: tuple[str, ...]
    lines: tuple[tuple[int, tuple[str, ...]], ...]
    notices: tuple[str, ...] = ()


def column_key(name: str) -> str:
    """Return a column's name as it is compared: ``File Name`` is ``file_name``."""
    return re.sub(r"[ \-]+", "_", plain(name).lower())


def read_text_table(file: Path, wanted: Sequence[Sequence[str]]) -> TextTable:
    """Return a CSV of any usual delimiter and encoding as a table of texts.

    The delimiter is the one under which the header has most of the wanted columns; a line
    ``sep=;`` decides it. UTF-8 and UTF-16 are recognised by their bytes, anything else is read as
    Windows-1252, with a notice.

    Args:
        file: The table.
        wanted: For each column that is looked for, the names that it may have (``column_key``).

    Raises:
        DataError: It cannot be opened, is no text, or its quotes do not close.
    """
    try:
        data = file.read_bytes()
    except OSError as exc:
        raise DataError(f"{file} cannot be read: {exc.strerror}.", hint=_HINT) from exc
    text, notices = _decoded(file, data)
    first = 1
    delimiters: Sequence[str] = _DELIMITERS
    if stated := _SEP_LINE.match(text):
        text, first, delimiters = text[stated.end() :], 2, (stated[1],)
    rows = {}
    for delimiter in delimiters:
        rows[delimiter] = _header(text, delimiter)
    chosen = max(rows, key=lambda one: (_count_wanted(rows[one], wanted), len(rows[one])))
    try:
        lines = list(_rows(text, chosen, first))
    except csv.Error as exc:
        raise DataError(f"{file}, {exc}.", hint=_HINT) from exc
    header = tuple(plain(cell) for cell in lines[0][1]) if lines else ()
    body = tuple((at, cells) for at, cells in lines[1:] if any(cell.strip() for cell in cells))
    return TextTable(header, body, notices)


def _count_wanted(header: Sequence[str], wanted: Sequence[Sequence[str]]) -> int:
    names = {column_key(name) for name in header}
    return sum(not names.isdisjoint(known) for known in wanted)


def _header(text: str, delimiter: str) -> list[str]:
    try:
        return next(_reader(text, delimiter), [])
    except csv.Error:
        return []


def _reader(text: str, delimiter: str) -> Iterator[list[str]]:
    return csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, strict=True, skipinitialspace=True
    )


def _rows(text: str, delimiter: str, first: int) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Yield rows with the number of the line on which each begins.

    Raises:
        csv.Error: With the line's number.
    """
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=True)
    at = first
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as exc:
            why = "a quotation mark does not close" if "unexpected end" in str(exc) else exc
            raise csv.Error(f"line {at}: {why}") from exc
        if cells is None:
            return
        yield at, tuple(cells)
        at = first + reader.line_num


def _decoded(file: Path, data: bytes) -> tuple[str, tuple[str, ...]]:
    if data.startswith(_WORKBOOKS):
        raise DataError(f"{file} is a workbook or archive, not a CSV.", hint=_HINT)
    encoding = _unicode_of(data)
    try:
        text = data.decode(encoding)
        notices: tuple[str, ...] = ()
    except UnicodeDecodeError as exc:
        if encoding != "utf-8":
            raise DataError(f"{file} is no {encoding} text: {exc.reason}.", hint=_HINT) from exc
        text, notices = _windows(file, data, exc.start)
    if "\0" in text.partition("\n")[0]:
        raise DataError(f"{file} is no text, so it is no CSV.", hint=_HINT)
    return text, notices


def _unicode_of(data: bytes) -> str:
    for bom, encoding in _BOMS.items():
        if data.startswith(bom):
            return encoding
    head = data[:64]
    if len(head) > 1 and not any(head[1::2]) and all(head[::2]):
        return "utf-16-le"
    if len(head) > 1 and not any(head[::2]) and all(head[1::2]):
        return "utf-16-be"
    return "utf-8"


def _windows(file: Path, data: bytes, at: int) -> tuple[str, tuple[str, ...]]:
    line = data.count(b"\n", 0, at) + 1
    try:
        text = data.decode(_WINDOWS)
    except UnicodeDecodeError as exc:
        line = data.count(b"\n", 0, exc.start) + 1
        raise DataError(
            f"{file}, line {line}: its bytes are neither UTF-8 nor Windows-1252.", hint=_HINT
        ) from exc
    shown = plain(text.split("\n")[line - 1])
    return text, (
        f"{file.name} is no UTF-8 and was read as Windows-1252; line {line} then says: {shown}",
    )

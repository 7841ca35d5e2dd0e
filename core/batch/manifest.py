"""Manifests: tables with a column of paths or URLs, read a piece at a time."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from typing import IO, cast

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq

from core.batch.remote import is_url
from core.errors import DataError
from core.labelled.text_table import column_key

MANIFESTS = (".csv", ".tsv", ".parquet")
_NAMES = (
    "file", "path", "url", "uri", "filename", "file_name", "filepath", "file_path", "image",
    "image_path", "image_file", "image_name",
)  # fmt: skip
_DELIMITERS = ",;\t|"

_Cells = Generator[str | None, None, None]


def read_manifest(name: str, column: str = "") -> Iterator[str]:
    """Yield the paths and URLs that a manifest names, relative ones from the manifest's folder.

    Args:
        name: Path or URL of the manifest, a CSV or Parquet.
        column: The column; where empty the first of the usual names that it has.

    Raises:
        DataError: It does not read, has no such column, or a row names nothing.
    """
    folder = name.rpartition("/")[0] if is_url(name) else os.path.dirname(name)
    with fsspec.open(name, "rb") as file:
        cells = (
            _parquet_cells(name, file, column)
            if name.lower().endswith(".parquet")
            else _csv_cells(name, file, column)
        )
        with closing(cells):
            for number, cell in enumerate(cells, 1):
                if not cell or not cell.strip():
                    raise DataError(
                        f"{name}: row {number} names no file.",
                        hint="Remove the row, or fill it in.",
                    )
                yield _join(folder, cell.strip())


def _join(folder: str, cell: str) -> str:
    if is_url(cell) or not folder:
        return cell
    cell = cell.removeprefix("file://")
    return f"{folder}/{cell}" if is_url(folder) else os.path.normpath(os.path.join(folder, cell))


def _csv_cells(name: str, file: IO[bytes], column: str) -> _Cells:
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        first = text.readline()
        counts = {mark: first.count(mark) for mark in _DELIMITERS}
        delimiter = max(counts, key=lambda mark: counts[mark])
        header = next(csv.reader([first], delimiter=delimiter), [])
        at = header.index(_choose(name, header, column))
        for row in csv.reader(text, delimiter=delimiter):
            if row:
                yield row[at] if at < len(row) else ""
    except (UnicodeDecodeError, csv.Error) as exc:
        raise DataError(f"{name} does not read: {exc}.", hint="Save it as CSV in UTF-8.") from exc
    finally:
        text.detach()  # whoever opened the file closes it


def _parquet_cells(name: str, file: IO[bytes], column: str) -> _Cells:
    try:
        table = pq.ParquetFile(file)
        chosen = _choose(name, table.schema_arrow.names, column)
        if not pa.types.is_string(table.schema_arrow.field(chosen).type) and not (
            pa.types.is_large_string(table.schema_arrow.field(chosen).type)
        ):
            raise DataError(f"{name}: column {chosen} holds no text.", hint="Give --column.")
        for batch in table.iter_batches(columns=[chosen]):
            yield from cast("list[str | None]", batch.column(0).to_pylist())
    except pa.ArrowException as exc:
        raise DataError(f"{name} does not read: {exc}.", hint="Write it anew.") from exc


def _choose(name: str, header: Sequence[str], column: str) -> str:
    by_key = {column_key(one): one for one in reversed(header)}
    wanted = (column_key(column),) if column else _NAMES
    for key in wanted:
        if key in by_key:
            return by_key[key]
    raise DataError(
        f"{name}: no column {column or 'of files'}; its columns are {', '.join(header)}.",
        hint="Name the column of paths or URLs with --column.",
    )

"""Labelled rows out of a CSV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.errors import DataError
from core.labelled.file_lookup import find_files
from core.labelled.rows import Row, split_named
from core.labelled.spelling import plain, plain_labels
from core.labelled.text_table import TextTable, column_key, read_text_table

HINT = (
    "Give a folder with one folder per class, a CSV `filename,label`, or a manifest.csv with "
    "file, label and optional split (train, cal, test; any other word sets a row aside) and group."
)
_FILE_NAMES = (
    "file", "filename", "image", "file_name", "filepath", "file_path", "path", "image_path",
    "image_name", "image_file",
)  # fmt: skip
_LABEL_NAMES = ("label", "class", "class_name")


@dataclass(frozen=True, slots=True)
class Entry:
    """A row as written, with where it was written for the list of errors."""

    place: str
    name: str
    row: Row


@dataclass(frozen=True, slots=True)
class Entries:
    """What a table or a folder lists: rows, errors and notices."""

    entries: list[Entry]
    errors: list[str]
    notices: tuple[str, ...] = ()


def is_table_of_labels(file: Path, label_column: str = "") -> bool:
    """Return whether a file is a table with a column of files and one of labels."""
    try:
        table = read_text_table(file, _column_names(label_column))
    except DataError:
        return False
    names = {column_key(name) for name in table.header}
    return all(not names.isdisjoint(known) for known in _column_names(label_column))


def from_csv(file: Path, group_columns: Sequence[str], label_column: str = "") -> Entries:
    """Return a table's rows, and the lines that are incomplete as errors.

    Args:
        file: The CSV.
        group_columns: Names that the group's column may have.
        label_column: Name of the label's column, where it is another than the usual ones.

    Raises:
        DataError: It is no CSV, or lacks a column.
    """
    table = read_text_table(file, _column_names(label_column))
    columns = _columns(file, table, group_columns, label_column)
    entries: list[Entry] = []
    errors = []
    for at, cells in table.lines:
        place = f"line {at}"
        if len(cells) != len(table.header):
            errors.append(f"{place}: expected {len(table.header)} cells, got {len(cells)}")
            continue
        entry = _entry(place, dict(zip(table.header, cells, strict=True)), columns)
        entries.append(entry)
        if not entry.name or not entry.row.label:
            errors.append(f"{place}: {'no label' if entry.name else 'no file'}")
    found = find_files(file.parent, [entry.name for entry in entries])
    placed = [
        replace(entry, row=replace(entry.row, file=at))
        for entry, at in zip(entries, found.files, strict=True)
    ]
    own = _own_groups(placed, columns.get("group", ""))
    return Entries(own, errors, (*table.notices, *found.notices))


def _column_names(label_column: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return _FILE_NAMES, (column_key(label_column),) if label_column else _LABEL_NAMES


def _own_groups(entries: list[Entry], column: str) -> list[Entry]:
    """Return every picture as its own group where one group would hold them all."""
    if not all(entry.row.grouped for entry in entries):
        return entries
    if len({entry.row.group for entry in entries}) != 1:
        return entries
    return [
        replace(
            entry,
            row=replace(
                entry.row,
                group=entry.name,
                columns={**entry.row.columns, column: entry.row.group},
                grouped=False,
            ),
        )
        for entry in entries
    ]


def _columns(
    file: Path, table: TextTable, group_columns: Sequence[str], label_column: str
) -> dict[str, str]:
    """Return which header name plays which part.

    Raises:
        DataError: No file or no label column, or two of the same name.
    """
    files, labels = _column_names(label_column)
    wanted = {
        "file": files,
        "label": labels,
        "split": ("split",),
        "group": tuple(column_key(name) for name in group_columns),
    }
    named = [name for name in table.header if name]
    found = {}
    for part, names in wanted.items():
        matches = [name for known in names for name in named if column_key(name) == known]
        if matches:
            found[part] = matches[0]
    missing = [" | ".join(wanted[part]) for part in ("file", "label") if part not in found]
    if missing or len(set(named)) < len(named):
        what = f"no column {' and none '.join(missing)}" if missing else "two columns of one name"
        raise DataError(
            f"{file}: {what}; its header is {', '.join(table.header)}{_no_header(file, table)}.",
            hint=HINT,
        )
    return found


def _no_header(file: Path, table: TextTable) -> str:
    """Return a remark that the first line is no header where it names a file."""
    names = [cell.replace("\\", "/") for cell in table.header if cell]
    if any((file.parent / name).is_file() for name in names):
        return " (a row; the first line must name the columns, such as `filename,label`)"
    return ""


def _entry(place: str, cells: dict[str, str], columns: dict[str, str]) -> Entry:
    part = {name: cells.pop(column).strip() for name, column in columns.items()}
    cells.pop("", None)
    name = "" if "\0" in part["file"] else part["file"]
    group = plain(part.get("group", ""))
    row = Row(
        file=Path(name),
        label=plain_labels(part["label"]),
        split=split_named(plain(part.get("split", ""))),
        group=group or name,
        columns=cells,
        grouped=bool(group),
    )
    return Entry(place, name, row)

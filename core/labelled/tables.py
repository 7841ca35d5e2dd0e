"""Where rows are written: in a CSV, or as folders."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.errors import DataError
from core.imaging.files import ARCHIVE, list_pictures
from core.labelled.rows import SPLITS, Row

HINT = (
    "Give a folder with one folder per class, a CSV `filename,label`, or a manifest.csv with "
    "file, label and optional split (train, cal, test; any other word sets a row aside) and group."
)
_ALSO_SPLITS = {
    "training": "train",
    "val": "cal",
    "valid": "cal",
    "validation": "cal",
    "calibration": "cal",
    "testing": "test",
}
_FILE_NAMES = ("file", "filename", "image")
_LABEL_NAMES = ("label", "class")


@dataclass(frozen=True, slots=True)
class Entry:
    """A row as written, with where it was written for the list of faults."""

    place: str
    name: str
    row: Row


def from_folders(root: Path, suffixes: frozenset[str]) -> tuple[list[Entry], list[str]]:
    """List the pictures in class folders, and what lies in none as faults."""
    entries, faults = [], []
    for file in list_pictures([root], suffixes):
        name = file.relative_to(root).as_posix()
        if file.is_dir() or file.suffix.lower() == ARCHIVE:
            what = "an archive: unpack it" if file.is_file() else "a link or a closed folder"
            faults.append(f"{name} is {what}")
            continue
        label, _, below = name.partition("/")
        if below:
            entries.append(Entry(name, name, Row(file, label, "", name, grouped=False)))
        else:
            faults.append(f"{name} lies in no class folder")
    return entries, faults


def from_csv(
    table: Path, group_columns: Sequence[str], label_column: str = ""
) -> tuple[list[Entry], list[str]]:
    """Read a table's rows, and the lines that say too little as faults.

    Args:
        table: The CSV.
        group_columns: Names that the group's column may have.
        label_column: Name of the label's column, where it is another than the usual ones.

    Raises:
        DataError: It is no UTF-8 CSV, or lacks a column.
    """
    entries: list[Entry] = []
    faults = []
    try:
        with table.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.reader(lines, strict=True)
            header = [name.strip() for name in next(reader, [])]
            labels = (label_column.lower(),) if label_column else _LABEL_NAMES
            columns = _columns(table, header, group_columns, labels)
            for cells in reader:
                place = f"line {reader.line_num}"
                if not cells:
                    continue
                if len(cells) != len(header):
                    faults.append(f"{place}: expected {len(header)} cells, got {len(cells)}")
                    continue
                entry = _entry(table.parent, place, dict(zip(header, cells, strict=True)), columns)
                entries.append(entry)
                if not entry.name or not entry.row.label:
                    faults.append(f"{place}: {'no label' if entry.name else 'no file'}")
    except (OSError, UnicodeDecodeError, csv.Error) as exc:
        raise DataError(f"{table} cannot be read as a UTF-8 CSV: {exc}.", hint=HINT) from exc
    return _own_groups(entries, columns.get("group", "")), faults


def _own_groups(entries: list[Entry], column: str) -> list[Entry]:
    """Make every picture a group of its own where one group would hold them all."""
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
    table: Path, header: Sequence[str], group_columns: Sequence[str], labels: Sequence[str]
) -> dict[str, str]:
    """Find which header name plays which part.

    Raises:
        DataError: No file or no label column, or two of the same name.
    """
    wanted = {
        "file": _FILE_NAMES,
        "label": tuple(labels),
        "split": ("split",),
        "group": tuple(name.lower() for name in group_columns),
    }
    found = {}
    for part, names in wanted.items():
        matches = [name for known in names for name in header if name.lower() == known]
        if matches:
            found[part] = matches[0]
    missing = [" | ".join(wanted[part]) for part in ("file", "label") if part not in found]
    if missing or len(set(header)) < len(header):
        what = f"no column {' and none '.join(missing)}" if missing else "two columns of one name"
        raise DataError(f"{table}: {what}; its header is {', '.join(header)}.", hint=HINT)
    return found


def _entry(root: Path, place: str, cells: dict[str, str], columns: dict[str, str]) -> Entry:
    part = {name: cells.pop(column).strip() for name, column in columns.items()}
    name = "" if "\0" in part["file"] else part["file"]
    group = part.get("group", "")
    row = Row(
        file=root / name,
        label=part["label"],
        split=_split(part.get("split", "")),
        group=group or name,
        columns=cells,
        grouped=bool(group),
    )
    return Entry(place, name, row)


def _split(name: str) -> str:
    known = _ALSO_SPLITS.get(name.lower(), name.lower())
    return known if known in SPLITS else name

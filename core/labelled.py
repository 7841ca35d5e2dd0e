"""Labelled pictures: a folder per class, a CSV, or a manifest with splits and groups."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import DataError
from core.imaging.files import list_pictures

SPLITS = ("train", "cal", "test")
MANIFEST = "manifest.csv"
_FILE_NAMES = ("file", "filename", "image")
_LABEL_NAMES = ("label", "class")
_MOST_LISTED = 10
_HINT = (
    "Give a folder with one folder per class, a CSV `filename,label`, or a manifest.csv with "
    "file, label and optional split (train, cal, test) and group."
)


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled picture.

    Attributes:
        file: Where it is.
        label: Its class.
        split: ``train``, ``cal``, ``test``, or empty where the data set leaves that open.
        group: The physical part, patient, field; the file's own name where none is given.
        columns: Further columns of the manifest, for slices of a report.
        grouped: Whether the data set gave the group.
    """

    file: Path
    label: str
    split: str
    group: str
    columns: Mapping[str, str] = field(default_factory=dict)
    grouped: bool = True


@dataclass(frozen=True, slots=True)
class _Entry:
    """A row as written, with where it was written for the list of faults."""

    place: str
    name: str
    row: Row


def read_labelled(path: Path) -> list[Row]:
    """Read a labelled data set; files are listed, not opened.

    A folder with a ``manifest.csv`` is read by it, any other folder by its class folders (a
    picture's label is the first folder's name, however deep it lies). In a CSV the columns
    ``file|filename|image`` and ``label|class`` are needed, in any case and order; files are
    relative to the CSV's folder.

    Args:
        path: The folder or the CSV.

    Raises:
        DataError: Missing files, files outside the folder or listed twice, rows without a label,
            fewer than two labels, unknown splits, or a group in two splits; all faults at once.
    """
    root = path if path.is_dir() else path.parent
    table = path / MANIFEST if path.is_dir() else path
    if table.is_file():
        entries, faults = _from_csv(table)
    elif path.is_dir():
        entries, faults = _from_folders(path)
    else:
        raise DataError(f"There are no labelled data at {path}.", hint=_HINT)
    rows = [entry.row for entry in entries]
    faults += [*_file_faults(entries, root), *_split_faults(entries), *_leaks(rows)]
    labels = sorted({row.label for row in rows} - {""})
    if len(labels) < 2:
        got = ", ".join(labels) or "none"
        faults.append(f"expected at least two labels, got {len(labels)} ({got})")
    if faults:
        raise DataError(f"{path} cannot be learned from: {_listed(faults)}.", hint=_HINT)
    return rows


def _from_folders(root: Path) -> tuple[list[_Entry], list[str]]:
    entries, faults = [], []
    for file in list_pictures([root]):
        name = file.relative_to(root).as_posix()
        label, _, below = name.partition("/")
        if below:
            entries.append(_Entry(name, name, Row(file, label, "", name, grouped=False)))
        else:
            faults.append(f"{name} lies in no class folder")
    return entries, faults


def _from_csv(table: Path) -> tuple[list[_Entry], list[str]]:
    entries, faults = [], []
    try:
        with table.open(encoding="utf-8-sig", newline="") as lines:
            reader = csv.reader(lines, strict=True)
            header = [name.strip() for name in next(reader, [])]
            columns = _columns(table, header)
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
        raise DataError(f"{table} cannot be read as a UTF-8 CSV: {exc}.", hint=_HINT) from exc
    return entries, faults


def _columns(table: Path, header: Sequence[str]) -> dict[str, str]:
    """Find which header name plays which part.

    Raises:
        DataError: No file or no label column, or two of the same name.
    """
    wanted = {"file": _FILE_NAMES, "label": _LABEL_NAMES, "split": ("split",), "group": ("group",)}
    found = {}
    for part, names in wanted.items():
        matches = [name for known in names for name in header if name.lower() == known]
        if matches:
            found[part] = matches[0]
    missing = [" | ".join(wanted[part]) for part in ("file", "label") if part not in found]
    if missing or len(set(header)) < len(header):
        what = f"no column {' and none '.join(missing)}" if missing else "two columns of one name"
        raise DataError(f"{table}: {what}; its header is {', '.join(header)}.", hint=_HINT)
    return found


def _entry(root: Path, place: str, cells: dict[str, str], columns: dict[str, str]) -> _Entry:
    part = {name: cells.pop(column).strip() for name, column in columns.items()}
    name = "" if "\0" in part["file"] else part["file"]
    group = part.get("group", "")
    row = Row(
        file=root / name,
        label=part["label"],
        split=part.get("split", ""),
        group=group or name,
        columns=cells,
        grouped=bool(group),
    )
    return _Entry(place, name, row)


def _file_faults(entries: Sequence[_Entry], root: Path) -> Iterator[str]:
    inside = root.resolve()
    seen: dict[Path, str] = {}
    for entry in entries:
        if not entry.name:
            continue
        place, file = entry.place, Path(os.path.realpath(entry.row.file))
        if not file.is_relative_to(inside):
            yield f"{place}: {entry.name} leads out of {root}"
        elif not file.is_file():
            yield f"{place}: there is no file {entry.name}"
        elif file in seen:
            yield f"{place}: {entry.name} was already listed at {seen[file]}"
        seen.setdefault(file, place)


def _split_faults(entries: Sequence[_Entry]) -> Iterator[str]:
    if not any(entry.row.split for entry in entries):
        return
    for entry in entries:
        if entry.row.split not in SPLITS:
            got = entry.row.split or "nothing"
            yield f"{entry.place}: expected the split train, cal or test, got {got}"


def _leaks(rows: Sequence[Row]) -> Iterator[str]:
    splits: dict[str, set[str]] = {}
    for row in rows:
        splits.setdefault(row.group, set()).add(row.split)
    for group, found in splits.items():
        if len(found) > 1:
            yield f"the group {group} leaks between the splits {', '.join(sorted(found))}"


def _listed(faults: Sequence[str]) -> str:
    more = len(faults) - _MOST_LISTED
    return "; ".join(faults[:_MOST_LISTED]) + (f"; and {more} more" if more > 0 else "")

"""Read a labelled data set and refuse a faulty one, naming all faults at once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from core.errors import DataError
from core.labelled.rows import SPLITS, Row
from core.labelled.tables import HINT, Entry, from_csv, from_folders

MANIFEST = "manifest.csv"
_MOST_LISTED = 10


def read_labelled(
    path: Path,
    group_columns: Sequence[str] = ("group",),
    *,
    min_labels: int = 2,
    suffixes: frozenset[str] = frozenset(),
    label_column: str = "",
) -> list[Row]:
    """Read a labelled data set; files are listed, not opened.

    A folder with a ``manifest.csv`` is read by it, any other folder by its class folders (a
    picture's label is the first folder's name, however deep it lies). In a CSV the columns
    ``file|filename|image`` and ``label|class`` are needed, in any case and order; files are
    relative to the CSV's folder. The common words for splits (training, validation, ...) are
    read as ``train``, ``cal`` and ``test``. A group column with one value for all rows does not
    say which pictures belong together: it stays an ordinary column, and every picture is a group
    of its own.

    Args:
        path: The folder or the CSV.
        group_columns: Names that the group's column may have, in any case; the first that the
            table has counts.
        min_labels: How many labels there must be; 1 for a start from good pictures alone.
        suffixes: Further file extensions that count in class folders.
        label_column: Column of a table that holds the labels instead of ``label|class``.

    Raises:
        DataError: Missing files, files outside the folder or listed twice, rows without a label,
            too few labels, splits beside rows without one, or a group in two of train, cal and
            test; all faults at once.
    """
    root = path if path.is_dir() else path.parent
    table = path / MANIFEST if path.is_dir() else path
    if table.is_file():
        entries, faults = from_csv(table, group_columns, label_column)
    elif path.is_dir() and not label_column:
        entries, faults = from_folders(path, suffixes)
    else:
        what = "no table with that column" if label_column else "no labelled data"
        raise DataError(f"There are {what} at {path}.", hint=HINT)
    rows = [entry.row for entry in entries]
    faults += [*_file_faults(entries, root), *_split_faults(entries), *_leaks(rows)]
    labels = sorted({name for row in rows for name in row.labels})
    if len(labels) < min_labels:
        got = ", ".join(labels) or "none"
        faults.append(f"expected at least {min_labels} labels, got {len(labels)} ({got})")
    if faults:
        raise DataError(f"{path} cannot be learned from: {_listed(faults)}.", hint=HINT)
    return rows


def _file_faults(entries: Sequence[Entry], root: Path) -> Iterator[str]:
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


def _split_faults(entries: Sequence[Entry]) -> Iterator[str]:
    if not any(entry.row.split for entry in entries):
        return
    for entry in entries:
        if not entry.row.split:
            yield f"{entry.place}: expected a split as in the other rows, got nothing"


def _leaks(rows: Sequence[Row]) -> Iterator[str]:
    splits: dict[str, set[str]] = {}
    for row in rows:
        if row.split in SPLITS:
            splits.setdefault(row.group, set()).add(row.split)
    for group, found in splits.items():
        if len(found) > 1:
            yield f"the group {group} leaks between the splits {', '.join(sorted(found))}"


def _listed(faults: Sequence[str]) -> str:
    more = len(faults) - _MOST_LISTED
    return "; ".join(faults[:_MOST_LISTED]) + (f"; and {more} more" if more > 0 else "")

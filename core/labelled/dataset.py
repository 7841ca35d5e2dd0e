"""Read a labelled data set and refuse an invalid one, naming all errors at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

from core.errors import DataError
from core.imaging.junk import Skipped
from core.labelled.folders import find, from_folders, table_for
from core.labelled.layout import Form
from core.labelled.rows import SPLITS, Labelled, Row
from core.labelled.spelling import join_group_spellings, join_spellings
from core.labelled.tables import HINT, Entries, Entry, from_csv
from core.packs import means_nothing_wrong

MANIFEST = "manifest.csv"
_MOST_LISTED = 10


def read_labelled(
    path: Path,
    group_columns: Sequence[str] = ("group",),
    *,
    min_labels: int = 2,
    suffixes: frozenset[str] = frozenset(),
    label_column: str = "",
    negative: frozenset[str] = frozenset(),
    known: Collection[str] = (),
    form: Form = Form.AUTO,
) -> Labelled:
    """Return a labelled data set; its files are listed, not opened.

    A folder with a ``manifest.csv`` is read by it; one whose pictures lie in no folders that may
    be classes, by a table beside them; any other by its folders (``core.labelled.layout``), a
    picture's label being the class folder's name, however deep it lies below. In a CSV a column of
    files and one of labels are needed, in any case and order; files are relative to the CSV's
    folder. The common words for splits (training, validation, ...) are read as ``train``, ``cal``
    and ``test``. A group column with one value for all rows does not say which pictures belong
    together: it stays an ordinary column, and every picture is a group of its own. Labels that
    differ in Unicode's form, invisible marks, blanks or capital letters alone are one.

    Args:
        path: The folder or the CSV.
        group_columns: Names that the group's column may have, in any case; the first that the
            table has counts.
        min_labels: How many labels there must be; 1 for a start from good pictures alone.
        suffixes: Further file extensions that count in class folders.
        label_column: Column of a table that holds the labels instead of ``label|class``.
        negative: Labels that mean "nothing wrong"; they tell which folders are classes.
        known: Labels that a bundle has, in its spelling.
        form: Which folders are classes, where a person says it.

    Raises:
        DataError: Missing files, files outside the folder or listed twice, rows without a label,
            too few labels, splits beside rows without one, or a group in two of train, cal and
            test, all errors at once; folders or tables that fit several layouts.
    """
    read, layout, skipped = _read(
        path,
        group_columns,
        label_column,
        suffixes,
        form,
        lambda name: name in known or means_nothing_wrong(name, negative),
    )
    root = path if path.is_dir() else path.parent
    joined = join_spellings([entry.row for entry in read.entries], known)
    grouped = join_group_spellings(joined.rows)
    rows = grouped.rows
    errors = [
        *read.errors,
        *_file_errors(read.entries, root),
        *_split_errors(read.entries),
        *_leaks(rows, grouped.notices),
    ]
    labels = sorted({name for row in rows for name in row.labels})
    if len(labels) < min_labels:
        got = ", ".join(labels) or "none"
        errors.append(f"expected at least {min_labels} labels, got {len(labels)} ({got})")
    if errors:
        raise DataError(f"{path} cannot be learned from: {_listed(errors)}.", hint=HINT)
    return Labelled(rows, layout, (*read.notices, *joined.notices, *grouped.notices), skipped)


def _read(
    path: Path,
    group_columns: Sequence[str],
    label_column: str,
    suffixes: frozenset[str],
    form: Form,
    is_class: Callable[[str], bool],
) -> tuple[Entries, str, Skipped]:
    """Return entries, how they were read, and what was skipped."""
    table: Path | None = path / MANIFEST if path.is_dir() else path
    skipped = Skipped()
    if form is not Form.AUTO and not path.is_dir():
        raise DataError(f"--layout says how folders are read; {path} is none.", hint=HINT)
    if path.is_dir() and (form is not Form.AUTO or not (path / MANIFEST).is_file()):
        found = find(path, suffixes)
        skipped = found.skipped
        table = table_for(found, label_column) if form is Form.AUTO else None
        if table is None and not label_column:
            return *from_folders(found, form, is_class), skipped
    if table is None or not table.is_file():
        what = "no table with that column" if label_column else "no labelled data"
        raise DataError(f"There are {what} at {path}.", hint=HINT)
    return from_csv(table, group_columns, label_column), f"table {table.name}", skipped


def _file_errors(entries: Sequence[Entry], root: Path) -> Iterator[str]:
    inside = root.resolve()
    first_listed: dict[Path, Entry] = {}
    for entry in entries:
        if not entry.name:
            continue
        place, file = entry.place, Path(os.path.realpath(entry.row.file))
        if not file.is_relative_to(inside):
            yield f"{place}: {entry.name} leads out of {root}"
        elif not file.is_file():
            yield f"{place}: there is no file {entry.name}"
        elif file in first_listed:
            earlier = _as_listed(first_listed[file], entry)
            yield f"{place}: {entry.name} was already listed at {earlier}"
        first_listed.setdefault(file, entry)


def _as_listed(first: Entry, again: Entry) -> str:
    """Return where a file was listed first, and how it was labelled there where that differs."""
    same = first.row.labels == again.row.labels
    return first.place if same else f"{first.place}, labelled {first.row.label} there"


def _split_errors(entries: Sequence[Entry]) -> Iterator[str]:
    if not any(entry.row.split for entry in entries):
        return
    for entry in entries:
        if not entry.row.split:
            yield f"{entry.place}: expected a split as in the other rows, got nothing"


def _leaks(rows: Sequence[Row], joined: Sequence[str]) -> Iterator[str]:
    """Yield the groups that lie in two splits, and after them which spellings were joined."""
    splits: dict[str, set[str]] = {}
    for row in rows:
        if row.split in SPLITS:
            splits.setdefault(row.group, set()).add(row.split)
    leaks = [
        f"the group {group} leaks between the splits {', '.join(sorted(found))}"
        for group, found in splits.items()
        if len(found) > 1
    ]
    yield from leaks
    if leaks:
        yield from (sentence.rstrip(".") for sentence in joined)


def _listed(errors: Sequence[str]) -> str:
    more = len(errors) - _MOST_LISTED
    return "; ".join(errors[:_MOST_LISTED]) + (f"; and {more} more" if more > 0 else "")

"""One labelled picture, and a data set of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.imaging.junk import Skipped, describe_skipped

SPLITS = ("train", "cal", "test")
_ALSO_SPLITS = {
    "training": "train",
    "val": "cal",
    "valid": "cal",
    "validation": "cal",
    "calibration": "cal",
    "testing": "test",
}
_MOST_LABELS = 12


def split_named(name: str) -> str:
    """Return ``train``, ``cal`` or ``test`` for the common words for them, other names as given."""
    known = _ALSO_SPLITS.get(name.lower(), name.lower())
    return known if known in SPLITS else name


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled picture.

    Attributes:
        file: Where it is.
        label: Its class; several are written ``scratch|dent``.
        split: ``train``, ``cal``, ``test``, any other word for a row that is set aside, or empty
            where the data set leaves that open.
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

    @property
    def labels(self) -> tuple[str, ...]:
        """Every class that the label names."""
        return tuple(name for part in self.label.split("|") if (name := part.strip()))


@dataclass(frozen=True, slots=True)
class Labelled:
    """A data set as it was read.

    Attributes:
        rows: Its pictures.
        layout: How it was read: ``class folders``, ``table labels.csv``.
        notices: What was joined, left out or found elsewhere, a sentence each.
        skipped: Files that were not read.
    """

    rows: list[Row]
    layout: str
    notices: tuple[str, ...] = ()
    skipped: Skipped = field(default_factory=Skipped)

    def to_json(self) -> dict[str, Any]:
        """Return layout, counts of each label in each split, notices and skipped files."""
        counts: dict[str, Counter[str]] = {}
        for row in self.rows:
            counts.setdefault(row.split, Counter()).update(row.labels)
        return {
            "layout": self.layout,
            "pictures": len(self.rows),
            "counts": {split: dict(sorted(one.items())) for split, one in sorted(counts.items())},
            "notices": list(self.notices),
            "skipped": self.skipped.to_json(),
        }


def describe_data_set(read: Mapping[str, Any]) -> list[str]:
    """Return how a data set was read, from ``Labelled.to_json``."""
    lines = [f"Read as {read['layout']}: {read['pictures']} pictures."]
    for split, counts in read["counts"].items():
        listed = ", ".join(f"{name} {n}" for name, n in list(counts.items())[:_MOST_LABELS])
        more = len(counts) - _MOST_LABELS
        rest = f" and {more} labels more" if more > 0 else ""
        lines.append(f"  {split or 'no split named'}: {listed}{rest}")
    return [*lines, *read["notices"], *describe_skipped(read["skipped"])]


def lone_group(rows: Sequence[Row], group_columns: Sequence[str] = ("group",)) -> tuple[str, str]:
    """Return the group column whose rows all share one value, and that value.

    Args:
        rows: What ``read_labelled`` gave.
        group_columns: What it was given.

    Returns:
        Column and value; two empty strings where rows have groups, or nothing was meant for them.
    """
    if any(row.grouped for row in rows):
        return "", ""
    for known in group_columns:
        for name in rows[0].columns if rows else ():
            values = {row.columns[name] for row in rows}
            if name.lower() == known.lower() and len(values) == 1 and values != {""}:
                return name, values.pop()
    return "", ""

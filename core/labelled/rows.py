"""A labelled picture as a data set tells of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

SPLITS = ("train", "cal", "test")


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
        """Give every class that the label names."""
        return tuple(name for part in self.label.split("|") if (name := part.strip()))


def lone_group(rows: Sequence[Row], group_columns: Sequence[str] = ("group",)) -> tuple[str, str]:
    """Give the column that was meant for groups and the one value that all its rows share.

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

"""A labelled data set, checked: copies, conflicts, balance, shortcuts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.checking.balance import balance, balance_alarms, is_positive, list_names
from core.checking.columns import (
    Nuisance,
    Sides,
    classify_columns,
    label_sides,
    many_valued_nuisances,
)
from core.checking.facts import PictureFacts, UnreadablePicture
from core.checking.leaks import copy_alarms, group_alarms
from core.checking.nuisance import cells_of, picture_nuisances
from core.checking.origins import Copies, group_origins, stated_sets
from core.checking.result import Alarm, CheckReport, Level
from core.checking.shortcut_alarms import shortcut_alarms, unmeasured_alarm
from core.checking.shortcuts import CONTENT, measure_shortcuts
from core.checking.slices import LabelledPictures, list_slices
from core.labelled import Row

CONFIDENCE = 0.95
_MOST_LISTED = 50
_LONGEST = 200  # characters of a cell that are looked at
_ORDER = {level: place for place, level in enumerate(Level)}
_KINDS = {
    "leak": 0,
    "conflict": 1,
    "shortcut": 2,
    "unreadable": 3,
    "refused": 4,
    "further": 5,
    "duplicate": 6,
    "balance": 7,
    "ungrouped": 8,
    "another_label": 9,
}


def check_rows(
    pictures: Sequence[PictureFacts | UnreadablePicture],
    positive: Mapping[str, bool],
    known: frozenset[str] = frozenset(),
    seed: int = 0,
    copies: Copies | None = None,
) -> CheckReport:
    """Return what is wrong with a labelled data set, by the facts of its pictures.

    Nothing that is shipped is fitted here, so every row that has a label is looked at, those of
    test as well. What is of one origin counts as one group, as it does in training.

    Args:
        pictures: One a row: the facts of its picture, or why it could not be read.
        positive: Whether each label counts as positive.
        known: The pack's names for "nothing wrong".
        seed: Seed of folds and models.
        copies: Those among the readable pictures; searched for when None.
    """
    facts = [one for one in pictures if isinstance(one, PictureFacts)]
    found = copies or Copies.among(facts)
    rows = [one.row for one in pictures]
    joined = group_origins(pictures, found)
    counted = [replace(one, row=row) for one, row in zip(pictures, joined, strict=True)]
    alarms = [
        *_unreadable([one for one in pictures if isinstance(one, UnreadablePicture)], len(rows)),
        *_refused(facts),
        *_further(facts),
        *group_alarms(rows),
        *copy_alarms(facts, found),
        *balance_alarms(joined, positive),
        *_ungrouped(pictures),
        *_shortcuts(
            [one for one in counted if isinstance(one, PictureFacts)], positive, known, seed
        ),
    ]
    return CheckReport(
        pictures=len(rows),
        groups=len({row.group for row in joined}),
        alarms=tuple(sorted(alarms, key=_weight)),
        balance=balance(rows),
    )


def _weight(alarm: Alarm) -> tuple[int, int]:
    return _ORDER[alarm.level], _KINDS[alarm.kind]


def _unreadable(lost: Sequence[UnreadablePicture], total: int) -> Iterator[Alarm]:
    if lost:
        yield Alarm(
            "unreadable",
            Level.STRONG if 10 * len(lost) > total else Level.NOTICE,
            f"{len(lost)} of {total} pictures do not read, such as {lost[0].row.file.name}: "
            f"{lost[0].message}",
            {"pictures": len(lost), "files": {str(one.row.file): one.message for one in lost}},
        )


def _further(facts: Sequence[PictureFacts]) -> Iterator[Alarm]:
    found = [one for one in facts if one.has_further]
    if found:
        yield Alarm(
            "further",
            Level.NOTICE,
            f"{len(found)} files hold a further picture that is not looked at, such as "
            f"{found[0].row.file.name}.",
            {"pictures": len(found), "files": [str(one.row.file) for one in found[:_MOST_LISTED]]},
        )


def _ungrouped(pictures: Sequence[PictureFacts | UnreadablePicture]) -> Iterator[Alarm]:
    if not any(one.row.grouped for one in pictures) and not any(stated_sets(pictures)):
        yield Alarm(
            "ungrouped",
            Level.NOTICE,
            "No groups are given and no file states any, so every picture that is no copy counts "
            "as a group of its own: pictures of one part or patient in two splits cannot be seen, "
            "and the certificates take them for independent.",
            {"groups": 0},
        )


def _refused(facts: Sequence[PictureFacts]) -> Iterator[Alarm]:
    refused = [one for one in facts if one.refusals]
    if refused:
        yield Alarm(
            "refused",
            Level.NOTICE,
            f"{len(refused)} of {len(facts)} pictures are refused by the pack's own checks, such "
            f"as {refused[0].row.file.name}: {refused[0].refusals[0]}",
            {
                "pictures": len(refused),
                "files": {str(one.row.file): list(one.refusals) for one in refused},
            },
        )


def _shortcuts(
    facts: Sequence[PictureFacts], positive: Mapping[str, bool], known: frozenset[str], seed: int
) -> Iterator[Alarm]:
    if not facts:
        return
    rows = [one.row for one in facts]
    cases = _cases(rows, positive)
    if cases.positive.all() or not cases.positive.any():
        return
    of = label_sides(np.array([row.label for row in rows]), cases.positive, known)
    columns = classify_columns(_table(facts), of)
    nuisances = [*picture_nuisances(facts), *columns.nuisances, *_groups(rows, of)]
    slices = list_slices(columns, cases)
    if not slices:
        yield unmeasured_alarm(cases)
    content = cells_of(facts, CONTENT).reshape(len(facts), -1)
    found = measure_shortcuts(nuisances, slices, cases, content, confidence=CONFIDENCE, seed=seed)
    yield from shortcut_alarms(found)
    if columns.labels:
        reasons = [f"{name} ({why})" for name, why in columns.labels.items()]
        yield Alarm(
            "another_label",
            Level.INFORMATION,
            f"Columns taken for copies of the label, and not tested: {list_names(reasons)}.",
            {"columns": dict(columns.labels)},
        )


def _cases(rows: Sequence[Row], positive: Mapping[str, bool]) -> LabelledPictures:
    names = sorted({name for row in rows for name in row.labels})
    return LabelledPictures(
        labels={name: np.array([name in row.labels for row in rows], np.bool_) for name in names},
        positive=np.array([is_positive(row, positive) for row in rows], np.bool_),
        group=np.array([row.group for row in rows]),
        split=np.array([row.split for row in rows]),
    )


def _table(facts: Sequence[PictureFacts]) -> dict[str, NDArray[np.str_]]:
    """Return the columns that every row has, without those that repeat group or size."""
    rows = [one.row for one in facts]
    names = [name for name in rows[0].columns if all(name in row.columns for row in rows)]
    table = {
        name: np.array([row.columns[name].strip()[:_LONGEST] for row in rows]) for name in names
    }
    known = [[row.group for row in rows]]
    known += [[str(one.source_size[side]) for one in facts] for side in (0, 1)]
    return {name: v for name, v in table.items() if v.tolist() not in known}


def _groups(rows: Sequence[Row], of: Sides) -> Iterator[Nuisance]:
    if all(row.grouped for row in rows):
        yield from many_valued_nuisances(
            "the group's name", np.array([row.group for row in rows]), of
        )

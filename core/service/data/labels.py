"""The labels and splits of a data set as a model learns from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.decision import splits
from core.decision.multilabel import rarest
from core.errors import ConfigError, DataError
from core.labelled import Row
from core.packs import means_nothing_wrong

_MOST_NAMED = 3


def classes_of(rows: Sequence[Row]) -> tuple[str, ...]:
    """Return every label that occurs, in alphabetical order."""
    return tuple(sorted({name for row in rows for name in row.labels}))


def has_multilabel(rows: Sequence[Row]) -> bool:
    """Return whether any picture has several labels, so that each may."""
    return any(len(row.labels) > 1 for row in rows)


def with_splits(rows: Sequence[Row]) -> list[Row]:
    """Return the rows of train and cal; where no split is given, by a hash of the group.

    There is no seed: a cal split that could be redrawn could be redrawn until it suits.

    Raises:
        DataError: Only one of train and cal has pictures.
    """
    named = Counter(row.split for row in rows if row.split)
    if named["train"] and named["cal"]:
        return [row for row in rows if row.split in ("train", "cal")]
    if named and not named["train"]:
        raise DataError(
            f"The data set has no row with split 'train', only {sorted(named)}.",
            hint="Mark training rows 'train', or leave the split column out.",
        )
    pool = [row for row in rows if row.split in ("", "train")]
    is_cal = splits.hold_out(
        rarest(targets_of(pool, classes_of(pool))),
        np.array([row.group for row in pool]),
        splits.CAL_SHARE,
    )
    return [
        replace(row, split="cal" if one else "train") for row, one in zip(pool, is_cal, strict=True)
    ]


def targets_of(rows: Sequence[Row], classes: Sequence[str]) -> NDArray[np.bool_]:
    """Return which labels each picture has, bool ``n k``."""
    return np.array([[name in row.labels for name in classes] for row in rows], np.bool_).reshape(
        len(rows), len(classes)
    )


def format_labels(row: Row) -> str:
    """Return a row's labels in the order of the classes: ``dent|scratch``."""
    return "|".join(sorted(set(row.labels)))


def flag_positive(classes: Sequence[str], negative: frozenset[str]) -> tuple[bool, ...]:
    """Return for each class whether it counts as positive.

    Raises:
        ConfigError: Every class would be positive, or none.
    """
    flags = tuple(not means_nothing_wrong(name, negative) for name in classes)
    if all(flags) or not any(flags):
        side = "nothing wrong" if all(flags) else "something wrong"
        raise ConfigError(
            f"No label means {side!r}: the labels are {', '.join(classes)}; "
            f"those taken for 'nothing wrong' are {', '.join(sorted(negative))}.",
            hint="Name the good labels with --negative LABEL (more than once if need be).",
        )
    return flags


def refuse_mixed(rows: Sequence[Row], classes: Sequence[str], positive: Sequence[bool]) -> None:
    """Refuse pictures labelled both 'something wrong' and 'nothing wrong'.

    Raises:
        DataError: A row has a negative label beside a positive one.
    """
    side = dict(zip(classes, positive, strict=True))
    mixed = [row for row in rows if len({side[name] for name in row.labels}) > 1]
    if mixed:
        raise DataError(
            f"{len(mixed)} pictures have a label for 'nothing wrong' beside one for something "
            f"wrong: {_named(mixed)}.",
            hint="Take one of the two away, or say with --negative which labels mean 'nothing "
            "wrong'.",
        )


def refuse_multilabel(rows: Sequence[Row]) -> None:
    """Refuse pictures with several labels where the bundle gives one.

    Raises:
        DataError: A row has several labels.
    """
    found = [row for row in rows if len(row.labels) > 1]
    if found:
        raise DataError(
            f"{len(found)} pictures have several labels, the bundle was trained to give one: "
            f"{_named(found)}.",
            hint="Train a bundle on pictures with several labels, or name the one that counts.",
        )


def _named(rows: Sequence[Row]) -> str:
    return "; ".join(f"{row.file.name}: {row.label}" for row in rows[:_MOST_NAMED])

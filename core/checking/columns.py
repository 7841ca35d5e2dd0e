"""The part of a table's further columns: a copy of the label, a nuisance, a slice, or none."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.types import F64

FEW = 20  # values up to which a column counts as categories
PURITY = 0.995
_FILLED = 0.9
_DIGITS = re.compile(r"\d+")
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True, slots=True)
class Nuisance:
    """Numbers that ought to have nothing to do with the label.

    Attributes:
        name: What they are, as words in a sentence.
        numbers: float64 ``n c``, a row a picture.
        source: ``picture`` for what is seen of it, ``record`` for what is known about it, ``name``
            for a number or a text taken out of a name.
    """

    name: str
    numbers: F64
    source: str = "record"


@dataclass(frozen=True, slots=True)
class Columns:
    """A table's columns by the part they play.

    Attributes:
        nuisances: What should not predict the label.
        slices: Columns of few values, within which everything is looked at again.
        labels: Columns that repeat the label, each with the reason why it is taken for that.
    """

    nuisances: tuple[Nuisance, ...]
    slices: Mapping[str, NDArray[np.str_]]
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sides:
    """Which pictures are positive, and how the negative side is called.

    Attributes:
        positive: bool ``n``.
        own: Lower-case words that only this data set's negative labels have.
        general: The same of the names that the pack knows for "nothing wrong".
    """

    positive: NDArray[np.bool_]
    own: frozenset[str]
    general: frozenset[str]


def label_sides(
    labels: NDArray[np.str_], positive: NDArray[np.bool_], known: Iterable[str]
) -> Sides:
    """Return which pictures are positive, and the words of either side in the labels' names.

    Args:
        labels: ``n``.
        positive: bool ``n``.
        known: The pack's names for "nothing wrong".
    """
    ups = _words(np.unique(labels[positive]).tolist())
    downs = _words(np.unique(labels[~positive]).tolist())
    return Sides(positive, frozenset(downs - ups), frozenset(_words(known) - ups))


def classify_columns(table: Mapping[str, NDArray[np.str_]], of: Sides) -> Columns:
    """Return which part each column plays.

    A column whose values have a word that only the negative labels have (``healthy``) repeats the
    label, and so does one that separates the two sides without exception and looks like a
    label: it has a word for "nothing wrong", or one value for all negatives (often none at all) and
    several for the positives, or it is a number of which the label is a cut. Such a column cannot
    be distinguished from a total shortcut, so it is named, not hidden. Paths and texts that differ
    in every row are ignored; of names that differ by a number (``N-00012``) the number is kept.

    Args:
        table: Column names with their ``n`` values.
        of: Which pictures are positive, and the words for it.
    """
    nuisances: list[Nuisance] = []
    slices: dict[str, NDArray[np.str_]] = {}
    labels: dict[str, str] = {}
    for name, values in table.items():
        few = np.unique(values).size
        again = _label_reason(values, of) if few > 1 else ""
        if again:
            labels[name] = again
        elif 1 < few <= FEW:
            nuisances.append(Nuisance(f"the column {name}", one_hot(values)))
            slices[name] = values
        elif few > FEW:
            nuisances.extend(many_valued_nuisances(f"the column {name}", values, of))
    return Columns(tuple(nuisances), slices, labels)


def _words(names: Iterable[str]) -> set[str]:
    """Return the lower-case words of three letters and more in some names."""
    words = {word for name in names for word in _WORD.findall(name.casefold().replace("_", " "))}
    return {word for word in words if len(word) > 2}


def one_hot(values: NDArray[np.str_]) -> F64:
    """Return a column of 0 and 1 for each value."""
    return np.asarray(values[:, None] == np.unique(values)[None, :], np.float64)


def _label_reason(values: NDArray[np.str_], of: Sides) -> str:
    """Return why a column is taken for the label itself; nothing when it is not."""
    known = np.unique(values)
    words = _words(known.tolist())
    if words & of.own and known.size <= values.size / 2:
        return "it has words of the labels"
    ups, downs = values[of.positive], values[~of.positive]
    usual, often = Counter(downs.tolist()).most_common(1)[0]
    kinds = np.unique(ups).size
    one_for_all = often >= PURITY * downs.size and float(np.mean(ups != usual)) >= PURITY
    if one_for_all and usual == "":
        return "it is filled for positives alone"
    if not one_for_all and not _is_cut(ups, downs, known):
        return ""
    if words & of.general:
        return 'it has words for "nothing wrong"'
    if 1 < kinds <= ups.size / 2 and one_for_all:
        return "it is a finer label of the positives"
    return "the label is a cut of it" if 2 < known.size <= FEW and not one_for_all else ""


def _is_cut(ups: NDArray[np.str_], downs: NDArray[np.str_], known: NDArray[np.str_]) -> bool:
    """Return whether all positives lie beyond all negatives on a scale of few numbers."""
    if known.size > FEW or any(_number(value) is None for value in known.tolist()):
        return False
    high, low = ups.astype(np.float64), downs.astype(np.float64)
    return bool(high.min() > low.max() or high.max() < low.min())


def many_valued_nuisances(name: str, values: NDArray[np.str_], of: Sides) -> Iterator[Nuisance]:
    """Yield a column of many values as numbers, or as names that carry one.

    Args:
        name: What it is called in a sentence.
        values: ``n``, empty where there is none.
        of: Which pictures are positive, and the words for it.
    """
    filled = values != ""
    if not filled.all():
        yield Nuisance(f"whether {name} is filled", filled[:, None].astype(np.float64))
    numbers = [_number(value) for value in values[filled].tolist()]
    if all(number is not None for number in numbers):
        column = np.full(values.size, np.nan)
        column[filled] = np.array(numbers, np.float64)
        yield Nuisance(name, _without_gaps(column))
        return
    frames = np.array([_DIGITS.sub("#", value) for value in values.tolist()])
    known = np.unique(frames)
    if known.size > FEW or any("/" in frame for frame in known.tolist()):
        return
    column = np.array([_longest_number(value) for value in values.tolist()])
    if np.isfinite(column).mean() >= _FILLED:
        yield Nuisance(f"the number in {name}", _without_gaps(column), "name")
    if known.size > 1 and not _label_reason(frames, of):
        yield Nuisance(f"the text in {name}", one_hot(frames), "name")


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if np.isfinite(number) else None


def _longest_number(text: str) -> float:
    """Return the longest run of digits, the last of several; no number when there is none."""
    runs = _DIGITS.findall(text)
    return float(max(reversed(runs), key=len)) if runs else float("nan")


def _without_gaps(column: F64) -> F64:
    """Return the column with the middle value where there is none."""
    return np.where(np.isfinite(column), column, np.nanmedian(column))[:, None]

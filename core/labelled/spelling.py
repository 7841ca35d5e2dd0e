"""One spelling a label and a group: what is the same to a person, or to a spreadsheet, is one."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from core.labelled.rows import Row

_FORMAT = "Cf"  # zero-width and direction marks
_MOST_NAMED = 3
_WHOLE_NUMBER = re.compile(r"0*(\d+)(\.0+)?", re.ASCII)


def plain(text: str) -> str:
    """Return text in Unicode's composed form, without invisible marks and needless blanks."""
    if text.isascii():
        return " ".join(text.split())
    composed = unicodedata.normalize("NFC", text)
    return " ".join("".join(c for c in composed if unicodedata.category(c) != _FORMAT).split())


def plain_labels(text: str) -> str:
    """Return the labels of a cell or folder, ``a | b`` as ``a|b``, each in its plain form."""
    return "|".join(name for part in text.split("|") if (name := plain(part)))


def group_key(group: str) -> str:
    """Return what spellings of one group share: small letters, and a whole number as ``5``.

    A spreadsheet drops the leading zeros of a column that it takes for numbers, and writes ``.0``
    behind each where one cell is empty: ``05``, ``5`` and ``5.0`` are one part.
    """
    number = _WHOLE_NUMBER.fullmatch(group)
    return number[1] if number else group.casefold()


@dataclass(frozen=True)
class Spellings:
    """Rows after labels or groups that differ in spelling alone became one.

    Attributes:
        rows: The rows, in order.
        notices: A sentence for each label that was written in several ways, or for all such groups.
    """

    rows: list[Row]
    notices: tuple[str, ...]


def join_spellings(rows: Sequence[Row], known: Iterable[str] = ()) -> Spellings:
    """Return the rows with one spelling for labels that differ in capital letters alone.

    Args:
        rows: Rows with plain labels.
        known: Labels whose spelling is given, such as a bundle's; of others the most frequent
            spelling counts, the first in order among equals.
    """
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        for name in row.labels:
            counts.setdefault(name.casefold(), Counter())[name] += 1
    given = {name.casefold(): name for name in known}
    chosen, notices = {}, []
    for key, written in sorted(counts.items()):
        name = given.get(key) or min(written, key=lambda one: (-written[one], one))
        chosen[key] = name
        if set(written) != {name}:
            listed = " and ".join(f"{one} ({n})" for one, n in sorted(written.items()))
            notices.append(
                f"{listed}: labels that differ in capital letters alone are one class, {name}."
            )
    if not notices:
        return Spellings(list(rows), ())
    joined = [
        replace(row, label="|".join(dict.fromkeys(chosen[name.casefold()] for name in row.labels)))
        for row in rows
    ]
    return Spellings(joined, tuple(notices))


def join_group_spellings(rows: Sequence[Row]) -> Spellings:
    """Return the rows with one spelling for groups that ``group_key`` takes for one.

    One part under two spellings would count as two, and could lie in two splits. Where such groups
    are truly different, fewer are counted than there are.

    Args:
        rows: Rows; those whose group the data set does not give are left as they are.
    """
    counts: dict[str, Counter[str]] = {}
    for row in rows:
        if row.grouped:
            counts.setdefault(group_key(row.group), Counter())[row.group] += 1
    respelled = {key: written for key, written in counts.items() if len(written) > 1}
    if not respelled:
        return Spellings(list(rows), ())
    chosen = {
        key: min(written, key=lambda one: (-written[one], one))
        for key, written in respelled.items()
    }
    joined = [
        replace(row, group=chosen.get(group_key(row.group), row.group)) if row.grouped else row
        for row in rows
    ]
    named = "; ".join(" and ".join(sorted(one)) for one in [*respelled.values()][:_MOST_NAMED])
    more = len(respelled) - _MOST_NAMED
    return Spellings(
        joined,
        (
            "Groups that differ in capital letters, leading zeros or a spreadsheet's .0 alone are "
            f"one: {named}{f'; and {more} more' if more > 0 else ''}.",
        ),
    )

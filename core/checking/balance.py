"""How many there are of everything, and what that can certify."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from core.checking.result import Alarm, Level
from core.decision.certificate import groups_needed
from core.labelled import SPLITS, Row

RATES = (0.05, 0.01)
CONFIDENCE = 0.95
OPEN = "open"  # where a data set leaves the split open
_MOST_NAMED = 6


def balance(rows: Sequence[Row]) -> dict[str, dict[str, int]]:
    """Return the number of pictures by label and split, ordinary splits first."""
    known = {row.split or OPEN for row in rows}
    order = [split for split in (*SPLITS, OPEN) if split in known]
    order += sorted(known - set(order))
    counts = Counter((label, row.split or OPEN) for row in rows for label in row.labels)
    labels = sorted({label for row in rows for label in row.labels})
    return {label: {split: counts[label, split] for split in order} for label in labels}


def is_positive(row: Row, positive: Mapping[str, bool]) -> bool:
    """Return whether any of a row's labels counts as positive."""
    return any(positive[label] for label in row.labels)


def balance_alarms(rows: Sequence[Row], positive: Mapping[str, bool]) -> Iterator[Alarm]:
    """Yield which splits lack a label, and how far the groups of each side reach.

    Args:
        rows: The data set's rows.
        positive: Whether each label counts as positive.
    """
    if len(set(positive.values())) < 2:
        side = "nothing wrong" if all(positive.values()) else "something wrong"
        yield Alarm(
            "balance",
            Level.NOTICE,
            f"No label means {side!r}, so shortcuts were not looked for; --negative names the "
            f"good labels among {list_names(sorted(positive))}.",
            {"labels": dict(positive)},
        )
    yield from _missing(rows, positive)
    yield from _too_few(rows, positive)


def _missing(rows: Sequence[Row], positive: Mapping[str, bool]) -> Iterator[Alarm]:
    table = balance(rows)
    for split in next(iter(table.values()), {}):
        if split not in SPLITS:
            continue
        absent = [label for label, counts in table.items() if not counts[split]]
        sides = {positive[label] for label, counts in table.items() if counts[split]}
        if not absent:
            continue
        one_sided = len(sides) < 2
        side = "positives" if sides == {False} else "negatives"
        yield Alarm(
            "balance",
            Level.STRONG if one_sided else Level.NOTICE,
            f"The split {split} has no pictures of {list_names(absent)}"
            + (f", and so no {side} at all." if one_sided else "."),
            {"split": split, "absent": absent},
        )


def _too_few(rows: Sequence[Row], positive: Mapping[str, bool]) -> Iterator[Alarm]:
    pool, where = _pool_of_cal(rows)
    groups: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row.split in pool:
            groups["positive" if is_positive(row, positive) else "negative"].add(row.group)
            for label in row.labels:
                groups[label].add(row.group)
    counts = {name: len(members) for name, members in groups.items()}
    enough = {f"{100 * rate:g} %": groups_needed(0, 0, rate, CONFIDENCE) for rate in RATES}
    least = min(enough.values())
    short = sorted(name for name in counts if name in positive and counts[name] < least)
    reach = " and ".join(f"{n} for {rate}" for rate, n in enough.items())
    for side, word in (("positive", "escape"), ("negative", "overkill")):
        n = counts.get(side, 0)
        yield Alarm(
            "balance",
            Level.NOTICE if n < least else Level.INFORMATION,
            f"To certify an {word} rate takes {reach} {side} groups without one error; "
            f"{where} has {n}.",
            {"side": side, "groups": n, "needed": enough, "confidence": CONFIDENCE},
        )
    if short and len(positive) > 2:
        yield Alarm(
            "balance",
            Level.INFORMATION,
            f"For a certificate of their own {len(short)} of {len(positive)} labels have too few "
            f"groups in {where.rstrip(',')} (under {least}): {list_names(short)}.",
            {"labels": {name: counts[name] for name in short}, "needed": least},
        )


def _pool_of_cal(rows: Sequence[Row]) -> tuple[frozenset[str], str]:
    """Return the splits that cal is, or that training draws it from, and their name."""
    named = {row.split for row in rows}
    if "cal" in named:
        return frozenset({"cal"}), "cal"
    whole = "the split train" if "train" in named else "the whole set"
    return frozenset({"", "train"}), f"{whole}, of which cal takes a part,"


def list_names(names: Sequence[str], most: int = _MOST_NAMED) -> str:
    """Return the first few names, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")

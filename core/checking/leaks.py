"""What copies of pictures mean: leaks between splits, labels that contradict each other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from core.checking.facts import PictureFacts
from core.checking.name_origins import sets_by_name
from core.checking.origins import Copies
from core.checking.result import Alarm, Level
from core.labelled import SPLITS, Row

_MOST_LISTED = 50
_SAME = "files of the same bytes"
_NAMED = "pictures of one origin by their names"
_ALIKE = "pictures of one origin (nearly the same, mirrored, turned or cropped)"


def copy_alarms(facts: Sequence[PictureFacts], copies: Copies) -> Iterator[Alarm]:
    """Yield which pictures are there twice, and what is wrong with that.

    Args:
        facts: The readable pictures.
        copies: Those among them that are one picture.
    """
    rows = [one.row for one in facts]
    known = {frozenset(one) for one in copies.exact}
    yield from _of(rows, copies.exact, _SAME, Level.STRONG)
    yield from _of(
        rows, [one for one in copies.near if frozenset(one) not in known], _ALIKE, Level.NOTICE
    )
    named = sets_by_name([row.file for row in rows])
    found = {frozenset(one) for one in (*copies.exact, *copies.near)}
    yield from _of(
        rows, [one for one in named if frozenset(one) not in found], _NAMED, Level.NOTICE
    )


def group_alarms(rows: Sequence[Row]) -> Iterator[Alarm]:
    """Yield which groups lie in two splits, and how many hold several labels."""
    members: dict[str, list[int]] = defaultdict(list)
    for at, row in enumerate(rows):
        members[row.group].append(at)
    sets = [one for one in members.values() if len(one) > 1]
    split = [one for one in sets if _splits(rows, one) > 1]
    mixed = [one for one in sets if len({frozenset(rows[at].labels) for at in one}) > 1]
    if split:
        what = f"{_many(len(split), 'group lies', 'groups lie')} in two splits or more"
        first = ", ".join(rows[one[0]].group for one in split[:3])
        yield _alarm("leak", _weight(rows, split), f"{what}, such as {first}.", rows, split)
    if mixed:
        what = f"{_many(len(mixed), 'group holds', 'groups hold')} pictures of different labels"
        sentence = f"{what} (of {len(sets)} with more than one picture); that may well be so."
        yield _alarm("conflict", Level.INFORMATION, sentence, rows, mixed)


def _of(
    rows: Sequence[Row], sets: Sequence[list[int]], what: str, conflict: Level
) -> Iterator[Alarm]:
    leaks = [one for one in sets if _splits(rows, one) > 1]
    conflicts = [one for one in sets if len({frozenset(rows[at].labels) for at in one}) > 1]
    rest = [one for one in sets if _splits(rows, one) == 1 and not _known(rows, one)]
    if leaks:
        how = f"{_many(len(leaks), 'set', 'sets')} of {what} in two splits or more"
        sentence = f"{how}: {_example(rows, leaks)}."
        yield _alarm("leak", _weight(rows, leaks), sentence, rows, leaks)
    if conflicts:
        how = f"{_many(len(conflicts), 'set', 'sets')} of {what} with different labels"
        yield _alarm("conflict", conflict, f"{how}: {_example(rows, conflicts)}.", rows, conflicts)
    if rest:
        how = f"{_many(len(rest), 'set', 'sets')} of {what} within one split"
        sentence = f"{how}, each counted as one group: {_example(rows, rest)}."
        yield _alarm("duplicate", Level.NOTICE, sentence, rows, rest)


def _splits(rows: Sequence[Row], members: Sequence[int]) -> int:
    return len({rows[at].split for at in members})


def _known(rows: Sequence[Row], members: Sequence[int]) -> bool:
    """Return whether the data set itself gives the pictures one group, so that they count once."""
    return len({rows[at].group for at in members}) == 1 and all(rows[at].grouped for at in members)


def _weight(rows: Sequence[Row], leaks: Sequence[list[int]]) -> Level:
    """Return how grave a leak is: splits set aside may share what none of the others has."""
    inner = any(rows[at].split in SPLITS for one in leaks for at in one)
    return Level.STRONG if inner else Level.NOTICE


def _example(rows: Sequence[Row], sets: Sequence[list[int]]) -> str:
    shown = [
        f"{r.file.name} ({r.split or 'open'}, {r.label})" for r in (rows[i] for i in sets[0][:3])
    ]
    return " and ".join(shown) + ("" if len(sets) == 1 else ", for one")


def _alarm(
    kind: str, level: Level, sentence: str, rows: Sequence[Row], sets: Sequence[list[int]]
) -> Alarm:
    listed = [[str(rows[at].file) for at in one] for one in sets[:_MOST_LISTED]]
    pictures = sum(len(one) for one in sets)
    return Alarm(kind, level, sentence, {"sets": len(sets), "pictures": pictures, "files": listed})


def _many(count: int, one: str, plural: str) -> str:
    return f"{count} {one if count == 1 else plural}"

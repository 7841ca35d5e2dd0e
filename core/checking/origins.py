"""Which pictures of a data set are of one origin: copies, one patient, one stated group."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from core.checking.copies import clusters, exact_copies, near_copies
from core.checking.facts import Facts, Lost
from core.errors import DataError
from core.labelled import SPLITS, Row

_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Copies:
    """Sets of pictures that are one picture, as numbers of the facts that were searched.

    Attributes:
        exact: Files of the same bytes.
        near: Pictures of one exposure, whatever was done to them.
    """

    exact: list[list[int]]
    near: list[list[int]]

    @classmethod
    def among(cls, facts: Sequence[Facts]) -> Copies:
        """Search pictures for copies."""
        exact = exact_copies([one.sha256 for one in facts])
        near = near_copies(np.stack([one.detail for one in facts])) if facts else []
        return cls(exact, near)

    def kept(self, places: Sequence[int]) -> Copies:
        """Renumber the sets for a part of the facts, by their places in the whole."""
        new = {old: at for at, old in enumerate(places)}
        exact, near = (
            [some for one in sets if len(some := [new[at] for at in one if at in new]) > 1]
            for sets in (self.exact, self.near)
        )
        return Copies(exact, near)


def joined(looked: Sequence[Facts | Lost], copies: Copies) -> list[Row]:
    """Give pictures of one origin one group: copies, and what the files say belongs together.

    A stated value that all files share says nothing of what belongs together.

    Args:
        looked: One a row.
        copies: Of the facts among them.

    Returns:
        The rows in order. A joined group bears the first of its groups' names.

    Near copies that a table parts stay parted, and are a strong alarm of the check: parts can
    truly look alike (cells of neighbouring wafers share their crystals).

    Raises:
        DataError: Files of the same bytes, or what the files say belongs together, lie in two of
            train, cal and test.
    """
    rows = [one.row for one in looked]
    places = [at for at, one in enumerate(looked) if isinstance(one, Facts)]
    pairs = [
        *_chains([places[at] for at in one] for one in copies.exact),
        *_chains(
            part
            for one in copies.near
            for part in _alike({places[at]: rows[places[at]].split for at in one})
        ),
        *_chains(_alike({at: row.group for at, row in enumerate(rows)})),
        *_chains(_stated(looked)),
    ]
    sets = clusters(len(rows), pairs)
    _refuse_parted(rows, sets)
    for members in sets:
        name = min(rows[at].group for at in members)
        grouped = any(rows[at].grouped for at in members)
        for at in members:
            if rows[at].group != name:
                rows[at] = replace(rows[at], group=name, grouped=grouped)
    return rows


def _stated(looked: Sequence[Facts | Lost]) -> Iterator[list[int]]:
    """Yield the places of files that state the same of one thing."""
    kinds: dict[str, dict[int, str]] = defaultdict(dict)
    for at, one in enumerate(looked):
        for kind, value in one.belongs.items() if isinstance(one, Facts) else ():
            kinds[kind][at] = value
    for said in kinds.values():
        if len(set(said.values())) > 1:
            yield from _alike(said)


def _alike(said: Mapping[int, str]) -> list[list[int]]:
    members: dict[str, list[int]] = defaultdict(list)
    for at, value in said.items():
        members[value].append(at)
    return [one for one in members.values() if len(one) > 1]


def _chains(sets: Iterator[list[int]] | list[list[int]]) -> Iterator[tuple[int, int]]:
    for one in sets:
        yield from pairwise(one)


def _refuse_parted(rows: Sequence[Row], sets: Sequence[list[int]]) -> None:
    """Refuse a table whose splits part what is of one origin.

    Raises:
        DataError: Such sets, the first of them by name.
    """
    parted = [one for one in sets if len({rows[at].split for at in one} & set(SPLITS)) > 1]
    if parted:
        shown = "; ".join(_named(rows, one) for one in parted[:_MOST_NAMED])
        raise DataError(
            f"{len(parted)} sets of pictures of one origin (the same bytes, or one group or "
            f"patient by what the files say) lie in two of train, cal and test: {shown}.",
            hint="Put each set into one split, or leave the split column out: splits are then "
            "dealt by origin. `assay data check PACK DATA --json` lists all copies.",
        )


def _named(rows: Sequence[Row], members: Sequence[int]) -> str:
    first = {rows[at].split: rows[at] for at in reversed(members) if rows[at].split in SPLITS}
    return " and ".join(f"{row.file.name} ({split})" for split, row in sorted(first.items()))

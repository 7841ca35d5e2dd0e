"""Pictures of one origin: copies, one patient, one stated group."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from core.checking.certain_copies import find_certain_copies
from core.checking.duplicates import clusters, exact_copies, near_copies
from core.checking.exposures import Reader, find_exposures
from core.checking.facts import (
    LARGER,
    PictureFacts,
    UnreadablePicture,
    details_of,
    fine_of,
    keypoints_of,
)
from core.checking.fingerprints import Fingerprints
from core.checking.kept_keypoints import KeptKeypoints
from core.checking.name_origins import sets_by_name
from core.errors import DataError
from core.labelled import SPLITS, Row
from core.ordered_map import Each

_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Copies:
    """Sets of pictures that are one picture, as numbers of the facts that were searched.

    Attributes:
        exact: Files of the same bytes.
        near: Pictures of one exposure, whatever was done to them.
        certain: Those of them that are so alike as no two different pictures are, or that
            differ by noise at most once one is laid over the other.
    """

    exact: list[list[int]]
    near: list[list[int]]
    certain: list[list[int]] = field(default_factory=list)

    @classmethod
    def among(
        cls, facts: Sequence[PictureFacts], read: Reader | None = None, each: Each = map
    ) -> Copies:
        """Return the copies among pictures.

        Args:
            facts: The pictures.
            read: Gives those of some places in full, to find turned and cropped copies among
                pictures that all look alike; these are not looked for when None.
            each: Compares pairs, on several threads or one.
        """
        if not facts:
            return cls([], [])
        exact = exact_copies([one.sha256 for one in facts])
        details = details_of(facts)
        turned = find_exposures(details, keypoints_of(facts), read, each) if read else []
        near = clusters(len(facts), [*_chains(near_copies(details, each)), *turned])
        names = [one.row.group for one in facts]
        doubted = [one for one in near if len({names[at] for at in one}) > 1]
        pairs = find_certain_copies(details, doubted, np.unique(names, return_inverse=True)[1])
        return cls(exact, near, clusters(len(facts), [*_chains(pairs), *turned]))

    def subset(self, places: Sequence[int]) -> Copies:
        """Return the sets for a part of the facts, renumbered by their places in the whole."""
        new = {old: at for at, old in enumerate(places)}
        parts = (
            [some for one in sets if len(some := [new[at] for at in one if at in new]) > 1]
            for sets in (self.exact, self.near, self.certain)
        )
        return Copies(*parts)


def join_origins(pictures: Sequence[PictureFacts | UnreadablePicture], copies: Copies) -> list[Row]:
    """Return the rows with one group for pictures of one origin: copies, one patient, one group.

    A stated value that all files share says nothing of what belongs together, but that they are
    tiles of one larger picture does.

    Args:
        pictures: One a row.
        copies: Of the facts among them.

    Returns:
        The rows in order. A joined group bears the first of its groups' names.

    Near copies that a table parts stay parted where they are not certain, and are a strong alarm
    of the check: parts can truly look alike (cells of neighbouring wafers share their crystals).

    Raises:
        DataError: Files of the same bytes, certain copies, or what the files say belongs together,
            lie in two of train, cal and test.
    """
    sets = _sets(pictures, copies)
    _refuse_split_origins([one.row for one in pictures], sets)
    return _join(pictures, sets)


def group_origins(
    pictures: Sequence[PictureFacts | UnreadablePicture], copies: Copies
) -> list[Row]:
    """Return the rows as ``join_origins`` does, also where splits part what is of one origin."""
    return _join(pictures, _sets(pictures, copies))


def _join(
    pictures: Sequence[PictureFacts | UnreadablePicture], sets: Sequence[Sequence[int]]
) -> list[Row]:
    rows = [one.row for one in pictures]
    for members in sets:
        name = min(rows[at].group for at in members)
        grouped = any(rows[at].grouped for at in members)
        for at in members:
            if rows[at].group != name:
                rows[at] = replace(rows[at], group=name, grouped=grouped)
    return rows


def find_split_origins(
    pictures: Sequence[PictureFacts | UnreadablePicture], copies: Copies
) -> list[int]:
    """Return the places of pictures that are of one origin with some of an earlier split.

    Without them, ``join_origins`` has nothing to refuse.

    Args:
        pictures: One a row.
        copies: Of the facts among them.
    """
    places = []
    for one in _sets(pictures, copies):
        splits = {at: pictures[at].row.split for at in one if pictures[at].row.split in SPLITS}
        first = min(splits.values(), key=SPLITS.index, default="")
        places += [at for at, split in splits.items() if split != first]
    return sorted(places)


def fingerprints_of(
    facts: Sequence[PictureFacts], copies: Copies, each: Each = map
) -> Fingerprints:
    """Return what copies of pictures are known again by.

    Args:
        facts: The pictures, with the groups that the data set itself gives them.
        copies: Those among them.
        each: Lays pictures over others, on several threads or one.
    """
    n = len(facts)
    groups = [*_equal_sets({at: one.row.group for at, one in enumerate(facts)}), *_stated(facts)]
    known = [*groups, *copies.exact, *copies.certain]
    details = details_of(facts)
    kept = KeptKeypoints.of(keypoints_of(facts), fine_of(facts))
    origin = _numbers(n, [*known, *copies.near])
    return Fingerprints.of(details, _numbers(n, known), origin, kept, each)


def _numbers(n: int, sets: Sequence[list[int]]) -> NDArray[np.int64]:
    """Return one number for each picture, equal for those that sets join."""
    number = np.arange(n)
    for one in clusters(n, _chains(sets)):
        number[one] = one[0]
    return number


def _sets(pictures: Sequence[PictureFacts | UnreadablePicture], copies: Copies) -> list[list[int]]:
    """Return the sets of places of one origin, near copies that are not certain within splits."""
    rows = [one.row for one in pictures]
    places = [at for at, one in enumerate(pictures) if isinstance(one, PictureFacts)]
    pairs = [
        *_chains([places[at] for at in one] for one in (*copies.exact, *copies.certain)),
        *_chains(
            part
            for one in copies.near
            for part in _equal_sets({places[at]: rows[places[at]].split for at in one})
        ),
        *_chains(_equal_sets({at: row.group for at, row in enumerate(rows)})),
        *_chains(_stated(pictures)),
    ]
    return clusters(len(rows), pairs)


def _stated(pictures: Sequence[PictureFacts | UnreadablePicture]) -> Iterator[list[int]]:
    """Yield the places of files that state the same of one thing, in them or by their names."""
    yield from sets_by_name([one.row.file for one in pictures])
    yield from stated_sets(pictures)


def stated_sets(pictures: Sequence[PictureFacts | UnreadablePicture]) -> Iterator[list[int]]:
    """Yield the places of files that state one group, patient or larger picture, also of one file.

    A value that all files share says nothing of what belongs together, but that they are tiles of
    one larger picture does.
    """
    stated: dict[str, dict[int, str]] = defaultdict(dict)
    for at, one in enumerate(pictures):
        for kind, value in one.belongs.items() if isinstance(one, PictureFacts) else ():
            stated[kind][at] = value
    for kind, values in stated.items():
        if kind == LARGER or len(set(values.values())) > 1:
            yield from _equal_sets(values)


def _equal_sets(values: Mapping[int, str]) -> list[list[int]]:
    members: dict[str, list[int]] = defaultdict(list)
    for at, value in values.items():
        members[value].append(at)
    return list(members.values())


def _chains(sets: Iterable[list[int]]) -> Iterator[tuple[int, int]]:
    for one in sets:
        yield from pairwise(one)


def _refuse_split_origins(rows: Sequence[Row], sets: Sequence[list[int]]) -> None:
    """Refuse a table whose splits part what is of one origin.

    Raises:
        DataError: Such sets, the first of them by name.
    """
    found = [one for one in sets if len({rows[at].split for at in one} & set(SPLITS)) > 1]
    if found:
        shown = "; ".join(_named(rows, one) for one in found[:_MOST_NAMED])
        raise DataError(
            f"{len(found)} sets of pictures of one origin (the same bytes, copies that were saved "
            f"again, mirrored or turned, or one group, patient or original by what the files "
            f"or their names say) lie in two of train, cal and test: {shown}.",
            hint="Put each set into one split, or leave the split column out: splits are then "
            "dealt by origin. --leave-out-copies leaves out those in the later split. `assay data "
            "check PACK DATA --json` lists all copies.",
        )


def _named(rows: Sequence[Row], members: Sequence[int]) -> str:
    first = {rows[at].split: rows[at] for at in reversed(members) if rows[at].split in SPLITS}
    return " and ".join(f"{row.file.name} ({split})" for split, row in sorted(first.items()))

"""Leakage into evaluation: pictures, copies, groups and patients of a bundle's train and cal."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from core.checking.facts import (
    PictureFacts,
    UnreadablePicture,
    belongs_to,
    details_of,
    keypoints_of,
)
from core.checking.fingerprints import Fingerprints
from core.checking.known_copies import match_copies
from core.checking.split_membership import (
    PICTURE,
    Member,
    Name,
    SplitMembership,
    group_names,
    stated_name,
)
from core.decision.cases import Cases
from core.errors import DataError
from core.labelled import Row
from core.model.bundle.bundle import Bundle
from core.ordered_map import threaded_map
from core.service.data.copies import reader_of
from core.service.data.pictures import PictureFeatures
from core.settings import Settings

BYTES = "the same bytes"
COPY = "a copy: saved again, resized, mirrored, turned or cropped"
GROUP = "of a group in it"
STATED = "of a patient, study or part in it, as the file says"
_SHOWN = 5


def membership_of(
    given: Sequence[Row],
    rows: Sequence[Row],
    readable: Sequence[PictureFeatures],
    start: Iterable[str] = (),
) -> SplitMembership:
    """Return which split each picture, group and patient of train and cal is in.

    Args:
        given: The rows of train and cal with the groups that the data set gives.
        rows: The same with one group for what is of one origin, and with their splits.
        readable: Those that could be read.
        start: sha256 of the pictures of a bundle that training started from, which count as train.
    """
    names = {row.file: row.group for row in given if row.grouped}
    ignored = _alike(readable)
    pictures = [one.prepared.sha256 for one in readable]
    return SplitMembership.of(
        [
            *_group_members(names, rows),
            *_picture_members(readable, ignored),
            *(Member((PICTURE, one), one, "train") for one in start),
        ],
        pictures,
        ignored,
    )


def hash_groups(cases: Cases, membership: SplitMembership) -> Cases:
    """Return cases whose groups are keyed hashes, as a bundle keeps them."""
    hashes = [membership.group_hash(str(one)) for one in cases.group]
    return replace(cases, group=np.array(hashes, "U16"))


def find_leaks(
    bundle: Bundle, pictures: Sequence[PictureFacts | UnreadablePicture], settings: Settings
) -> dict[int, str]:
    """Return which pictures, by their places, are in a bundle's train or cal, and how.

    Args:
        bundle: The bundle.
        pictures: The pictures, with the groups that the data set gives.
        settings: Where things run.
    """
    members = SplitMembership.from_arrays(bundle.membership)
    leaks = {
        at: GROUP
        for at, one in enumerate(pictures)
        if one.row.grouped and any(name in members for name in group_names(one.row.group))
    }
    places = [at for at, one in enumerate(pictures) if isinstance(one, PictureFacts)]
    facts = [one for one in pictures if isinstance(one, PictureFacts)]
    copies = copies_in(bundle, facts, settings)
    for at, one, is_copy in zip(places, facts, copies, strict=True):
        if any(stated_name(*pair) in members for pair in one.belongs.items()):
            leaks[at] = STATED
        if is_copy:
            leaks[at] = COPY
        if (PICTURE, one.sha256) in members:
            leaks[at] = BYTES
    return leaks


def copies_in(bundle: Bundle, facts: Sequence[PictureFacts], settings: Settings) -> list[bool]:
    """Return for each picture whether it is a copy of one in a bundle's train or cal.

    Some of them are read once more.
    """
    if not facts:
        return []
    known = Fingerprints.from_arrays(bundle.fingerprints)
    read = reader_of(facts, pack=bundle.pack.name, settings=settings, depths=bundle.model.depths)
    each = partial(threaded_map, workers=settings.workers)
    found = match_copies(known, details_of(facts), keypoints_of(facts), read, each)
    return [bool(one) for one in found >= 0]


def refuse_leaked(rows: Sequence[Row], leaks: Mapping[int, str]) -> None:
    """Refuse to evaluate on what was trained or certified on.

    Raises:
        DataError: A picture is in train or cal, by name, with how many there are of each kind.
    """
    if not leaks:
        return
    counts = ", ".join(f"{n} {how}" for how, n in Counter(leaks.values()).most_common())
    names = ", ".join(rows[at].file.name for at in sorted(leaks)[:_SHOWN])
    raise DataError(
        f"{len(leaks)} of {len(rows)} pictures were in the bundle's training or cal data "
        f"({counts}): {names}.",
        hint="Evaluate on pictures that the bundle was not trained on, with split 'test', or "
        "leave these out with --leave-out-copies.",
    )


def _group_members(names: Mapping[Path, str], rows: Sequence[Row]) -> Iterator[Member]:
    for row in rows:
        if row.file in names:
            for name in group_names(names[row.file]):
                yield Member(name, row.group, row.split)


def _picture_members(
    readable: Sequence[PictureFeatures], ignored: Sequence[Name]
) -> Iterator[Member]:
    for one in readable:
        for name in [(PICTURE, one.prepared.sha256), *_stated(one)]:
            if name not in ignored:
                yield Member(name, one.row.group, one.row.split)


def _alike(readable: Sequence[PictureFeatures]) -> list[Name]:
    """Return what all files that state a kind state alike: it does not tell them apart."""
    values: dict[str, set[str]] = defaultdict(set)
    for one in readable:
        for kind, value in _stated(one):
            values[kind].add(value)
    return [(kind, value) for kind, found in values.items() if len(found) == 1 for value in found]


def _stated(one: PictureFeatures) -> list[Name]:
    return [stated_name(*pair) for pair in belongs_to(one.prepared).items()]

"""Leakage into evaluation: pictures, copies, groups and patients of a bundle's train and cal.

Names of groups and numbers of patients are kept as hashes salted with the bundle's own pictures, so
that two bundles cannot be searched for one patient by comparing them. Who has a bundle and tries
every number that a patient may have can still find out who is in it: a number is too short to be
protected by a hash, and evaluation must be able to test exactly that.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from core.checking.facts import PictureFacts, UnreadablePicture, belongs_to
from core.checking.fingerprints import Fingerprints, match_copies
from core.errors import DataError
from core.labelled import Row
from core.model.bundle.bundle import Bundle
from core.service.bundles.attempts import sketch
from core.service.data.pictures import PictureFeatures

BYTES = "the same bytes"
COPY = "a copy: saved again, resized, mirrored, turned or cropped"
GROUP = "of a group in it"
STATED = "of a patient, study or part in it, as the file says"
_SHOWN = 5


def hash_origins(rows: Sequence[Row], readable: Sequence[PictureFeatures]) -> dict[str, list[str]]:
    """Return the hashes by which a bundle recognises what it was trained and certified on.

    Args:
        rows: The rows of train and cal, with the groups that the data set gives.
        readable: Those that could be read.

    Returns:
        ``pictures``, ``groups``, ``stated`` (what files say that they belong to, unless all say the
        same) and ``cal`` (a sketch of the pictures held out).
    """
    stated = [belongs_to(one.prepared) for one in readable]
    values: dict[str, set[str]] = defaultdict(set)
    for one in stated:
        for kind, value in one.items():
            values[kind].add(value)
    pictures = sorted(one.prepared.sha256 for one in readable)
    salt = _salt_of(pictures)
    return {
        "pictures": pictures,
        "cal": sketch(one.prepared.sha256 for one in readable if one.row.split == "cal"),
        "groups": sorted({_digest(salt, row.group) for row in rows if row.grouped}),
        "stated": sorted(
            {
                _digest(salt, kind, one)
                for kind, many in values.items()
                if len(many) > 1
                for one in many
            }
        ),
    }


def find_leaks(
    bundle: Bundle, looked: Sequence[PictureFacts | UnreadablePicture]
) -> dict[int, str]:
    """Return which pictures, by their places, are in a bundle's train or cal, and how.

    Args:
        bundle: The bundle.
        looked: The pictures, with the groups that the data set gives.
    """
    digests = {name: set(values) for name, values in bundle.metadata["hashes"].items()}
    salt = _salt_of(bundle.metadata["hashes"]["pictures"])
    leaks = {
        at: GROUP
        for at, one in enumerate(looked)
        if one.row.grouped and _digest(salt, one.row.group) in digests["groups"]
    }
    places = [at for at, one in enumerate(looked) if isinstance(one, PictureFacts)]
    facts = [one for one in looked if isinstance(one, PictureFacts)]
    copies = copies_in(bundle, facts)
    for at, one, is_copy in zip(places, facts, copies, strict=True):
        if any(_digest(salt, *pair) in digests["stated"] for pair in one.belongs.items()):
            leaks[at] = STATED
        if is_copy:
            leaks[at] = COPY
        if one.sha256 in digests["pictures"]:
            leaks[at] = BYTES
    return leaks


def copies_in(bundle: Bundle, facts: Sequence[PictureFacts]) -> list[bool]:
    """Return for each picture whether it is a copy of one in a bundle's train or cal."""
    if not facts:
        return []
    known = Fingerprints.from_arrays(bundle.fingerprints)
    found = match_copies(known, np.stack([one.detail for one in facts]))
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


def _salt_of(pictures: Iterable[str]) -> str:
    return _digest(*sorted(pictures))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()

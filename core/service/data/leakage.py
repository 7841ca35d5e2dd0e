"""What a bundle has met: pictures, copies of them, groups and patients of its train and cal.

Names of groups and numbers of patients are kept as hashes salted with the bundle's own pictures:
nobody finds one patient in two bundles by comparing them. Who holds a bundle and tries every number
that a patient may have finds out who is in it all the same: a number is too short to be hidden by a
hash, and evaluation must be able to do that very thing.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from core.checking.facts import Facts, Lost, belongs_to
from core.checking.fingerprints import Fingerprints, copied
from core.errors import DataError
from core.labelled import Row
from core.model.bundle.bundle import Bundle
from core.service.bundles.attempts import sketch
from core.service.data.pictures import Seen

BYTES = "the same bytes"
COPY = "a copy: saved again, resized, mirrored, turned or cropped"
GROUP = "of a group in it"
STATED = "of a patient, study or part in it, as the file says"
_SHOWN = 5


def words_of(rows: Sequence[Row], seen: Sequence[Seen]) -> dict[str, list[str]]:
    """Return the hashes by which a bundle knows again what it was trained and certified on.

    Args:
        rows: The rows of train and cal, with the groups that the data set gives.
        seen: Those that could be read.

    Returns:
        ``pictures``, ``groups``, ``stated`` (what files say that they belong to, unless all say the
        same) and ``cal`` (a sketch of the pictures held out).
    """
    stated = [belongs_to(one.prepared) for one in seen]
    values: dict[str, set[str]] = defaultdict(set)
    for one in stated:
        for kind, value in one.items():
            values[kind].add(value)
    pictures = sorted(one.prepared.sha256 for one in seen)
    salt = _salt(pictures)
    return {
        "pictures": pictures,
        "cal": sketch(one.prepared.sha256 for one in seen if one.row.split == "cal"),
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


def met_before(bundle: Bundle, looked: Sequence[Facts | Lost]) -> dict[int, str]:
    """Return which pictures, by their places, a bundle has met, and how each is known again.

    Args:
        bundle: The bundle.
        looked: The pictures, with the groups that the data set gives.
    """
    seen = {name: set(values) for name, values in bundle.words["seen"].items()}
    salt = _salt(bundle.words["seen"]["pictures"])
    met = {
        at: GROUP
        for at, one in enumerate(looked)
        if one.row.grouped and _digest(salt, one.row.group) in seen["groups"]
    }
    places = [at for at, one in enumerate(looked) if isinstance(one, Facts)]
    facts = [one for one in looked if isinstance(one, Facts)]
    copies = copies_in(bundle, facts)
    for at, one, is_copy in zip(places, facts, copies, strict=True):
        if any(_digest(salt, *pair) in seen["stated"] for pair in one.belongs.items()):
            met[at] = STATED
        if is_copy:
            met[at] = COPY
        if one.sha256 in seen["pictures"]:
            met[at] = BYTES
    return met


def copies_in(bundle: Bundle, facts: Sequence[Facts]) -> list[bool]:
    """Return of each picture whether it is a copy of one that a bundle has met."""
    if not facts:
        return []
    known = Fingerprints.from_arrays(bundle.fingerprints)
    found = copied(known, np.stack([one.detail for one in facts]))
    return [bool(one) for one in found >= 0]


def refuse_met(rows: Sequence[Row], met: Mapping[int, str]) -> None:
    """Refuse to evaluate on what was trained or certified on.

    Raises:
        DataError: A picture was met before, by name, with how many there are of each kind.
    """
    if not met:
        return
    counts = ", ".join(f"{n} {how}" for how, n in Counter(met.values()).most_common())
    names = ", ".join(rows[at].file.name for at in sorted(met)[:_SHOWN])
    raise DataError(
        f"{len(met)} of {len(rows)} pictures were in the bundle's training or cal data "
        f"({counts}): {names}.",
        hint="Evaluate on pictures that the bundle has not met, marked with split 'test', or "
        "leave these out with --leave-out-copies.",
    )


def _salt(pictures: Iterable[str]) -> str:
    return _digest(*sorted(pictures))


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()

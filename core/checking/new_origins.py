"""Of which known picture, or of which other new one, each of some new pictures is a copy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from core.checking.duplicates import clusters
from core.checking.exposures import Reader
from core.checking.facts import PictureFacts, details_of, fine_of, keypoints_of
from core.checking.fingerprints import Fingerprints, strengths_of
from core.checking.kept_keypoints import KeptKeypoints
from core.checking.known_copies import match_copies
from core.checking.origins import Copies


def find_origins(
    known: Fingerprints, facts: Sequence[PictureFacts], read: Reader
) -> NDArray[np.intp]:
    """Return for each new picture the number of its origin.

    Copies among the new ones are found as in a set that is trained on, and have one origin: a known
    picture that one of them is a copy of, else the first of them.

    Args:
        known: The known pictures, ``k`` of them.
        facts: The new ones, ``n``.
        read: Gives those of some places in full.

    Returns:
        ``n``: below ``k`` a known picture, from there on ``k`` plus the place of a new one.
    """
    count = len(known.origin)
    found = match_copies(known, details_of(facts), keypoints_of(facts), read)
    copies = Copies.among(facts, read)
    origin = np.where(found >= 0, found, count + np.arange(len(facts)))
    pairs = [(one[0], at) for one in (*copies.exact, *copies.near) for at in one]
    for members in clusters(len(facts), pairs):
        origin[members] = origin[members].min()
    return np.asarray(origin, np.intp)


def fingerprints_of_new(facts: Sequence[PictureFacts]) -> Fingerprints:
    """Return what new pictures, each of an origin of its own, are known again by.

    Their limits are not measured but infinite: those of the pictures they join go on to hold.
    """
    return Fingerprints(
        strengths_of(details_of(facts)),
        np.arange(len(facts), dtype=np.int32),
        np.full(2, np.inf, np.float32),
        KeptKeypoints.of(keypoints_of(facts), fine_of(facts)),
    )

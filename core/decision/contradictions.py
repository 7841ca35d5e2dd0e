"""Answers that contradict each other: about one picture, or about copies of one.

The same picture was shown with the earlier answer beside it, so that the newest word is a
correction. A copy is another picture to whoever looks at it, and what is taken for one may show the
same part after it was damaged: neither answer is better until a person has settled it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ClearAnswer:
    """What a person called a case.

    Attributes:
        pictures: Content of each of its pictures.
        origins: What they are copies of.
        is_positive: Whether it was called positive.
        at: When, as text that sorts.
    """

    pictures: frozenset[str]
    origins: frozenset[str]
    is_positive: bool
    at: str


def find_superseded(answers: Sequence[ClearAnswer]) -> set[int]:
    """Return the places of answers that a later one on one of their pictures contradicts."""
    word: dict[str, bool] = {}
    for one in sorted(answers, key=lambda one: one.at):
        word.update(dict.fromkeys(one.pictures, one.is_positive))
    return {
        at
        for at, one in enumerate(answers)
        if any(word[picture] is not one.is_positive for picture in one.pictures)
    }


def find_disputed(answers: Sequence[ClearAnswer]) -> set[int]:
    """Return the places of answers that others on copies of the same pictures contradict.

    A case that was called negative contradicts a positive one of whose pictures it shows all; where
    the positive one has a further picture, that may be what is wrong with it. Answers that were
    superseded contradict nothing.
    """
    superseded = find_superseded(answers)
    alike: dict[bool, dict[frozenset[str], list[int]]] = {True: {}, False: {}}
    for at, one in enumerate(answers):
        if at not in superseded and one.origins:
            alike[one.is_positive].setdefault(one.origins, []).append(at)
    positive: dict[str, list[frozenset[str]]] = defaultdict(list)
    for origins in alike[True]:
        positive[min(origins)].append(origins)
    disputed: set[int] = set()
    for origins, places in alike[False].items():
        for shown in (one for name in origins for one in positive[name] if one <= origins):
            disputed.update(places, alike[True][shown])
    return disputed

"""Where the reads of a case stand, and what follows from them: the states of blind double reading.

Two people answer without knowing of each other. The same answer is agreed; any other is disputed
until a third person, who sees both, has decided. A tie is never broken by counting: CVAT's merge
of answers failed there (CVAT#9834).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

from core.types import Disposition

CANNOT_TELL = "cannot tell"
BAD_PICTURE = "bad picture"
UNCLEAR_LABELS = (CANNOT_TELL, BAD_PICTURE)
READERS = 2
_BITS = 53


class ReadState(StrEnum):
    """Where the reads of a case stand."""

    OPEN = "open"
    CLAIMED = "claimed"
    READ1 = "read1"
    READ2 = "read2"
    AGREED = "agreed"
    DISPUTED = "disputed"
    ADJUDICATED = "adjudicated"
    UNCLEAR = "unclear"

    @property
    def is_final(self) -> bool:
        """Whether the reads say what the case is, or that nobody can tell."""
        return self in (ReadState.AGREED, ReadState.ADJUDICATED, ReadState.UNCLEAR)


@dataclass(frozen=True, slots=True)
class ReadAnswer:
    """What one person answered on a case.

    Attributes:
        reader: Who, by id; empty where the person is no longer known.
        disposition: Negative, positive, or DEFER where the case cannot be judged.
        label: What the person named, ``a|b`` for two; for DEFER why it cannot be judged.
    """

    reader: str
    disposition: Disposition
    label: str = ""

    @property
    def category(self) -> str:
        """What the figures of agreement count: the verdict, or why there is none."""
        if self.disposition is not Disposition.DEFER:
            return self.disposition.value
        return self.label if self.label in UNCLEAR_LABELS else CANNOT_TELL


def agree(one: ReadAnswer, other: ReadAnswer) -> bool:
    """Return whether two answers are the same; a label that only one of them names is no dispute.

    Args:
        one: An answer.
        other: Another.
    """
    if one.category != other.category:
        return False
    if one.disposition is Disposition.DEFER or not one.label or not other.label:
        return True
    return set(one.label.split("|")) == set(other.label.split("|"))


def state_of(
    answers: Sequence[ReadAnswer | None],
    adjudication: ReadAnswer | None = None,
    *,
    is_claimed: bool = False,
    readers: int = READERS,
) -> ReadState:
    """Return where the reads of a case stand.

    Args:
        answers: In the order given; None for a reader who left without an answer.
        adjudication: What the third person decided; None before that, and without effect where
            nothing is disputed.
        is_claimed: Whether somebody has the case before them.
        readers: How many must answer.
    """
    given = [answer for answer in answers if answer is not None]
    if len(given) < readers:
        if is_claimed:
            return ReadState.CLAIMED
        return (ReadState.OPEN, ReadState.READ1)[len(given)] if len(given) < 2 else ReadState.READ2
    if all(agree(one, other) for one, other in combinations(given, 2)):
        return _unless_unclear(ReadState.AGREED, given[0])
    if adjudication is None:
        return ReadState.DISPUTED
    return _unless_unclear(ReadState.ADJUDICATED, adjudication)


def outcome_of(
    answers: Sequence[ReadAnswer | None],
    adjudication: ReadAnswer | None = None,
    readers: int = READERS,
) -> ReadAnswer | None:
    """Return what a case is by its reads: agreed or adjudicated; None while that is open.

    Args:
        answers: As in ``state_of``.
        adjudication: As in ``state_of``.
        readers: As in ``state_of``.
    """
    given = [answer for answer in answers if answer is not None]
    if not state_of(answers, adjudication, readers=readers).is_final:
        return None
    if not all(agree(one, other) for one, other in combinations(given, 2)):
        return adjudication
    # The answer that names a label is the fuller one.
    return next((answer for answer in given if answer.label), given[0])


def draw_number(seed: str, name: str) -> float:
    """Return a number in [0, 1) of a keyed hash: the same key and name, the same number.

    Args:
        seed: The key; who does not know it cannot foresee what is drawn.
        name: What is drawn or not: the id of a case.
    """
    key = hashlib.sha256(seed.encode()).digest()
    number = hashlib.blake2b(name.encode(), key=key, digest_size=8).digest()
    return float((int.from_bytes(number, "big") >> (64 - _BITS)) / (1 << _BITS))


def _unless_unclear(state: ReadState, answer: ReadAnswer) -> ReadState:
    return ReadState.UNCLEAR if answer.disposition is Disposition.DEFER else state

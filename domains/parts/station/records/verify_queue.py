"""The queue of rejected parts that persons look at again, salted with parts known to be bad.

Pure: the same queue is salted alike each time it is drawn up, so a reload shows nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

SALT_SHARE = 0.015
_BITS = 53


@dataclass(frozen=True, slots=True)
class VerifyItem:
    """One entry of the queue.

    Attributes:
        number: Number of the part whose picture is shown.
        is_salt: Whether it is known to be bad. Never shown; its answer is no override, and enters
            no rate, label or calibration.
    """

    number: int
    is_salt: bool


@dataclass(frozen=True, slots=True)
class SaltAlarm:
    """A known-bad part was released: whoever did it does not look, or cannot see it."""

    number: int
    who: str

    @property
    def sentence(self) -> str:
        """What happened and what to do."""
        return (
            f"{self.who} released part {self.number}, which is known to be bad: look at what "
            f"{self.who} released today again."
        )


def salt_queue(
    numbers: Sequence[int], known_bad: Sequence[int], share: float, key: bytes
) -> list[VerifyItem]:
    """Return the queue with known-bad parts among it.

    Whether one stands before a part, and which, follows from a keyed hash of the part's number.

    Args:
        numbers: Numbers of the rejected parts that wait, in the order shown.
        known_bad: Numbers of parts known to be bad, which do not wait themselves.
        share: Share of the queue that is to be known-bad parts, 0 to below 1: 0.01 to 0.02.
        key: Secret of the station.

    Raises:
        ValueError: The share is not inside 0 to 1.
    """
    if not 0.0 <= share < 1.0:
        raise ValueError(f"share: expected 0 to below 1, got {share}")
    waiting = set(numbers)
    candidates = [number for number in known_bad if number not in waiting]
    odds = share / (1.0 - share)
    queue: list[VerifyItem] = []
    for number in numbers:
        drawn = _draw(number, key)
        if candidates and drawn < odds:
            place = int(_draw(-number - 1, key) * len(candidates))
            queue.append(VerifyItem(candidates[place], is_salt=True))
        queue.append(VerifyItem(number, is_salt=False))
    return queue


def alarm_of(item: VerifyItem, who: str, *, is_released: bool) -> SaltAlarm | None:
    """Return the alarm that an answer raises; None where it raises none."""
    return SaltAlarm(item.number, who) if item.is_salt and is_released else None


def _draw(number: int, key: bytes) -> float:
    digest = hashlib.blake2b(str(number).encode(), key=key, digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> (64 - _BITS)) / (1 << _BITS)

"""How an output says what became of a message."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import AssayError


class Unreachable(AssayError):
    """A receiver does not answer at all, whatever it is sent."""


@dataclass(frozen=True, slots=True)
class PartResult:
    """What a receiver did with one part of a message.

    Attributes:
        problem: Why it does not have it; empty where it has.
        is_permanent: Whether it would refuse it again.
        is_wanted: Whether it is to get such parts at all, as things are set up now.
    """

    problem: str = ""
    is_permanent: bool = False
    is_wanted: bool = True


NOT_WANTED = PartResult(is_wanted=False)

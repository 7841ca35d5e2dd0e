"""When reviewed cases may be certified on: at sizes fixed beforehand, each tested more strictly.

Whoever may certify whenever the figures look well looks for luck. So the cases are taken in the
order in which they came, as many of them as the next size in a fixed row, none left out; and the
certificate at the i-th size may err with ``delta / (i (i + 1))``, whether or not anybody looked at
the sizes before (``certificate.confidence_spent``, attempt i + 1). Over all sizes that is delta.

Which cases may count at all: those whose choice owes nothing to their verdict. Either everything
went to a person, or the audit draw chose them, which is made of every case whatever its verdict.
Cases that came to a person only because the model was unsure of them, or called them out, are left
out: among them no escape can be seen.
"""

from __future__ import annotations

from dataclasses import dataclass

FIRST, GROWTH = 20, 1.5


@dataclass(frozen=True, slots=True)
class Look:
    """A size at which reviewed cases may be certified on.

    Attributes:
        number: Its place in the row, from 1; 0 before the first.
        size: Cases that count at it; 0 before the first.
    """

    number: int
    size: int

    @property
    def least_attempt(self) -> int:
        """Number of the certification that it is at the least, for the confidence it must show."""
        return self.number + 1

    @property
    def following(self) -> Look:
        """The next one."""
        return Look(self.number + 1, _size(self.number + 1))


def last_look(available: int) -> Look:
    """Return the largest look that so many cases suffice for."""
    number = 0
    while _size(number + 1) <= available:
        number += 1
    return Look(number, _size(number) if number else 0)


def _size(number: int) -> int:
    return round(FIRST * GROWTH ** (number - 1))

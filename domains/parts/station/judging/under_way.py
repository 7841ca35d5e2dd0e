"""The parts under way: each is answered once, by what came of it or by its deadline."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from time import monotonic

from domains.parts.station.judging.inspection import Inspection
from domains.parts.station.judging.inspector import Inspector
from domains.parts.station.part import InspectedPart, Trigger
from domains.parts.station.records.parts import Draft, unrecorded
from domains.parts.station.result import LineReason, LineVerdict

STALL_DEADLINES = 4


@dataclass(frozen=True, slots=True)
class _UnderWay:
    trigger: Trigger
    product: str
    allowed_s: float

    @property
    def deadline(self) -> float:
        return self.trigger.at + self.allowed_s


class PartsUnderWay:
    """Belongs to the thread of the loop.

    Args:
        inspector: Inspects the parts and puts them on record.
    """

    def __init__(self, inspector: Inspector) -> None:
        self._inspector = inspector
        self._parts: dict[int, _UnderWay] = {}
        self._left: dict[int, LineVerdict] = {}

    def __bool__(self) -> bool:
        """Return whether any part is under way or still being inspected."""
        return bool(self._parts) or not self._inspector.is_idle

    @property
    def deadlines(self) -> Iterable[float]:
        """When each has to be answered, in seconds of the monotonic clock."""
        return [one.deadline for one in self._parts.values()]

    def begin(self, trigger: Trigger, inspection: Inspection) -> None:
        """Let a part be inspected."""
        recipe = inspection.recipe
        allowed_s = recipe.deadline_ms / 1000
        self._parts[trigger.number] = _UnderWay(trigger, recipe.product, allowed_s)
        self._inspector.inspect(trigger, inspection)

    def take(self, part: InspectedPart) -> bool:
        """Return whether what came of a part is to be published; it is under way no more.

        It is not where the part was answered before; a PASS on record is then corrected.
        """
        number = part.trigger.number
        if (left := self._left.pop(number, None)) is not None:
            self._inspector.correct(part, left)
            return False
        return self._parts.pop(number, None) is not None

    def answer_overdue(self, moment: float) -> list[InspectedPart]:
        """Return FAIL LATE for every part whose deadline has passed, to be published.

        Args:
            moment: Seconds of the monotonic clock.
        """
        overdue = [number for number, one in self._parts.items() if moment >= one.deadline]
        return [self._answer(number, LineReason.LATE) for number in overdue]

    def answer_all(self, reason: LineReason) -> list[InspectedPart]:
        """Return the answer to every part under way, to be published."""
        return [self._answer(number, reason) for number in list(self._parts)]

    def _answer(self, number: int, reason: LineReason) -> InspectedPart:
        """Return the answer to a part; what comes of it later is recorded as this."""
        one = self._parts.pop(number)
        reasons = [reason]
        if self._inspector.is_stalled(monotonic() - STALL_DEADLINES * one.allowed_s):
            reasons.append(LineReason.STALLED)
        verdict = LineVerdict.because(*reasons)
        self._left[number] = verdict
        self._inspector.answer(one.trigger, verdict)
        return unrecorded(Draft(one.trigger, verdict, one.trigger.part_id, one.product))

"""Finished results on their way to the status block: one shown, at most eight behind it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from domains.parts.station.part import InspectedPart
from domains.parts.station.result import LineResult

MAX_WAITING = 8
_U16, _U32 = 0xFFFF, 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class ShownResult:
    """One result as the status block holds it; a field is what `StatusBlock` calls it.

    Attributes:
        number: Number of its trigger, not yet modulo 65536.
    """

    number: int
    is_pass: bool
    is_fail: bool
    is_stop: bool
    part_seq_echo: int
    reason_code: int
    bundle_hash: int
    recipe_judged: int
    elapsed_us: int
    policy_number: int


class ResultQueue:
    """What is shown, what waits, and whether a PLC has to acknowledge it.

    Until a PLC set Enable once, nobody acknowledges: each result stands until the next one. From
    then on a result stands until ResultAck equals its CompletedToggle, however long that takes.

    Attributes:
        needs_ack: Whether a PLC takes part.
        shown: The last result that was shown; None before the first.
        is_valid: Whether it is still shown as valid.
        toggle: CompletedToggle.
    """

    def __init__(self) -> None:
        self.needs_ack = False
        self.shown: ShownResult | None = None
        self.is_valid = False
        self.toggle = False
        self._ack = False
        self._waiting: deque[InspectedPart] = deque()

    @property
    def waiting(self) -> int:
        """How many results stand behind the one that is shown."""
        return len(self._waiting)

    @property
    def outstanding(self) -> int:
        """How many results still need an acknowledgement."""
        return self.waiting + (self.is_valid and self.needs_ack)

    def add(self, part: InspectedPart, at: float) -> None:
        """Show a result, or let it wait behind one that is not acknowledged."""
        self._waiting.append(part)
        self._show_next(at)

    def acknowledge(self, ack: bool, at: float) -> int | None:
        """Return the number of the trigger whose result the level of ResultAck takes."""
        self._ack = ack
        if not (self.needs_ack and self.is_valid and ack == self.toggle and self.shown):
            return None
        number, self.is_valid = self.shown.number, False
        self._show_next(at)
        return number

    def _show_next(self, at: float) -> None:
        if not self._waiting or (self.is_valid and self.needs_ack):
            return
        self.shown = _show(self._waiting.popleft(), at)
        # A PLC or a station that started again may hold any level: the opposite of ResultAck is
        # the one that cannot be acknowledged already.
        self.toggle = not (self._ack if self.needs_ack else self.toggle)
        self.is_valid = True


def _show(part: InspectedPart, at: float) -> ShownResult:
    elapsed = round((at - part.trigger.at) * 1e6)
    return ShownResult(
        number=part.trigger.number,
        is_pass=part.result is LineResult.PASS,
        is_fail=part.result is LineResult.FAIL,
        is_stop=part.result is LineResult.STOP,
        part_seq_echo=part.trigger.part_seq & _U16,
        reason_code=part.verdict.number,
        bundle_hash=_leading_bits(part.bundle_sha256, 32),
        recipe_judged=part.trigger.recipe & _U16,
        elapsed_us=max(0, min(elapsed, _U32)),
        policy_number=_leading_bits(part.policy, 16),
    )


def _leading_bits(digest: str, bits: int) -> int:
    """Return the first bits of a hexadecimal digest, 0 where there is none."""
    return int(digest[: bits // 4], 16) if digest else 0

"""Runs the reject gate beside the line's loop: what it follows comes in, its state goes out.

The gate rejects at rest. It stands open only while one part is in its window and that part has
passed, so what the station never heard of, or lost with its process, is rejected.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from domains.parts.station.line.reject_gate import (
    Ejected,
    GateEvent,
    RejectGate,
    Stopped,
    Unexpected,
)
from domains.parts.station.plc.blocks import decode_control
from domains.parts.station.ports import Words
from domains.parts.station.recipe import RejectOptions
from domains.parts.station.result import LineReason, LineResult

_U16, _U32 = 0x1_0000, 0x1_0000_0000
_MOST_AT_ONCE = 64

log = logging.getLogger(__name__)


class GateRunner:
    """Belongs to the thread of the loop.

    Args:
        options: Where and when the gate rejects.
        show: Takes whether the gate stands open, after everything that may change it.
    """

    def __init__(self, options: RejectOptions, show: Callable[[bool], None]) -> None:
        self._gate = RejectGate(options)
        self._by_encoder = options.by == "encoder"
        self._show = show
        self._count: int | None = None
        self._raw = 0
        self._is_belt_stopped = False
        self._confirmed: int | None = None
        self.ejected = 0

    @property
    def stop(self) -> LineReason | None:
        """Why the line has to stop, until a person acknowledges."""
        return self._gate.stop

    @property
    def wakes_at(self) -> float | None:
        """When it has to be asked again, in seconds of the monotonic clock; None if never."""
        edge = None if self._by_encoder else self._gate.next_edge
        return None if edge is None else edge / 1000.0

    def accept(self, number: int, at: float) -> None:
        """Follow a part from its trigger on, at seconds of the monotonic clock."""
        self._take(self._gate.trigger(number, self._position(at)))

    def decide(self, number: int, result: LineResult) -> None:
        """Note the result that left for a part."""
        self._take(self._gate.decide(number, result))

    def control(self, words: Words, at: float) -> None:
        """Note what the PLC wrote: the encoder's count, whether the belt stands, confirmations."""
        block = decode_control(words)
        self._follow(block.encoder_count)
        if self._by_encoder:
            self._take(self._gate.move(self._position(at)))
        elif block.belt_stopped != self._is_belt_stopped:
            self._is_belt_stopped = block.belt_stopped
            change = self._gate.stop_belt if block.belt_stopped else self._gate.start_belt
            self._take(change(self._position(at)))
        for _ in range(self._new_confirmations(block.rejects_confirmed)):
            self._take(self._gate.confirm())

    def tick(self, moment: float) -> None:
        """Follow the belt to now; by the encoder it is where its last count says."""
        if not self._by_encoder:
            self._take(self._gate.move(self._position(moment)))

    def clear(self) -> None:
        """Let the line go on by a person's word; parts on the way stay rejected."""
        self._gate.clear()

    def _new_confirmations(self, count: int) -> int:
        """Return how far the counter went on; what it stands at when station or PLC start is past.

        A counter that goes back, or leaps, has started anew: it confirms nothing.
        """
        before, self._confirmed = self._confirmed, count
        step = 0 if before is None else (count - before) % _U16
        return step if step <= _MOST_AT_ONCE else 0

    def _follow(self, raw: int) -> None:
        """Count on over the wrap of the encoder's 32 bits, either way."""
        step = 0 if self._count is None else (raw - self._raw) % _U32
        self._count = (self._count or 0) + (step - _U32 if step >= _U32 // 2 else step)
        self._raw = raw

    def _position(self, at: float) -> float:
        return float(self._count or 0) if self._by_encoder else 1000.0 * at

    def _take(self, events: tuple[GateEvent, ...]) -> None:
        for event in events:
            match event:
                case Ejected():
                    self.ejected += 1
                    log.info("part %d is rejected at the gate: %s", event.number, event.cause)
                case Stopped():
                    log.error("the gate stops the line: %s", event.reason.sentence)
                case Unexpected():
                    log.warning("%d parts left at the gate unexpectedly", event.count)
        self._show(self._gate.is_open)

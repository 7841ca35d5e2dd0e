"""The reject gate: which parts are pushed off the belt when they come to the ejector.

A state machine without clock or I/O. Its positions are counts of an encoder, or milliseconds of
the monotonic clock on a belt that runs evenly. A part is let through only where a PASS is committed
when it enters the window of the gate, and where nothing puts in doubt which part is there; what is
unknown is rejected. ``is_open`` serves a gate that rejects at rest, `Ejected` one that rejects by a
pulse: the first also rejects what no trigger announced.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domains.parts.station.recipe import RejectOptions
from domains.parts.station.result import LineReason, LineResult

_STILL = 3


class EjectCause(StrEnum):
    """Why a part is rejected at the gate."""

    NOT_PASSED = "no PASS is committed"
    TWO_PARTS = "another part is in the same window"
    BELT_STOPPED = "the belt stopped while the part was on its way"
    TRACKING_LOST = "where the part is, is no longer certain"


@dataclass(frozen=True, slots=True)
class Ejected:
    """The ejector fires for a part."""

    number: int
    cause: EjectCause


@dataclass(frozen=True, slots=True)
class LetThrough:
    """A part with a committed PASS has left the window."""

    number: int


@dataclass(frozen=True, slots=True)
class Stopped:
    """The line has to stop; the gate rejects everything until a person clears it."""

    reason: LineReason
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Unexpected:
    """Something was pushed off the belt that the gate did not reject: counted, and a warning."""

    count: int


GateEvent = Ejected | LetThrough | Stopped | Unexpected


@dataclass(slots=True)
class _Tracked:
    number: int
    at: float
    result: LineResult | None = None
    doubt: EjectCause | None = None
    is_entered: bool = False
    is_ejected: bool = False
    is_confirmed: bool = False


class RejectGate:
    """Follows every part from the camera to the gate. Not safe for several threads."""

    def __init__(self, options: RejectOptions) -> None:
        self._options = options
        self._parts: list[_Tracked] = []
        self._position: float | None = None
        self._furthest = float("-inf")
        self._still = 0
        self._rejects_until = float("-inf")
        self._stopped_at: float | None = None
        self._stop: LineReason | None = None
        self.unexpected = 0

    @property
    def stop(self) -> LineReason | None:
        """Why the line has to stop, until it is cleared."""
        return self._stop

    @property
    def tracked(self) -> tuple[int, ...]:
        """The numbers of the parts between the camera and the end of the window."""
        return tuple(part.number for part in self._parts)

    @property
    def is_rejecting_all(self) -> bool:
        """Whether the gate rejects whatever comes: after a stop, or until a belt has run clear."""
        if self._stop is not None or self._stopped_at is not None:
            return True
        return self._position is not None and self._position <= self._rejects_until

    @property
    def is_open(self) -> bool:
        """Whether a gate that rejects at rest stands open: one part is there, and it has passed."""
        if self.is_rejecting_all:
            return False
        inside = [part for part in self._parts if part.is_entered]
        return len(inside) == 1 and not inside[0].is_ejected

    @property
    def next_edge(self) -> float | None:
        """Position at which the next part enters or leaves the window; None without a part.

        The end of a stop's run-out is one too.
        """
        if self._position is None:
            return None
        ways = (self._options.distance + s * self._options.tolerance for s in (-1, 1))
        edges = [part.at + way for way in ways for part in self._parts]
        ahead = [edge for edge in (*edges, self._rejects_until) if edge > self._position]
        return min(ahead, default=None)

    def trigger(self, number: int, position: float) -> tuple[GateEvent, ...]:
        """Return what follows from a part that the camera's trigger announced.

        Args:
            number: Number of the part, never used before.
            position: Where the belt was at the trigger.

        Raises:
            ValueError: The gate follows a part of that number already.
        """
        if number in self.tracked:
            raise ValueError(f"number: expected a new one, got {number} again")
        events = self.move(position) if self._is_news(position) else ()
        part = _Tracked(number, position)
        if self._stopped_at is not None:
            part.doubt = EjectCause.BELT_STOPPED
        elif self._stop is not None:
            part.doubt = EjectCause.TRACKING_LOST
        near = [one for one in self._parts if abs(one.at - position) <= 2 * self._options.tolerance]
        for one in (*near, part) if near else ():
            one.doubt = one.doubt or EjectCause.TWO_PARTS
        self._parts.append(part)
        self._still += 1
        # One that was let into the window alone is pushed off after all: another is too near.
        events += tuple(event for one in near if one.is_entered for event in self._eject(one))
        return events + self._check_still() + self._advance()

    def decide(self, number: int, result: LineResult) -> tuple[GateEvent, ...]:
        """Return what follows from a committed result; the first that is no PASS holds.

        A result that comes when the part has entered the window is too late to let it through.
        """
        for part in self._parts:
            if part.number == number and (part.result in (None, LineResult.PASS)):
                part.result = result
                if part.is_entered and result is not LineResult.PASS:
                    return self._eject(part)
        return ()

    def move(self, position: float) -> tuple[GateEvent, ...]:
        """Return what follows from the belt's move to a position.

        Backward counts up to the watermark are absorbed: no part enters the window by them, and
        one that has entered does not enter again. Beyond it the line stops. Time does not run
        backwards: what was noted late, at an earlier moment, moves nothing.
        """
        if self._options.by == "time":
            position = max(position, self._furthest)
        if position != self._position:
            self._still = 0
        self._position = position
        self._furthest = max(self._furthest, position)
        events: tuple[GateEvent, ...] = ()
        if self._furthest - position > self._options.backwards:
            events = self._halt(LineReason.ENCODER_BACKWARDS)
        return events + self._advance()

    def confirm(self) -> tuple[GateEvent, ...]:
        """Return what follows from something that left the belt at the gate."""
        for part in self._parts:
            if part.is_ejected and not part.is_confirmed:
                part.is_confirmed = True
                return ()
        self.unexpected += 1
        return (Unexpected(self.unexpected),)

    def stop_belt(self, position: float) -> tuple[GateEvent, ...]:
        """Return what follows from a belt that stands: timed tracking rejects all on the way.

        An encoder goes on counting what the belt does, so it changes nothing there.
        """
        if self._options.by == "encoder" or self._stopped_at is not None:
            return ()
        events = self.move(position)
        self._stopped_at = position
        for part in self._parts:
            part.doubt = part.doubt or EjectCause.BELT_STOPPED
        return events + tuple(event for part in self._parts for event in self._eject(part))

    def start_belt(self, position: float) -> tuple[GateEvent, ...]:
        """Return what follows from a belt that runs again: it rejects until it has run clear."""
        if self._stopped_at is None:
            return ()
        self._rejects_until = position + self._options.distance + self._options.tolerance
        self._stopped_at = None
        return self.move(position)

    def clear(self) -> None:
        """Let the line go on after a stop, by a person's word; parts on the way stay rejected."""
        if self._position is not None:
            self._furthest = self._position
        self._still = 0
        self._stop = None

    def _is_news(self, position: float) -> bool:
        return self._position is None or position > self._position

    def _check_still(self) -> tuple[GateEvent, ...]:
        """Return a stop where parts come although the encoder stands and brings none here."""
        if self._options.by == "time" or self._still < _STILL:
            return ()
        return self._halt(LineReason.ENCODER_STILL)

    def _advance(self) -> tuple[GateEvent, ...]:
        if self._stopped_at is not None or self._position is None:
            return ()
        events: tuple[GateEvent, ...] = ()
        for part in tuple(self._parts):
            way = self._position - part.at - self._options.distance
            if not part.is_entered and way >= -self._options.tolerance:
                events += self._enter(part, is_past=way > self._options.tolerance)
            is_past = way > self._options.tolerance and self._position > self._rejects_until
            if part.is_entered and is_past:
                events += self._leave(part)
        return events

    def _enter(self, part: _Tracked, *, is_past: bool) -> tuple[GateEvent, ...]:
        part.is_entered = True
        if self.is_rejecting_all:
            part.doubt = part.doubt or EjectCause.TRACKING_LOST
        if part.result is LineResult.PASS and part.doubt is None:
            return ()
        events = self._eject(part)
        if is_past and events and not self.is_rejecting_all:
            # The belt went through the whole window unseen: the pulse comes too late.
            events += self._halt(LineReason.REJECT_NOT_CONFIRMED, part.number)
        return events

    def _leave(self, part: _Tracked) -> tuple[GateEvent, ...]:
        self._parts.remove(part)
        if not part.is_ejected:
            return (LetThrough(part.number),)
        if self._options.confirm and not part.is_confirmed:
            return self._halt(LineReason.REJECT_NOT_CONFIRMED, part.number)
        return ()

    def _eject(self, part: _Tracked) -> tuple[GateEvent, ...]:
        if part.is_ejected:
            return ()
        part.is_ejected = True
        return (Ejected(part.number, part.doubt or EjectCause.NOT_PASSED),)

    def _halt(self, reason: LineReason, number: int | None = None) -> tuple[GateEvent, ...]:
        for part in self._parts:
            part.doubt = part.doubt or EjectCause.TRACKING_LOST
        inside = tuple(part for part in self._parts if part.is_entered)
        events: tuple[GateEvent, ...] = tuple(e for part in inside for e in self._eject(part))
        if self._stop is None:
            self._stop = reason
            events += (Stopped(reason, number),)
        return events

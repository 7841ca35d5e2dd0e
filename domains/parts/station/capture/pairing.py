"""Which pictures of several folders are views of one part; no I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from domains.parts.station.ports import TriggerSignal
from domains.parts.station.result import LineReason


@dataclass(frozen=True, slots=True)
class _Unpaired:
    signal: TriggerSignal
    until: float
    views: frozenset[str]


class Pairing:
    """Collects the views of parts until each camera gave one, or the time is over.

    Args:
        cameras: Names of the cameras that a part needs.
        limit_s: For how long the first view of a part waits for the others.
    """

    def __init__(self, cameras: Sequence[str], limit_s: float) -> None:
        self._cameras, self._limit_s = frozenset(cameras), limit_s
        self._waiting: dict[str, _Unpaired] = {}

    @property
    def due_at(self) -> float | None:
        """When the next part is incomplete; None where none waits."""
        return min((one.until for one in self._waiting.values()), default=None)

    def add(self, key: str, camera: str, signal: TriggerSignal) -> list[TriggerSignal]:
        """Return the parts that a view makes complete, or proves to be incomplete.

        A second view by the same camera is another part's.

        Args:
            key: What names the part.
            camera: Which camera the view is of.
            signal: With its frame.
        """
        known, ended = self._waiting.pop(key, None), []
        if known is not None and camera in known.views:
            ended.append(_incomplete(known.signal))
            known = None
        if known is None:
            known = _Unpaired(signal, signal.at + self._limit_s, frozenset({camera}))
        else:
            known = _Unpaired(_joined(known.signal, signal), known.until, known.views | {camera})
        if known.views == self._cameras:
            return [*ended, known.signal]
        self._waiting[key] = known
        return ended

    def expire(self, now: float) -> list[TriggerSignal]:
        """Return the parts whose time is over, the oldest first; each fails for what is missing."""
        late = sorted((one.until, key) for key, one in self._waiting.items() if now >= one.until)
        return [_incomplete(self._waiting.pop(key).signal) for _, key in late]


def _joined(first: TriggerSignal, second: TriggerSignal) -> TriggerSignal:
    frames, faults = first.frames + second.frames, first.faults + second.faults
    return replace(first, at=max(first.at, second.at), frames=frames, faults=faults)


def _incomplete(signal: TriggerSignal) -> TriggerSignal:
    return replace(signal, faults=(*signal.faults, LineReason.VIEW_MISSING))

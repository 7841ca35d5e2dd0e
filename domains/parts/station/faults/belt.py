"""A belt with an encoder, and a reject gate at its end that says what it has rejected."""

from __future__ import annotations

from domains.parts.station.faults.plc import Plc
from domains.parts.station.recipe import RejectOptions

GATE = RejectOptions(by="encoder", distance=1000, tolerance=100, backwards=20, confirm=True)
SLIP = 500
"""Counts by which the encoder jumps back: beyond what the gate absorbs."""

_U32 = 0xFFFF_FFFF


class Belt:
    """Carries one part after another through the gate, as a PLC sees it.

    Attributes:
        confirms: Whether the actuator says what it has rejected.
        stands: Whether the encoder counts no more although parts come.
        slips: Whether the encoder jumps back before the next part reaches the gate.
    """

    def __init__(self, plc: Plc) -> None:
        self._plc = plc
        self._count = self._confirmed = self._on_way = 0
        self._is_open = False
        self.confirms, self.stands, self.slips = True, False, False

    def show_gate(self, is_open: bool) -> None:
        """Take whether the gate stands open."""
        self._is_open = is_open

    def carry(self, *, is_followed: bool) -> bool:
        """Return whether the gate stood open for the part that is carried through it.

        Args:
            is_followed: Whether the station took the part's trigger.
        """
        self._on_way += is_followed
        if self.stands:
            return False
        if self.slips:
            self._plc.write(encoder_count=(self._count - SLIP) & _U32)
        went_on = self._at(GATE.distance)
        if not went_on and self.confirms:
            self._confirmed += self._on_way
            self._plc.write(rejects_confirmed=self._confirmed)
        self._count += round(GATE.distance + GATE.tolerance + 1)
        went_on |= self._at(0)
        self._on_way = 0
        return went_on

    def _at(self, way: float) -> bool:
        self._plc.write(encoder_count=(self._count + round(way)) & _U32)
        self._plc.wait_for_loop()
        return self._is_open

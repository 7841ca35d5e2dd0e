"""What Modbus peers see of a station, and what their writes become."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic

from pymodbus.constants import ExcCodes

from domains.parts.station.plc.blocks import (
    CHECK,
    FLAGS,
    RESULT_BITS,
    SEQUENCE,
    StatusBlock,
    decode_control,
    encode_status,
    without_life,
)
from domains.parts.station.plc.registers import CONTROL_WORDS, OfflineReason
from domains.parts.station.ports import ControlWrite, Post, TriggerSignal, Words

LIFE_S = 0.2
MAX_POSTED = 64
_COILS, _INPUTS = frozenset({1, 5, 15}), frozenset({4})


class Registers:
    """The status block as the station showed it last, and the control block as peers left it.

    The station's loop calls ``show``; everything else runs in the server's thread. The status is
    one tuple that is replaced, so one request never sees half of a change.

    Args:
        post: Takes what peers write.
    """

    def __init__(self, post: Post) -> None:
        starting = StatusBlock(offline_reason=OfflineReason.STARTING)
        self._post = post
        self._shown = (encode_status(starting), float("-inf"))
        self._control: Words = (0,) * CONTROL_WORDS
        self._coil = False
        self._is_gate_open = False
        self._posted = 0
        self._has_ended = False

    def show(self, words: Words) -> None:
        """Show the status block from now on."""
        self._shown = (words, monotonic())
        self._posted = 0

    def show_gate(self, is_open: bool) -> None:
        """Show whether the reject gate stands open from now on."""
        self._is_gate_open = is_open

    def end(self) -> None:
        """Show for good that the station has stopped."""
        self._has_ended = True

    @property
    def status(self) -> Words:
        """The status block; offline and without a result where the loop is silent for 200 ms."""
        words, at = self._shown
        if self._has_ended or monotonic() - at > LIFE_S:
            return without_life(words)
        return words

    @property
    def is_gate_open(self) -> bool:
        """Whether the reject gate stands open; it does not where the loop is silent for 200 ms."""
        return self._is_gate_open and self._is_alive

    @property
    def _is_alive(self) -> bool:
        return not self._has_ended and monotonic() - self._shown[1] <= LIFE_S

    @property
    def control(self) -> Words:
        """The control block as it was written last."""
        return self._control

    @property
    def coil(self) -> bool:
        """The trigger's coil as it was written last."""
        return self._coil

    def write_control(self, address: int, values: Sequence[int]) -> ExcCodes | None:
        """Return an exception code, or None once the control block has the words.

        What a PLC repeats in every cycle is no news: edges and levels are those of the last write.
        """
        before, end = self._control, address + len(values)
        words = (*before[:address], *values, *before[end:])
        if words == before:
            return None
        if self._is_flooded():
            return ExcCodes.DEVICE_BUSY
        self._control = words
        self._post(ControlWrite(at=monotonic(), words=words))
        return None

    def write_coil(self, value: bool) -> ExcCodes | None:
        """Return an exception code, or None once the coil is set; its rising edge is a trigger."""
        if value and not self._coil:
            if self._is_flooded():
                return ExcCodes.DEVICE_BUSY
            block = decode_control(self._control)
            self._post(
                TriggerSignal(at=monotonic(), part_seq=block.part_seq, part_id=block.part_id)
            )
        self._coil = value
        return None

    def _is_flooded(self) -> bool:
        """Return whether peers write faster than the loop takes it, which ``show`` tells."""
        if self._posted >= MAX_POSTED:
            return True
        self._posted += 1
        return False


class PeerView:
    """The registers as one connection reads and writes them, in the form that pymodbus asks for.

    A peer that takes the block in two requests might read the verdict of one result and the
    number of the next. Where I3 and I23 come in one request and I1 came in an earlier one, I23
    is the only word that can betray it: it is spoilt if the result has changed since then.
    """

    def __init__(self, registers: Registers) -> None:
        self._registers = registers
        self._verdict: tuple[int, int] | None = None

    async def async_getValues(
        self, device_id: int, func_code: int, address: int, count: int = 1
    ) -> list[int] | list[bool] | ExcCodes:
        """Return words or bits, or the exception code that is answered."""
        del device_id
        if func_code in _COILS:
            coils = [self._registers.coil, self._registers.is_gate_open]
            is_there = address + count <= len(coils)
            return coils[address : address + count] if is_there else ExcCodes.ILLEGAL_ADDRESS
        words = self._registers.status if func_code in _INPUTS else self._registers.control
        if address + count > len(words):
            return ExcCodes.ILLEGAL_ADDRESS
        values = list(words[address : address + count])
        if func_code in _INPUTS:
            self._guard(words, values, address)
        return values

    async def async_setValues(
        self, device_id: int, func_code: int, address: int, values: list[int] | list[bool]
    ) -> ExcCodes | None:
        """Return the exception code that is answered, or None once words or a bit are taken."""
        del device_id
        if func_code in _COILS:
            if address != 0 or len(values) != 1:
                return ExcCodes.ILLEGAL_ADDRESS
            return self._registers.write_coil(bool(values[0]))
        if address + len(values) > CONTROL_WORDS:
            return ExcCodes.ILLEGAL_ADDRESS
        return self._registers.write_control(address, [int(value) for value in values])

    def _guard(self, words: Words, values: list[int], address: int) -> None:
        verdict = (words[FLAGS] & RESULT_BITS, words[SEQUENCE])
        addresses = range(address, address + len(values))
        if FLAGS in addresses:
            self._verdict = verdict
        elif CHECK in addresses and self._verdict not in (None, verdict):
            values[CHECK - address] = words[SEQUENCE] ^ 0xFFFF

"""The PLC's side of the handshake over Modbus TCP, as the register page describes it.

What a line controller has to do, in Python: for trials at a desk, the demo and the tests. Like a
PLC it writes the whole control block and reads the whole status block in every cycle, so a lost
or replayed answer costs a cycle and nothing else. What it cannot believe is not a PASS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from time import monotonic, sleep
from typing import Self

from pymodbus.client import ModbusTcpClient
from pymodbus.exceptions import ModbusException

from domains.parts.station.plc.blocks import (
    ControlBlock,
    ResultReader,
    StatusBlock,
    decode_status,
    encode_control,
)
from domains.parts.station.plc.registers import STATUS_WORDS, Words
from domains.parts.station.result import LineResult

HEARTBEAT_LIMIT_S = 0.5
_READ_INPUTS = 4


@dataclass(frozen=True, slots=True)
class LineAnswer:
    """What the line does with a part.

    Attributes:
        result: PASS only where the station stated so, in time and beyond doubt.
        block: The station's result; None where none was there that could be believed.
    """

    result: LineResult
    block: StatusBlock | None


class StationClient:
    """One line controller. Calls come from one thread.

    Args:
        host: Where the station serves Modbus.
        port: Its port.
        unit: Its unit id.
        timeout_s: Longest wait for one answer.
        cycle_s: Pause between two cycles.
    """

    def __init__(
        self, host: str, port: int = 502, *, unit: int = 1, timeout_s: float = 1.0,
        cycle_s: float = 0.002,
    ) -> None:  # fmt: skip
        self._client = ModbusTcpClient(host, port=port, timeout=timeout_s, retries=0)
        self._unit, self._cycle_s = unit, cycle_s
        self._control = ControlBlock(enable=True)
        self._reader = ResultReader()
        self._has_lost = False
        self._beat: bool | None = None
        self._beat_at = float("-inf")

    def __enter__(self) -> Self:
        """Return itself, connected."""
        self.start()
        return self

    def __exit__(self, *exc: object) -> None:
        """Let the connection go."""
        self.close()

    def close(self) -> None:
        """Let the connection go; a station that waits for an acknowledgement goes on waiting."""
        self._client.close()

    def start(self, wait_s: float = 5.0) -> bool:
        """Return whether the station is ready, with what stands there taken as old and Enable set.

        The result that stands there belongs to a part that has passed by meanwhile.
        """
        limit = monotonic() + wait_s
        while monotonic() < limit:
            words = self._read()
            if words is not None:
                self._take_as_old(words)
                return self._await_ready(limit)
            sleep(self._cycle_s)
        return False

    def inspect(self, part_seq: int, part_id: str = "", wait_s: float = 2.0) -> LineAnswer:
        """Return what to do with one part after its handshake, within ``wait_s``."""
        limit = monotonic() + wait_s
        answer = LineAnswer(LineResult.FAIL, None)
        if self._await_ready(limit):
            self._control = replace(self._control, trigger=True, part_seq=part_seq, part_id=part_id)
            is_taken = self._wait(lambda block: block.trigger_ack, limit) is not None
            self._control = replace(self._control, trigger=False)
            if is_taken:
                answer = self._take_result(part_seq, limit)
        self._cycle()
        return answer

    def _await_ready(self, limit: float) -> bool:
        """Return whether a trigger is taken now; a result that stands there is nobody's."""
        while monotonic() < limit:
            if (words := self._cycle()) is None:
                sleep(self._cycle_s)
                continue
            block = decode_status(words)
            if self._is_unacknowledged(block) or self._has_lost:
                self._take_as_old(words)
            elif block.trigger_ready and not block.trigger_ack and self._is_alive:
                return True
            sleep(self._cycle_s)
        return False

    def _take_as_old(self, words: Words) -> None:
        self._has_lost = False
        self._reader.skip(words)
        toggle = decode_status(words).completed_toggle
        self._control = replace(self._control, result_ack=toggle)

    def _take_result(self, part_seq: int, limit: float) -> LineAnswer:
        while monotonic() < limit:
            words = self._wait(self._is_unacknowledged, limit)
            block = None if words is None else self._reader.accept(words)
            if block is None or block.result is None:
                continue
            self._control = replace(self._control, result_ack=block.completed_toggle)
            # A result that came too late for its own part is acknowledged and used for none.
            if block.part_seq_echo == part_seq:
                return LineAnswer(block.result if self._is_alive else LineResult.FAIL, block)
        return LineAnswer(LineResult.FAIL, None)

    @property
    def _is_alive(self) -> bool:
        return monotonic() - self._beat_at <= HEARTBEAT_LIMIT_S

    def _is_unacknowledged(self, block: StatusBlock) -> bool:
        return block.result_valid and block.completed_toggle != self._control.result_ack

    def _wait(self, condition: Callable[[StatusBlock], bool], limit: float) -> Words | None:
        """Return the first block that fulfils a condition, None where none comes in time."""
        while True:
            words = self._cycle()
            if words is not None and condition(decode_status(words)):
                return words
            if monotonic() >= limit:
                return None
            sleep(self._cycle_s)

    def _cycle(self) -> Words | None:
        """Return the status block after writing the control block, as a PLC does over and over."""
        control = list(encode_control(self._control))
        try:
            self._client.write_registers(0, control, device_id=self._unit)
        except (ModbusException, OSError):
            self._lose()
        return self._read()

    def _lose(self) -> None:
        """Connect anew with the next request; another station may answer then."""
        self._client.close()
        self._has_lost = True

    def _read(self) -> Words | None:
        """Return the status block; None for no answer, and for the answer to something else."""
        try:
            answer = self._client.read_input_registers(0, count=STATUS_WORDS, device_id=self._unit)
        except (ModbusException, OSError):
            self._lose()
            return None
        if answer.function_code != _READ_INPUTS or len(answer.registers) != STATUS_WORDS:
            return None
        words = tuple(answer.registers)
        heartbeat = decode_status(words).heartbeat
        if heartbeat != self._beat:
            self._beat, self._beat_at = heartbeat, monotonic()
        return words

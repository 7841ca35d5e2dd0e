"""A PLC in the same process: it triggers, reads the block, acknowledges, and keeps what it saw."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from threading import Condition
from threading import Event as Flag
from time import monotonic
from typing import Any

from domains.parts.station.part import InspectedPart
from domains.parts.station.plc.blocks import (
    ControlBlock,
    StatusBlock,
    decode_status,
    encode_control,
    encode_status,
    read_block,
)
from domains.parts.station.plc.registers import OfflineReason
from domains.parts.station.ports import Command, ControlWrite, Post, Words
from domains.parts.station.result import LineResult

COMMAND_S = 1.0


@dataclass(frozen=True, slots=True)
class PlcAnswer:
    """What the PLC got for one trigger.

    Attributes:
        part_seq: Its own number of the part.
        result: PASS, FAIL or STOP; None where the trigger was not taken or not answered in time:
            then it rejects the part.
        reason: Number of the reason.
        elapsed_s: Seconds from the trigger to the answer.
        was_taken: Whether the station took the trigger.
    """

    part_seq: int
    result: LineResult | None
    reason: int
    elapsed_s: float
    was_taken: bool


class Plc:
    """Runs the handshake as `domains/parts/README.md` describes it; a station output itself.

    Attributes:
        alter: Changes a block on its way to the PLC, as a gateway does.
        words_of_pass: The block in which the last PASS was accepted.
        problems: What the station has lost, as sentences.
        taken: How many triggers the station has taken.
    """

    name = "plc"

    def __init__(self, post: Post) -> None:
        self._post = post
        self._changed = Condition()
        self._words: Words = ()
        self._control = ControlBlock()
        self.alter: Callable[[Words], Words] = lambda words: words
        self.words_of_pass: Words = ()
        self.problems: tuple[str, ...] = ()
        self.taken = 0

    def open(self) -> None:
        """Do nothing: the block is handed over in this process."""

    def close(self) -> None:
        """Do nothing."""

    def show(self, words: Words, status: Mapping[str, object]) -> None:
        """Take the block as the station shows it."""
        problems: Any = status.get("Problems", ())
        with self._changed:
            self.problems = tuple(problems)
            self._words = self.alter(words)
            self._changed.notify_all()

    def send(self, part: InspectedPart, words: Words) -> bool:
        """Return at once: a PLC reads the block alone."""
        del part, words
        return True

    def enable(self, timeout_s: float) -> bool:
        """Return whether the station was ready in time, once Enable is set."""
        self.write(enable=True)
        return self._wait(lambda block: block.trigger_ready, timeout_s) is not None

    def command(self, code: int, argument: int = 0) -> None:
        """Ask for a command, without waiting for its end."""
        self.write(execute_command=False)
        # The end of the last command has to be gone, or it would be taken for this one's.
        self._wait(lambda block: not (block.cmd_complete or block.cmd_failed), COMMAND_S)
        self.write(execute_command=True, command=code, command_argument=argument)

    def wait_for_command(self, timeout_s: float) -> bool | None:
        """Return whether the command was done; None where it has not ended in time."""
        ended = self._wait(lambda block: block.cmd_complete or block.cmd_failed, timeout_s)
        return None if ended is None else ended.cmd_complete

    def inspect(self, part_seq: int, timeout_s: float, part_id: str = "") -> PlcAnswer:
        """Return the result of one part that is triggered and acknowledged.

        Args:
            part_seq: The part's number, 0 to 65535.
            timeout_s: For how long the PLC waits before it rejects the part.
            part_id: The part's id.
        """
        began = monotonic()
        before = self.block()
        self.write(trigger=True, part_seq=part_seq, part_id=part_id)
        taken = self._wait(lambda b: b.trigger_ack and b.acq_id != before.acq_id, timeout_s)
        self.write(trigger=False)
        if taken is None:
            return PlcAnswer(part_seq, None, 0, monotonic() - began, was_taken=False)
        self.taken += 1
        left_s = timeout_s - (monotonic() - began)
        found = self._wait(lambda b: b.result_valid and b.result_seq == taken.acq_id, left_s)
        elapsed_s = monotonic() - began
        if found is None or found.part_seq_echo != part_seq:
            return PlcAnswer(part_seq, None, 0, elapsed_s, was_taken=True)
        if found.result is LineResult.PASS:
            self.words_of_pass = encode_status(found)
        self.write(result_ack=found.completed_toggle)
        self._wait(lambda block: not block.result_valid, timeout_s)
        return PlcAnswer(part_seq, found.result, found.reason_code, elapsed_s, was_taken=True)

    def block(self) -> StatusBlock:
        """Return the block as it stands."""
        with self._changed:
            return decode_status(self._words) if self._words else StatusBlock()

    def wait_offline(self, reason: OfflineReason, timeout_s: float) -> bool:
        """Return whether the station is offline for a reason, or was within a time."""
        return self._wait(lambda block: block.offline_reason == reason, timeout_s) is not None

    def wait_for_loop(self, timeout_s: float = COMMAND_S) -> None:
        """Wait until the station's loop has taken everything that was written before."""
        is_taken = Flag()
        answer = Command(monotonic(), "nothing", answer=lambda *_: is_taken.set())
        self._post(answer)
        is_taken.wait(timeout_s)

    def has_heartbeat(self, timeout_s: float = 0.3) -> bool:
        """Return whether the heartbeat changes within a time."""
        before = self.block().heartbeat
        return self._wait(lambda block: block.heartbeat != before, timeout_s) is not None

    def write(self, **values: bool | int | str) -> None:
        """Write the control block with some values changed."""
        self._control = replace(self._control, **values)  # type: ignore[arg-type]
        self._post(ControlWrite(monotonic(), encode_control(self._control)))

    def _wait(
        self, condition: Callable[[StatusBlock], bool], timeout_s: float
    ) -> StatusBlock | None:
        deadline = monotonic() + timeout_s
        with self._changed:
            while True:
                block = self._accepted()
                if block is not None and condition(block):
                    return block
                if not self._changed.wait(max(0.0, deadline - monotonic())):
                    return None

    def _accepted(self) -> StatusBlock | None:
        """Return the block unless it claims a result that the rule of the reader refuses."""
        if not self._words:
            return None
        block = decode_status(self._words)
        return block if not block.result_valid or read_block(self._words) is not None else None

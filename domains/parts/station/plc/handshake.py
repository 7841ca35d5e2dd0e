"""The handshake between station and PLC: what each write of the PLC brings about, and the block.

A state machine without clocks or I/O: the loop hands in what happened and when, and gets events.
One handshake serves every transport. Modbus, MQTT and OPC UA hand in the same control block with
``control``. A trigger that comes without one (a new file, a free-running camera, an MQTT message,
an OPC UA method, a coil) takes the same way from ``accept`` on: where ``is_ready`` is False the
loop calls ``refuse``, or lets a source that loses nothing wait. So AcqId, MissedTrigger, the
counters and the results read the same whatever triggered.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from domains.parts.station.part import InspectedPart
from domains.parts.station.plc.blocks import (
    ControlBlock,
    StatusBlock,
    decode_control,
    encode_status,
    ordered_writes,
)
from domains.parts.station.plc.registers import (
    CHALLENGE_COMMAND,
    MAX_RECIPE,
    OfflineReason,
    Words,
)
from domains.parts.station.plc.result_queue import MAX_WAITING, ResultQueue
from domains.parts.station.result import LineResult

HEARTBEAT_S = 0.1
_U16, _U32 = 0xFFFF, 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class Triggered:
    """The PLC triggered and there is room: answer with ``accept`` or ``refuse``."""

    at: float
    part_seq: int
    part_id: str


@dataclass(frozen=True, slots=True)
class TriggerMissed:
    """The PLC triggered while TriggerReady was 0: counted, and there will be no result."""

    at: float
    part_seq: int
    part_id: str


@dataclass(frozen=True, slots=True)
class ResultAcknowledged:
    """The PLC took the result of the trigger with this number."""

    number: int


@dataclass(frozen=True, slots=True)
class CommandAsked:
    """The PLC asks for a recipe (0 to 999) or a challenge run: answer with ``finish_command``."""

    code: int
    argument: int


Event = Triggered | TriggerMissed | ResultAcknowledged | CommandAsked


class Handshake:
    """What the status block shows, from what the PLC wrote and what became of its triggers.

    Args:
        needs_enable: Whether a PLC triggers by the control block, so that TriggerReady is 0 until
            it set Enable.

    Attributes:
        recipe: Number of the recipe that the next trigger is judged by.
    """

    def __init__(self, *, needs_enable: bool) -> None:
        self.recipe = 0
        self._needs_enable = needs_enable
        self._control = ControlBlock()
        self._results = ResultQueue()
        self._offline = {OfflineReason.STARTING}
        self._taken_by: set[str] = set()
        self._in_flight: set[int] = set()
        self._acquiring: set[int] = set()
        self._command = _CommandBits()
        self._counts = dict.fromkeys(LineResult, 0)
        self._is_asked = self._trigger_ack = False
        self._is_missed = self._is_overrun = False
        self._missed = self._acq_id = 0
        self._heartbeat, self._beat_at = False, float("-inf")
        self._written = encode_status(StatusBlock())

    @property
    def is_online(self) -> bool:
        """Whether nothing holds it offline."""
        return not self._offline_reasons

    @property
    def is_ready(self) -> bool:
        """Whether a trigger given now is accepted, if it comes from elsewhere or Enable is 1."""
        return self.is_online and self._has_room and not self._is_asked

    def add_offline(self, reason: OfflineReason) -> None:
        """Take the station offline; parts on their way still get their result."""
        self._offline.add(reason)

    def remove_offline(self, reason: OfflineReason) -> None:
        """Take one reason away; the station is online when none is left."""
        self._offline.discard(reason)

    def take_offline(self, who: str, is_offline: bool) -> None:
        """Take the station offline for one of several, or give it back: it waits for all of them.

        Args:
            who: `plc` or `client`; a stop of the operator is another matter, which neither ends.
            is_offline: Whether it is to be offline.
        """
        (self._taken_by.add if is_offline else self._taken_by.discard)(who)

    def control(self, words: Words, at: float) -> list[Event]:
        """Return what follows from the control block H0 to H15 as it stands now.

        In this order: SetOffline, ResultAck, ClearLatched, Trigger, ExecuteCommand. So one write
        may acknowledge a result and trigger the next part. A trigger counts only if Enable was 1
        in the write before: a PLC that holds Trigger while the station starts triggers nothing.
        """
        before, self._control = self._control, decode_control(words)
        now = self._control
        self.take_offline("plc", now.set_offline)
        self._results.needs_ack |= now.enable
        events: list[Event] = []
        number = self._results.acknowledge(now.result_ack, at)
        if number is not None:
            events.append(ResultAcknowledged(number))
        if now.clear_latched and not before.clear_latched:
            self._is_missed = self._is_overrun = False
        if now.trigger and not before.trigger:
            events.append(self._take_trigger(at, before.enable))
        self._trigger_ack &= now.trigger
        events += self._command.control(before, now)
        return events

    def accept(self, number: int) -> None:
        """Accept a trigger under its number; ``complete`` must follow once.

        Raises:
            ValueError: There is no room, or the number is on its way already.
        """
        if not self._has_room or number in self._in_flight:
            raise ValueError(f"trigger {number} is not ready to be accepted")
        self._trigger_ack = self._is_asked and self._control.trigger
        self._is_asked = False
        self._in_flight.add(number)
        self._acquiring.add(number)
        self._acq_id = number & _U16

    def refuse(self) -> None:
        """Refuse a trigger: MissedTrigger is latched and counted, BufferOverrun where it is why."""
        self._is_asked = False
        self._is_missed = True
        self._is_overrun |= self._control.buffer_results and not self._has_room
        self._missed = (self._missed + 1) & _U32

    def finish_acquisition(self, number: int) -> None:
        """Note that the cameras are done with a part."""
        self._acquiring.discard(number)

    def complete(self, part: InspectedPart, at: float) -> bool:
        """Return whether the result of an accepted trigger, which is on record, is published.

        Returns:
            Whether it is published; False where this trigger was answered before, for instance
            because it was late.
        """
        number = part.trigger.number
        if number not in self._in_flight:
            return False
        self._in_flight.discard(number)
        self._acquiring.discard(number)
        if not part.trigger.challenge:
            self._counts[part.result] = (self._counts[part.result] + 1) & _U32
        self._results.add(part, at)
        return True

    def finish_command(self, is_done: bool) -> None:
        """Say whether the command that was asked for was carried out."""
        self._command.finish(is_done)

    def tick(self, at: float) -> None:
        """Let the heartbeat change where it is time; the loop calls it at least every 50 ms."""
        if at - self._beat_at >= HEARTBEAT_S:
            self._heartbeat, self._beat_at = not self._heartbeat, at

    def block(self) -> Words:
        """Return the status block as it is now, words I0 to I23."""
        queue, command = self._results, self._command
        shown = {} if queue.shown is None else asdict(queue.shown)
        sequence = shown.pop("number", 0) & _U16
        if not queue.is_valid:
            shown |= {"is_pass": False, "is_fail": False, "is_stop": False}
        return encode_status(
            StatusBlock(
                trigger_ready=self.is_ready and (self._control.enable or not self._needs_enable),
                trigger_ack=self._trigger_ack,
                acquiring=bool(self._acquiring),
                missed_trigger=self._is_missed,
                offline_reason=max(self._offline_reasons, default=OfflineReason.NONE),
                online=self.is_online,
                heartbeat=self._heartbeat,
                inspecting=bool(self._in_flight),
                completed_toggle=queue.toggle,
                buffer_overrun=self._is_overrun,
                result_valid=queue.is_valid,
                cmd_executing=command.is_executing,
                cmd_complete=command.is_complete,
                cmd_failed=command.is_failed,
                acq_id=self._acq_id,
                result_seq=sequence,
                result_seq_check=sequence if queue.shown else sequence ^ _U16,
                results_waiting=queue.waiting,
                missed_triggers=self._missed,
                pass_count=self._counts[LineResult.PASS],
                fail_count=self._counts[LineResult.FAIL],
                stop_count=self._counts[LineResult.STOP],
                recipe_active=self.recipe,
                **shown,
            )
        )

    def writes(self) -> list[tuple[int, int]]:
        """Return the writes (address, word) since the last call, in the order they have to be."""
        before, self._written = self._written, self.block()
        return ordered_writes(before, self._written)

    @property
    def _offline_reasons(self) -> set[OfflineReason]:
        return self._offline | ({OfflineReason.PLC} if self._taken_by else set())

    @property
    def _has_room(self) -> bool:
        queue = self._results
        if not queue.needs_ack:
            return len(self._in_flight) < MAX_WAITING
        room = 1 + MAX_WAITING if self._control.buffer_results else 1
        return len(self._in_flight) + queue.outstanding < room

    def _take_trigger(self, at: float, was_enabled: bool) -> Event:
        part = (at, self._control.part_seq, self._control.part_id)
        if not (self.is_ready and was_enabled and self._control.enable):
            self.refuse()
            return TriggerMissed(*part)
        self._is_asked = True
        return Triggered(*part)


class _CommandBits:
    """CmdExecuting, CmdComplete and CmdFailed."""

    def __init__(self) -> None:
        self.is_executing = self.is_complete = self.is_failed = False
        self._is_superseded = False

    def control(self, before: ControlBlock, now: ControlBlock) -> list[Event]:
        if now.execute_command == before.execute_command:
            return []
        if self.is_executing:
            # CmdComplete would be taken for the new command, which nobody carried out.
            self._is_superseded |= now.execute_command
            return []
        self.is_complete = self.is_failed = False
        if not now.execute_command:
            return []
        if now.command > MAX_RECIPE and now.command != CHALLENGE_COMMAND:
            self.is_failed = True
            return []
        self.is_executing = True
        return [CommandAsked(now.command, now.command_argument)]

    def finish(self, is_done: bool) -> None:
        self.is_complete = is_done and not self._is_superseded
        self.is_failed = not self.is_complete
        self.is_executing = self._is_superseded = False

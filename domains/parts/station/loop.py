"""The line's loop: every trigger is answered once, in time, and nothing passes off the record."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Event as Flag
from time import monotonic

from core.records.values import now
from domains.parts.station.challenge import ChallengeState
from domains.parts.station.changeover import Changeover, PreparedRecipe
from domains.parts.station.gate_runner import GateRunner
from domains.parts.station.handshake import (
    CommandAsked,
    Event,
    Handshake,
    Triggered,
)
from domains.parts.station.inspection import Inspection
from domains.parts.station.inspector import Inspector
from domains.parts.station.interlock import Interlock
from domains.parts.station.outputs.group import OutputGroup
from domains.parts.station.part import InspectedPart, Trigger
from domains.parts.station.ports import (
    Command,
    ControlWrite,
    Signal,
    TriggerSignal,
    TriggerSource,
)
from domains.parts.station.records import Draft, unrecorded
from domains.parts.station.registers import CHALLENGE_COMMAND, OfflineReason
from domains.parts.station.result import LineReason, LineResult, LineVerdict

BEAT_S = 0.05
STALL_DEADLINES = 4

log = logging.getLogger(__name__)

Item = Signal | InspectedPart | PreparedRecipe
InterlockOf = Callable[[Inspection], "Interlock | None"]
EndOfChallenge = Callable[[ChallengeState, Interlock], None]


@dataclass(frozen=True, slots=True)
class _InFlight:
    trigger: Trigger
    product: str
    deadline: float
    stalled_at: float


class Line:
    """Runs one station; everything here happens in one thread, and nothing in it waits for a peer.

    Args:
        handshake: The status and control block.
        inspector: Inspects and records in its own thread; started and closed by the caller.
        changeover: Prepares and switches recipes.
        outputs: Where status and results go.
        first_number: Number of the first part.
        waits: Whether triggers wait while the station is not ready, as files do, instead of being
            refused.
        interlock_of: Returns the challenge of a recipe, which holds the line until it is passed;
            None where the recipe has none.
        sources: What notices parts by itself, opened.
    """

    def __init__(
        self,
        handshake: Handshake,
        inspector: Inspector,
        changeover: Changeover,
        outputs: OutputGroup,
        *,
        first_number: int,
        waits: bool,
        interlock_of: InterlockOf = lambda _: None,
        sources: Sequence[TriggerSource] = (),
    ) -> None:
        self.handshake, self._inspector, self._changeover = handshake, inspector, changeover
        self._outputs, self._next, self._waits = outputs, first_number, waits
        self.inbox: SimpleQueue[Item] = SimpleQueue()
        self._sources = sources
        self._backlog: deque[TriggerSignal] = deque()
        self._in_flight: dict[int, _InFlight] = {}
        self._left: dict[int, LineVerdict] = {}
        self._inspection: Inspection | None = None
        self._pending: PreparedRecipe | None = None
        self._answer: Callable[[bool, str], None] | None = None
        self._are_cameras_new = False
        self._interlock_of = interlock_of
        self.interlock: Interlock | None = None
        self._challenger: Callable[[bool, str], None] | None = None
        self.on_part: Callable[[InspectedPart], None] | None = None
        self.on_challenge: EndOfChallenge | None = None
        self.gate: GateRunner | None = None

    def post(self, signal: Item) -> None:
        """Hand in a signal, from any thread."""
        self.inbox.put(signal)

    def run(self, stop: Flag, recipe: int) -> None:
        """Run until the flag is set, and answer what is under way before returning.

        Args:
            stop: Set to end.
            recipe: Number of the recipe to begin with.
        """
        self._changeover.prepare(recipe)
        while not stop.is_set():
            self.step(self._next_item())
        self.handshake.add_offline(OfflineReason.ENDED)
        for number in list(self._in_flight):
            self._answer_now(number, LineVerdict.because(LineReason.INTERRUPTED))
        self._outputs.show(self.handshake.block(), monotonic())

    def step(self, item: Item | None) -> None:
        """Take one item, or none, and do what time asks for."""
        match item:
            case ControlWrite():
                self._control(item)
            case TriggerSignal():
                self._backlog.append(item)
            case InspectedPart():
                self._complete(item)
            case PreparedRecipe():
                self._pending = item
            case Command():
                self._obey(item)
        moment = monotonic()
        self._answer_late(moment)
        self._switch()
        self._await_cameras()
        self._hold_for_challenge()
        self._hold_for_sources()
        self._take_backlog(moment)
        self._tick(moment)
        self._outputs.show(self.handshake.block(), moment)

    def _next_item(self) -> Item | None:
        deadlines = [one.deadline for one in self._in_flight.values()]
        if self.gate is not None and self.gate.wakes_at is not None:
            deadlines.append(self.gate.wakes_at)
        wait_s = min([BEAT_S, *(deadline - monotonic() for deadline in deadlines)])
        try:
            return self.inbox.get(timeout=max(0.0, wait_s))
        except Empty:
            return None

    def _control(self, write: ControlWrite) -> None:
        if self.gate is not None:
            self.gate.control(write.words, write.at)
        for event in self.handshake.control(write.words, write.at):
            self._handle(event)

    def _tick(self, moment: float) -> None:
        if self.gate is not None:
            self.gate.tick(moment)
        self.handshake.tick(moment)

    def _handle(self, event: Event) -> None:
        match event:
            case Triggered():
                signal = TriggerSignal(event.at, event.part_seq, event.part_id)
                self._begin(signal, event.at)
            case CommandAsked(code=code) if code == CHALLENGE_COMMAND:
                self._begin_challenge(lambda done, _: self.handshake.finish_command(done))
            case CommandAsked():
                self._answer = lambda done, _: self.handshake.finish_command(done)
                self._changeover.prepare(event.code)

    def _obey(self, command: Command) -> None:
        match command.name:
            case "recipe":
                self._answer = command.answer
                self._changeover.prepare(int(command.argument))
            case "challenge":
                self._begin_challenge(command.answer)
            case "release":
                if self.interlock is not None:
                    self.interlock.release()
                _tell(command.answer, True, "")
            case "offline" | "online":
                self.handshake.take_offline("client", command.name == "offline")
                _tell(command.answer, True, "")
            case "stop":
                self.handshake.add_offline(OfflineReason.OPERATOR)
                _tell(command.answer, True, "")
            case "acknowledge":
                self._acknowledge()
                _tell(command.answer, True, "")
            case _:
                _tell(command.answer, False, f"There is no command {command.name!r}.")

    def _acknowledge(self) -> None:
        """Go on after an operator's stop, or one by the gate."""
        self.handshake.remove_offline(OfflineReason.OPERATOR)
        if self.gate is not None:
            self.gate.clear()

    def _take_backlog(self, moment: float) -> None:
        while self._backlog:
            if not self._is_ready:
                if self._waits:
                    return
                self._backlog.popleft()
                self.handshake.refuse()
                continue
            signal = self._backlog.popleft()
            self._begin(signal, moment if self._waits else signal.at)

    @property
    def _is_ready(self) -> bool:
        return self.handshake.is_ready and self._inspection is not None

    def _begin(self, signal: TriggerSignal, at: float) -> None:
        """Accept a trigger and let it be inspected."""
        inspection = self._inspection
        if inspection is None:
            self.handshake.refuse()
            return
        number, self._next = self._next, self._next + 1
        self.handshake.accept(number)
        if self.gate is not None:
            self.gate.accept(number, at)
        trigger = Trigger(
            number,
            at,
            part_seq=signal.part_seq,
            part_id=signal.part_id,
            recipe=inspection.recipe.number,
            frames=signal.frames,
            faults=signal.faults,
            challenge=self._reference_part(signal.part_id),
        )
        allowed_s = inspection.recipe.deadline_ms / 1000
        self._in_flight[number] = _InFlight(
            trigger,
            inspection.recipe.product,
            at + allowed_s,
            at + STALL_DEADLINES * allowed_s,
        )
        self._inspector.inspect(trigger, inspection)

    def _complete(self, part: InspectedPart) -> None:
        number = part.trigger.number
        if (left := self._left.pop(number, None)) is not None:
            if part.result is LineResult.PASS:
                self._inspector.correct(part, left)
            return
        self._in_flight.pop(number, None)
        self._publish(part)

    def _publish(self, part: InspectedPart) -> None:
        if not self.handshake.complete(part, monotonic()):
            return
        if self.gate is not None:
            self.gate.decide(part.trigger.number, part.result)
        self._outputs.show(self.handshake.block(), monotonic())
        self._outputs.send(part)
        if part.trigger.frames:
            for source in self._sources:
                source.answer(part.trigger, is_recorded=part.is_recorded)
        if part.trigger.challenge and self.interlock is not None:
            self._follow_challenge(part, self.interlock)
        if self.on_part is not None:
            self.on_part(part)

    def _reference_part(self, part_id: str) -> str:
        interlock = self.interlock
        is_running = interlock is not None and interlock.is_running
        return interlock.next_part(part_id) if interlock is not None and is_running else ""

    def _begin_challenge(self, answer: Callable[[bool, str], None] | None) -> None:
        if self.interlock is None:
            _tell(answer, False, "The recipe lists no reference parts.")
        elif not self.interlock.begin():
            _tell(answer, False, "The last challenge failed: a lead has to release it.")
        else:
            self._challenger = answer

    def _follow_challenge(self, part: InspectedPart, interlock: Interlock) -> None:
        state = interlock.add(part)
        if state is ChallengeState.RUNNING:
            return
        if self.on_challenge is not None:
            self.on_challenge(state, interlock)
        _tell(self._challenger, state is ChallengeState.PASSED, interlock.progress.sentence)
        self._challenger = None

    def _hold_for_sources(self) -> None:
        """Be offline while what notices the parts notices none, or the gate has lost them."""
        is_broken = any(source.problem for source in self._sources)
        is_broken = is_broken or (self.gate is not None and self.gate.stop is not None)
        (self.handshake.add_offline if is_broken else self.handshake.remove_offline)(
            OfflineReason.STATION
        )

    def _await_cameras(self) -> None:
        """Be offline from a changeover on until every camera is open and proven the right one."""
        if self._are_cameras_new and self._inspection and self._inspection.cameras.are_usable:
            self._are_cameras_new = False
            self.interlock = self._interlock_of(self._inspection)
            self.handshake.remove_offline(OfflineReason.CAMERA)

    def _hold_for_challenge(self) -> None:
        """Be offline while the challenge is due, but for the reference parts themselves."""
        interlock = self.interlock
        if interlock is None or interlock.is_running or not interlock.holds_line(now()):
            self.handshake.remove_offline(OfflineReason.CHALLENGE)
        else:
            self.handshake.add_offline(OfflineReason.CHALLENGE)

    def _answer_late(self, moment: float) -> None:
        for number, one in list(self._in_flight.items()):
            if moment >= one.deadline:
                self._answer_now(number, LineVerdict.because(LineReason.LATE))

    def _answer_now(self, number: int, verdict: LineVerdict) -> None:
        """Answer a part that is under way; what comes of it later is recorded as this."""
        one = self._in_flight.pop(number)
        if self._inspector.is_stalled(monotonic() - (one.stalled_at - one.trigger.at)):
            verdict = LineVerdict.because(LineReason.STALLED, *verdict.reasons)
        self._left[number] = verdict
        self._inspector.answer(one.trigger, verdict)
        draft = Draft(one.trigger, verdict, one.trigger.part_id, one.product)
        self._publish(unrecorded(draft))

    def _switch(self) -> None:
        """Change over to a prepared recipe, once no part is under way."""
        if (prepared := self._pending) is None or self._in_flight or not self._inspector.is_idle:
            return
        self._pending = None
        if prepared.recipe is None or prepared.reader is None:
            log.error("a recipe could not be prepared: %s", prepared.problem)
        else:
            self._inspection = self._changeover.switch(
                prepared.recipe, prepared.reader, prepared.cameras
            )
            self._are_cameras_new = True
            self.handshake.recipe = prepared.number
            self.handshake.add_offline(OfflineReason.CAMERA)
            self.handshake.remove_offline(OfflineReason.STARTING)
        _tell(self._answer, prepared.recipe is not None, prepared.problem)
        self._answer = None


def _tell(answer: Callable[[bool, str], None] | None, is_done: bool, sentence: str) -> None:
    if answer is not None:
        answer(is_done, sentence)

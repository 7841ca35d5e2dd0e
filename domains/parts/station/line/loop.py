"""The line's loop: every trigger is answered once, in time, and nothing passes off the record."""

from __future__ import annotations

import logging
import re
from collections import deque
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from threading import Event as Flag
from time import monotonic

from core.records.values import now
from domains.parts.station.challenge.runner import Answer, ChallengeRunner
from domains.parts.station.judging.inspection import FramesTaken, Inspection
from domains.parts.station.judging.inspector import Inspector
from domains.parts.station.judging.under_way import PartsUnderWay
from domains.parts.station.line.changeover import Changeover, PreparedRecipe
from domains.parts.station.line.gate_runner import GateRunner
from domains.parts.station.line.problems import offline_reasons, problems_of
from domains.parts.station.outputs.group import OutputGroup
from domains.parts.station.part import InspectedPart, Trigger
from domains.parts.station.plc.handshake import (
    CommandAsked,
    Event,
    Handshake,
    Triggered,
)
from domains.parts.station.plc.registers import CHALLENGE_COMMAND, OfflineReason
from domains.parts.station.ports import (
    Command,
    ControlWrite,
    Signal,
    TriggerSignal,
    TriggerSource,
)
from domains.parts.station.result import LineReason

BEAT_S, AGAIN_S = 0.05, 2.0
HOLDS = (OfflineReason.CHALLENGE, OfflineReason.CAMERA, OfflineReason.STATION)

log = logging.getLogger(__name__)

Item = Signal | FramesTaken | InspectedPart | PreparedRecipe
OnPart = Callable[[InspectedPart], None]


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
        challenge: Holds the line until the reference parts were shown.
        sources: What notices parts by itself, opened.
        gate: Follows the parts to the reject gate; None where the station has none.
        on_part: Called with every part that was answered.
        monitor_problem: Returns why nobody watches whether the certificate holds; empty while
            somebody does.
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
        challenge: ChallengeRunner | None = None,
        sources: Sequence[TriggerSource] = (),
        gate: GateRunner | None = None,
        on_part: OnPart = lambda _: None,
        monitor_problem: Callable[[], str] = str,
    ) -> None:
        self.handshake, self._changeover = handshake, changeover
        self._outputs, self._next, self._waits = outputs, first_number, waits
        self.inbox: SimpleQueue[Item] = SimpleQueue()
        self._sources = sources
        self._backlog: deque[TriggerSignal] = deque()
        self._under_way = PartsUnderWay(inspector)
        self._inspection: Inspection | None = None
        self._pending: PreparedRecipe | None = None
        self._unprepared = ""
        self._are_cameras_new = False
        self._challenge, self._gate, self._on_part = challenge, gate, on_part
        self._monitor_problem = monitor_problem

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
        for part in self._under_way.answer_all(LineReason.INTERRUPTED):
            self._publish(part)
        self._show(monotonic())

    def step(self, item: Item | None) -> None:
        """Take one item, or none, and do what time asks for."""
        match item:
            case ControlWrite():
                self._control(item)
            case TriggerSignal():
                self._backlog.append(item)
            case InspectedPart() if self._under_way.take(item):
                self._publish(item)
            case FramesTaken():
                self.handshake.finish_acquisition(item.number)
            case PreparedRecipe():
                self._take_prepared(item)
            case Command():
                self._obey(item)
        moment = monotonic()
        for part in self._under_way.answer_overdue(moment):
            self._publish(part)
        self._switch()
        self._await_cameras()
        self._hold_offline()
        self._take_backlog(moment)
        self._tick(moment)
        self._show(moment)

    def _show(self, moment: float) -> None:
        inspection = self._inspection or self._unprepared
        problems = problems_of(self._sources, inspection, self._gate, self._monitor_problem())
        self._outputs.show(self.handshake.block(), moment, problems)

    def _take_prepared(self, prepared: PreparedRecipe) -> None:
        if self._changeover.is_newest(prepared):
            self._pending = prepared
        else:
            prepared.answer(False, "Another recipe was asked for since.")

    def _next_item(self) -> Item | None:
        deadlines = [*self._under_way.deadlines]
        if self._gate is not None and self._gate.wakes_at is not None:
            deadlines.append(self._gate.wakes_at)
        wait_s = min([BEAT_S, *(deadline - monotonic() for deadline in deadlines)])
        try:
            return self.inbox.get(timeout=max(0.0, wait_s))
        except Empty:
            return None

    def _control(self, write: ControlWrite) -> None:
        if self._gate is not None:
            self._gate.control(write.words, write.at)
        for event in self.handshake.control(write.words, write.at):
            self._handle(event)

    def _tick(self, moment: float) -> None:
        if self._gate is not None:
            self._gate.tick(moment)
        self.handshake.tick(moment)

    def _handle(self, event: Event) -> None:
        answer: Answer = lambda is_done, _: self.handshake.finish_command(is_done)  # noqa: E731
        match event:
            case Triggered():
                signal = TriggerSignal(event.at, event.part_seq, event.part_id)
                self._begin(signal, event.at)
            case CommandAsked(code=code) if code == CHALLENGE_COMMAND:
                self._begin_challenge(answer)
            case CommandAsked():
                self._changeover.prepare(event.code, answer)

    def _begin_challenge(self, answer: Answer) -> None:
        if self._challenge is not None:
            self._challenge.begin(answer)
        else:
            answer(False, "This station has no challenge.")

    def _obey(self, command: Command) -> None:
        answer = command.answer or (lambda *_: None)
        match command.name:
            case "recipe" if re.fullmatch("[0-9]{1,9}", command.argument):
                self._changeover.prepare(int(command.argument), answer)
                return
            case "challenge":
                self._begin_challenge(answer)
                return
            case "release" if self._challenge is not None:
                self._challenge.release()
            case "offline" | "online":
                self.handshake.take_offline("client", command.name == "offline")
            case "stop":
                self.handshake.add_offline(OfflineReason.OPERATOR)
            case "acknowledge":
                self._acknowledge()
            case _:
                answer(False, f"There is no command {command.name!r} {command.argument[:64]!r}.")
                return
        answer(True, "")

    def _acknowledge(self) -> None:
        """Go on after an operator's stop, or one by the gate."""
        self.handshake.remove_offline(OfflineReason.OPERATOR)
        if self._gate is not None:
            self._gate.clear()

    def _take_backlog(self, moment: float) -> None:
        while self._backlog:
            if self._inspection is None or not self.handshake.is_ready:
                if self._waits:
                    return
                self._backlog.popleft()
                self.handshake.refuse()
                continue
            signal = self._backlog.popleft()
            self._begin(signal, moment if self._waits else signal.at)

    def _begin(self, signal: TriggerSignal, at: float) -> None:
        """Accept a trigger and let it be inspected."""
        inspection = self._inspection
        if inspection is None:
            self.handshake.refuse()
            return
        number, self._next = self._next, self._next + 1
        self.handshake.accept(number)
        if self._gate is not None:
            self._gate.accept(number, at)
        trigger = Trigger(
            number,
            at,
            part_seq=signal.part_seq,
            part_id=signal.part_id,
            recipe=inspection.recipe.number,
            frames=signal.frames,
            faults=signal.faults,
            challenge=self._challenge.reference_part(signal.part_id) if self._challenge else "",
        )
        self._under_way.begin(trigger, inspection)

    def _publish(self, part: InspectedPart) -> None:
        if not self.handshake.complete(part, monotonic()):
            return
        self._outputs.announce(part)
        if self._gate is not None:
            self._gate.decide(part.trigger.number, part.result)
        self._show(monotonic())
        self._outputs.send(part)
        if part.trigger.frames:
            for source in self._sources:
                source.answer(part.trigger, is_recorded=part.is_recorded)
        if self._challenge is not None:
            self._challenge.follow(part)
        self._on_part(part)

    def _await_cameras(self) -> None:
        """Follow a changeover until every camera is open and proven the right one."""
        if self._are_cameras_new and self._inspection and self._inspection.cameras.are_usable:
            self._are_cameras_new = False
            if self._challenge is not None:
                self._challenge.change(self._inspection)

    def _hold_offline(self) -> None:
        """Be offline while cameras are new, parts are not noticed or lost, or a challenge is due.

        The reference parts of a challenge that has begun are inspected.
        """
        reasons = offline_reasons(self._sources, self._gate)
        if self._are_cameras_new:
            reasons.add(OfflineReason.CAMERA)
        if self._challenge is not None and self._challenge.holds_line(now()):
            reasons.add(OfflineReason.CHALLENGE)
        for reason in HOLDS:
            is_held = reason in reasons
            (self.handshake.add_offline if is_held else self.handshake.remove_offline)(reason)

    def _switch(self) -> None:
        """Change over to a prepared recipe, once no part is under way."""
        if (prepared := self._pending) is None or self._under_way:
            return
        self._pending = None
        self._unprepared = prepared.problem
        if prepared.recipe is None or prepared.reader is None:
            log.error("a recipe could not be prepared: %s", prepared.problem)
            if self._inspection is None:
                self._changeover.prepare(prepared.number, after_s=AGAIN_S)
        else:
            self._inspection = self._changeover.switch(
                prepared.recipe, prepared.reader, prepared.cameras
            )
            self._are_cameras_new = True
            self.handshake.recipe = prepared.number
            self.handshake.add_offline(OfflineReason.CAMERA)
            self.handshake.remove_offline(OfflineReason.STARTING)
        prepared.answer(prepared.recipe is not None, prepared.problem)

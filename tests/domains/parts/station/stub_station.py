"""A station whose inspection is a function: the real handshake behind a real output, no camera."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import replace
from time import monotonic

from domains.parts.station.part import InspectedPart
from domains.parts.station.plc.handshake import CommandAsked, Event, Handshake, Triggered
from domains.parts.station.plc.registers import OfflineReason
from domains.parts.station.ports import ControlWrite, Signal, StationOutput, TriggerSignal
from domains.parts.station.result import LineReason
from tests.domains.parts.station.inspected import inspected

Judge = Callable[[int, str], tuple[LineReason, ...]]


class StubStation:
    """Runs until the `with` block ends.

    Attributes:
        accepted: PartSeq of every trigger that was accepted, in order.
        commands: Commands that were asked for; each is carried out.
        is_hung: Set it, and the loop does nothing any more.
    """

    def __init__(self, judge: Judge) -> None:
        self.accepted: list[int] = []
        self.commands: list[CommandAsked] = []
        self.is_hung = threading.Event()
        self._judge = judge
        self._signals: queue.SimpleQueue[Signal] = queue.SimpleQueue()
        self._handshake = Handshake(needs_enable=True)
        self._handshake.remove_offline(OfflineReason.STARTING)
        self._has_ended = threading.Event()
        self._number = 65_500
        self._thread = threading.Thread(target=self._run, name="stub station")
        self.output: StationOutput | None = None

    def post(self, signal: Signal) -> None:
        self._signals.put(signal)

    def serve(self, output: StationOutput) -> StubStation:
        self.output = output
        return self

    def __enter__(self) -> StubStation:
        assert self.output is not None
        self.output.open()
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._has_ended.set()
        self._thread.join()
        assert self.output is not None
        self.output.close()

    def _run(self) -> None:
        assert self.output is not None
        while not self._has_ended.is_set():
            try:
                signal = self._signals.get(timeout=0.02)
            except queue.Empty:
                signal = None
            if self.is_hung.is_set():
                continue
            self._take(signal)
            self._handshake.tick(monotonic())
            self.output.show(self._handshake.block(), {})

    def _take(self, signal: Signal | None) -> None:
        if isinstance(signal, ControlWrite):
            for event in self._handshake.control(signal.words, signal.at):
                self._follow(event)
        elif isinstance(signal, TriggerSignal):
            if self._handshake.is_ready:
                self._inspect(signal.part_seq, signal.part_id, signal.at)
            else:
                self._handshake.refuse()

    def _follow(self, event: Event) -> None:
        if isinstance(event, Triggered):
            self._inspect(event.part_seq, event.part_id, event.at)
        elif isinstance(event, CommandAsked):
            self.commands.append(event)
            self._handshake.recipe = event.code
            self._handshake.finish_command(True)

    def _inspect(self, part_seq: int, part_id: str, at: float) -> None:
        self._number += 1
        self._handshake.accept(self._number)
        self.accepted.append(part_seq)
        # TriggerAck is shown before the result, as it is where judging takes time.
        assert self.output is not None
        self.output.show(self._handshake.block(), {})
        part = inspected(
            self._number, *self._judge(part_seq, part_id), part_seq=part_seq, at=at, part_id=part_id
        )
        self._handshake.complete(payload(part), monotonic())


def payload(part: InspectedPart) -> InspectedPart:
    """Return the part with a bundle and a policy that only its own block can hold."""
    number = part.trigger.number
    return replace(part, bundle_sha256=f"{number:08x}", policy=f"{number & 0xFFFF:04x}")

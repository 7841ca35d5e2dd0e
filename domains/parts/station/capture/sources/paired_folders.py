"""Several watched folders, one for each camera: the pictures of one part are one trigger."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from queue import Empty, SimpleQueue
from threading import Event as Flag
from threading import Thread
from time import monotonic

from domains.parts.station.capture.pairing import Pairing
from domains.parts.station.part import Trigger
from domains.parts.station.plc.registers import OfflineReason
from domains.parts.station.ports import Post, TriggerSignal, TriggerSource

BEAT_S = 0.05

PartInFile = Callable[[str, str], str]

log = logging.getLogger(__name__)


class PairedFolders:
    """Posts one trigger for each part with a picture of every camera, one at a time.

    A part of which a picture is missing when the time is over is posted as it is, with the fault
    VIEW_MISSING. A picture that comes later is a part of its own, which fails likewise.

    Args:
        cameras: Names of the cameras.
        limit_s: For how long the first picture of a part waits for the others.
        part_in: Returns what names the part in a file's name, given the camera's.
        post: Where triggers go.
    """

    def __init__(
        self, cameras: Sequence[str], limit_s: float, part_in: PartInFile, post: Post
    ) -> None:
        self._post, self._pairing = post, Pairing(cameras, limit_s)
        self._part_in = part_in
        self._sources: Sequence[TriggerSource] = ()
        self._found: SimpleQueue[TriggerSignal | None] = SimpleQueue()
        self._ready: deque[TriggerSignal] = deque()
        self._is_under_way = False
        self._stop = Flag()
        self._open = ExitStack()
        self._thread = Thread(target=self._run, name="paired folders", daemon=True)

    def take(self, signal: object) -> None:
        """Take the picture that one of the folders announces; from any thread."""
        if isinstance(signal, TriggerSignal):
            self._found.put(signal)

    def follow(self, sources: Sequence[TriggerSource]) -> None:
        """Follow these folders, whose triggers come to ``take``; before ``open``."""
        self._sources = sources

    @property
    def problem(self) -> str:
        """Why it notices nothing at present; empty while it works."""
        found = [source.problem for source in self._sources if source.problem]
        if not self._thread.is_alive() and self._thread.ident and not self._stop.is_set():
            found.append("The pictures of several folders are not put together any more.")
        return " ".join(found)

    @property
    def offline_reason(self) -> OfflineReason:
        """What the station is offline for while it notices nothing."""
        return OfflineReason.STATION

    def open(self) -> None:
        """Start watching.

        Raises:
            ConfigError: A folder is not there.
        """
        with ExitStack() as stack:
            for source in self._sources:
                source.open()
                stack.callback(source.close)
            self._open = stack.pop_all()
        self._thread.start()

    def answer(self, trigger: Trigger, *, is_recorded: bool) -> None:
        """Take note that a trigger is answered: the next part may come."""
        for source in self._sources:
            source.answer(trigger, is_recorded=is_recorded)
        self._found.put(None)

    def close(self) -> None:
        """Stop watching."""
        self._stop.set()
        self._open.close()
        if self._thread.ident is not None:
            self._thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                signal = self._found.get(timeout=BEAT_S)
            except Empty:
                pass
            else:
                self._is_under_way &= signal is not None
                self._ready += [] if signal is None else self._paired(signal)
            self._ready += self._pairing.expire(monotonic())
            if self._ready and not self._is_under_way:
                self._is_under_way = True
                self._post(replace(self._ready.popleft(), at=monotonic()))

    def _paired(self, signal: TriggerSignal) -> list[TriggerSignal]:
        (frame,) = signal.frames
        return self._pairing.add(self._part_in(frame.name, frame.camera), frame.camera, signal)

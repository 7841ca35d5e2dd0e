"""A watched folder: every picture that somebody puts there is a part."""

from __future__ import annotations

import hashlib
import logging
import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Thread
from time import monotonic

from core.errors import AssayError, ConfigError
from core.imaging.files import open_file, open_regular, suffix_of
from core.imaging.function_sandbox import FunctionSandbox, unparsed
from core.imaging.junk import PEEK, is_junk
from core.imaging.sniff import SUFFIXES, looks_like_picture
from core.settings import Settings
from core.types import Unreadable
from domains.parts.station.capture.sources.folder_events import FolderEvents
from domains.parts.station.capture.sources.judged_files import JudgedFiles
from domains.parts.station.capture.sources.pending_files import (
    FileState,
    Notice,
    PendingFile,
    PendingFiles,
)
from domains.parts.station.capture.sources.whole_file import CHECK
from domains.parts.station.options import TriggerOptions
from domains.parts.station.part import CapturedFrame, Trigger
from domains.parts.station.plc.registers import OfflineReason
from domains.parts.station.ports import Post, TriggerSignal
from domains.parts.station.result import LineReason

_TEMPORARY = (".tmp", ".temp", ".part", ".partial", ".filepart", ".crdownload", ".swp", "~")
LONGEST_CHECK_S = 5.0
"""A file that keeps its decoder busy for longer holds up those behind it, and does not decode."""

_PRUNED_EVERY = 300
_LISTED_AT_ONCE = 256
_GONE = "There is no such file."

log = logging.getLogger(__name__)


class FolderSource:
    """Posts one trigger for each new picture of a folder, oldest first, each exactly once.

    A picture is new when its name is, or its bytes are. It is handed on when it was closed or
    renamed, or stood still, and decodes; one that still does not decode two seconds later is
    handed on as it is with the fault UNREADABLE, and holds no other up meanwhile. The folder is
    listed besides its events, because those get lost.

    Args:
        camera: Name of the camera in the recipe.
        folder: The folder; those in it are not watched.
        options: Settling time, how often it is listed, and whether events are relied on.
        settings: Limits of the files and of the process that decodes them.
        judged: Which files are judged already; closed with the source.
        post: Where triggers go.
        most: How many triggers may be under way at a time.
    """

    def __init__(
        self,
        camera: str,
        folder: Path,
        options: TriggerOptions,
        settings: Settings,
        judged: JudgedFiles,
        post: Post,
        most: int = 1,
    ) -> None:
        self._camera, self._folder, self._options = camera, folder, options
        self._max_bytes, self._judged, self._post = settings.max_bytes, judged, post
        self._most = most
        limit_s = min(LONGEST_CHECK_S, settings.decode_timeout_s)
        limits = settings.model_copy(update={"decode_timeout_s": limit_s})
        self._sandbox = FunctionSandbox(CHECK, limits, unparsed)
        self._pending = PendingFiles(options.settle_ms / 1000)
        self._states: dict[str, FileState] = {}
        self._answers: SimpleQueue[tuple[Trigger, bool]] = SimpleQueue()
        self._events = FolderEvents(folder)
        self._unanswered: dict[str, str] = {}
        self._under_way: set[str] = set()
        self._listings = 0
        self._lost = ""
        self._stop = Event()
        self._thread = Thread(target=self._run, name="folder", daemon=True)

    @property
    def problem(self) -> str:
        """Why it notices nothing at present; empty while it works."""
        if self._stop.is_set() or self._thread.ident is None or self._thread.is_alive():
            return self._lost
        return f"The folder {self._folder} is not watched any more: see the log."

    @property
    def offline_reason(self) -> OfflineReason:
        """What the station is offline for while it notices nothing."""
        return OfflineReason.STATION

    def open(self) -> None:
        """Start watching.

        Raises:
            ConfigError: There is no such folder.
        """
        if not os.path.isdir(self._folder):
            raise ConfigError(
                f"The folder {self._folder} does not exist.",
                hint="Create it, or correct the camera's `source` in the station file.",
            )
        if not self._options.polling:
            self._events.follow()
        self._thread.start()

    def answer(self, trigger: Trigger, *, is_recorded: bool) -> None:
        """Take note that a trigger is answered."""
        self._answers.put((trigger, is_recorded))
        self._events.wake()

    def close(self) -> None:
        """Stop watching, and let the record go."""
        self._stop.set()
        self._events.wake()
        if self._thread.ident is not None:
            self._thread.join()
        self._events.stop()
        self._take_answers()
        self._judged.close()

    def _run(self) -> None:
        listed_at = -self._options.rescan_s
        with self._sandbox:
            while not self._stop.is_set():
                if monotonic() - listed_at >= self._options.rescan_s:
                    listed_at = monotonic()
                    self._list()
                self._serve(listed_at + self._options.rescan_s)

    def _serve(self, until: float) -> None:
        """Hand on what is complete, then wait for events, an answer, or what becomes complete."""
        self._take_answers()
        self._hand_on()
        due = self._pending.next_due_at()
        if due is not None and len(self._under_way) < self._most:
            until = min(until, due)
        self._note(self._events.take(max(until - monotonic(), 0.0)))

    def _note(self, announced: Sequence[tuple[str, Notice]]) -> None:
        """Look at some files; those that did not change since become complete together."""
        looked_at = [(self._state(name), name, notice) for name, notice in announced]
        now = monotonic()
        for state, name, notice in looked_at:
            if state is None:
                self._forget(name)
            elif state == self._states.get(name) and notice != "complete":
                continue
            elif self._is_picture(name):
                self._pending.note(state, now, notice)
            else:
                self._states[name] = state

    def _list(self) -> None:
        """Note what is new or changed; a folder that is gone is waited for."""
        if not self._options.polling:
            self._events.follow()
        try:
            names = os.listdir(self._folder)
        except OSError as exc:
            self._lost = f"The folder {self._folder} cannot be listed: {exc.strerror}."
            log.error("%s", self._lost)
            return
        self._lost = ""
        for first in range(0, len(names), _LISTED_AT_ONCE):
            self._note([(name, "found") for name in names[first : first + _LISTED_AT_ONCE]])
            self._serve(0.0)  # a large folder holds nobody up
        self._drop_gone(set(names))

    def _drop_gone(self, present: set[str]) -> None:
        for name in [*self._pending, *self._states]:
            if name not in present and self._state(name) is None:
                self._forget(name)
        if self._listings % _PRUNED_EVERY == 0:
            self._judged.prune(present)
        self._listings += 1

    def _forget(self, name: str) -> None:
        self._pending.forget(name)
        self._states.pop(name, None)

    def _hand_on(self) -> None:
        while not self._stop.is_set() and len(self._under_way) < self._most:
            file = self._pending.pop(monotonic())
            if file is None:
                return
            self._read(file)

    def _read(self, file: PendingFile) -> None:
        name = file.state.name
        incoming = open_file(self._folder / name, self._max_bytes)
        state = self._state(name)
        if state is None or incoming.problem == _GONE:
            log.warning("%r was gone before it was read", name)
            self._forget(name)
            return
        if state != file.state:  # it changed while it was read
            self._pending.note(state, monotonic(), "found")
            return
        digest = incoming.sha256 or hashlib.sha256(incoming.problem.encode()).hexdigest()
        if digest == self._judged.digest_of(name):
            self._states[name] = state
            return
        pixels = self._digest(incoming.data, incoming.problem, name)
        if not pixels and not self._pending.is_given_up(file, monotonic()):
            self._pending.put_back(file)
            return
        self._states[name] = state
        self._judged.add(name, digest)
        self._unanswered[name] = digest
        # What has no pixels is no frame of a frozen camera, whatever else came.
        raw = pixels or hashlib.sha256(f"{name} {digest}".encode()).hexdigest()
        self._send(name, incoming.data or b"", raw, is_whole=bool(pixels))

    def _digest(self, data: bytes | None, problem: str, name: str) -> str:
        """Return the digest of the pixels; empty where the file does not decode."""
        if data is not None:
            try:
                outcome = self._sandbox.call(data)
            except AssayError as exc:
                outcome = Unreadable(str(exc))
            if not isinstance(outcome, Unreadable):
                return str(outcome.record.get("pixels", ""))
            problem = outcome.message
        log.warning("%r does not decode: %s", name, problem)
        return ""

    def _send(self, name: str, data: bytes, raw_sha256: str, is_whole: bool) -> None:
        now = monotonic()
        frame = CapturedFrame(
            camera=self._camera,
            data=data,
            counter=None,
            exposed_at=now,
            camera_time_s=None,
            raw_sha256=raw_sha256,
            since_open=1,
            name=name,
        )
        self._under_way.add(name)
        faults = () if is_whole else (LineReason.UNREADABLE,)
        self._post(TriggerSignal(now, frames=(frame,), faults=faults))

    def _take_answers(self) -> None:
        for trigger, is_recorded in _drain(self._answers):
            for frame in (one for one in trigger.frames if one.camera == self._camera):
                self._under_way.discard(frame.name)
                digest = self._unanswered.pop(frame.name, "")
                if is_recorded and digest:
                    self._judged.save(frame.name, digest)

    def _state(self, name: str) -> FileState | None:
        """Return what the system says of a file; None where it is none or is to be ignored."""
        if is_junk(name) or name.casefold().endswith(_TEMPORARY):
            return None
        try:
            status = os.lstat(self._folder / name)
        except (OSError, ValueError):
            return None
        if stat.S_ISDIR(status.st_mode):
            return None
        return FileState(
            status.st_mtime_ns, name, status.st_size, status.st_ctime_ns, status.st_ino
        )

    def _is_picture(self, name: str) -> bool:
        """Return whether a name, or the first bytes, are a picture's; others are not for us."""
        path = self._folder / name
        if suffix_of(path) in SUFFIXES:
            return True
        try:
            descriptor = open_regular(path)
            try:
                return looks_like_picture(os.read(descriptor, PEEK))
            finally:
                os.close(descriptor)
        except (OSError, ValueError):
            return False


def _drain(queue: SimpleQueue[tuple[Trigger, bool]]) -> Iterator[tuple[Trigger, bool]]:
    while True:
        try:
            yield queue.get_nowait()
        except Empty:
            return

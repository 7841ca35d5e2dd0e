"""The thread that inspects and records, one part after another; the line's loop never waits."""

from __future__ import annotations

import errno
import logging
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from queue import SimpleQueue
from threading import Lock, Thread
from time import monotonic

from core.errors import AssayError, StoreError
from domains.parts.station.judging.inspection import FramesTaken, Inspection, reason_of
from domains.parts.station.part import InspectedPart, Trigger
from domains.parts.station.records.parts import Draft, PartRecorder, unrecorded
from domains.parts.station.result import LineReason, LineResult, LineVerdict

MOST_OWED = 10_000

log = logging.getLogger(__name__)

Done = Callable[[InspectedPart | FramesTaken], None]
FreeDisk = Callable[[], bool]
_Task = Callable[[], None]


class Inspector:
    """Inspects parts and puts them on record.

    Args:
        recorder: Puts parts on record.
        done: Called with each part once it is on record, or cannot be; called from the thread.
        free_disk: Frees what is held in reserve when the disk is full, and returns whether it did.
    """

    def __init__(self, recorder: PartRecorder, done: Done, free_disk: FreeDisk) -> None:
        self._recorder, self._done, self._free_disk = recorder, done, free_disk
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._lock = Lock()
        self._answered: dict[int, LineVerdict] = {}
        self._began_at: float | None = None
        self._waiting = 0
        self._owed: deque[InspectedPart] = deque(maxlen=MOST_OWED)
        self._thread = Thread(target=self._run, name="inspector", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self, timeout_s: float) -> None:
        """End after what is under way; a thread that hangs is left to the end of the process."""
        self._tasks.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    @property
    def is_idle(self) -> bool:
        """Whether no part is under way or waits."""
        return self._waiting == 0

    @property
    def has_ended(self) -> bool:
        """Whether nothing is written any more."""
        return not self._thread.is_alive()

    def inspect(self, trigger: Trigger, inspection: Inspection) -> None:
        """Inspect a part and put it on record; ``done`` is called with it."""
        with self._lock:
            self._waiting += 1
        self._tasks.put(lambda: self._inspect(trigger, inspection))

    def answer(self, trigger: Trigger, verdict: LineVerdict) -> None:
        """Note that a part under way was answered already; what comes of it is recorded as that.

        Args:
            trigger: The part's trigger.
            verdict: What left: FAIL or STOP.
        """
        with self._lock:
            self._answered[trigger.number] = verdict

    def correct(self, part: InspectedPart, verdict: LineVerdict) -> None:
        """Record that FAIL or STOP left instead of what is on record."""
        with self._lock:
            self._answered.pop(part.trigger.number, None)
        self._tasks.put(lambda: self._correct(part, verdict))

    def submit(self, task: Callable[[], None]) -> None:
        """Do something else that takes time, after what waits."""
        self._tasks.put(task)

    def is_stalled(self, since: float) -> bool:
        """Return whether one part has been under way since before then, or the thread is dead.

        Args:
            since: Seconds of the monotonic clock.
        """
        began_at = self._began_at
        return not self._thread.is_alive() or (began_at is not None and began_at < since)

    def record(self, draft: Draft) -> None:
        """Put a verdict on record that has left without an inspection; never a PASS."""
        part = unrecorded(draft)
        self._tasks.put(lambda: self._record(replace(draft, verdict=part.verdict)))

    def _run(self) -> None:
        while (task := self._tasks.get()) is not None:
            for one in (self._record_the_rest, task):
                try:
                    one()
                except Exception:
                    log.exception("the inspector failed")

    def _inspect(self, trigger: Trigger, inspection: Inspection) -> None:
        self._began_at = monotonic()
        try:
            draft = inspection.inspect(self._recorder.station, trigger, self._done)
            part = self._commit(self._as_answered(draft))
            with self._lock:
                answer = self._answered.pop(trigger.number, None)
            if answer is not None:
                # A PASS: it was answered while it was being committed.
                self._correct(part, answer)
                part = replace(part, verdict=answer)
            self._done(part)
        finally:
            self._began_at = None
            with self._lock:
                self._waiting -= 1

    def _as_answered(self, draft: Draft) -> Draft:
        with self._lock:
            answer = self._answered.get(draft.trigger.number)
        return draft if answer is None else replace(draft, verdict=answer)

    def _commit(self, draft: Draft) -> InspectedPart:
        for _ in range(2):
            try:
                return self._recorder.commit(draft)
            except Exception as exc:
                is_full = is_disk_full(exc)
                reason = LineReason.DISK if is_full else _reason_not_recorded(exc)
                detail = exc.message if isinstance(exc, AssayError) else type(exc).__name__
                log.exception("a part could not be recorded")
                verdict = LineVerdict.because(reason, *draft.verdict.reasons)
                draft = replace(draft, verdict=verdict, detail=detail)
                if not (is_full and self._free_disk()):
                    break
        part = unrecorded(draft)
        self._owed.append(part)
        return part

    def _correct(self, part: InspectedPart, verdict: LineVerdict) -> None:
        if part.result is not LineResult.PASS:
            return
        try:
            self._recorder.correct(part, verdict)
        except StoreError:
            log.exception("a late part could not be corrected")
            self._owed.append(replace(part, verdict=verdict))

    def _record(self, draft: Draft) -> None:
        try:
            self._recorder.commit(draft)
        except Exception as exc:
            log.exception("a verdict could not be recorded")
            if is_disk_full(exc):
                self._free_disk()
            self._owed.append(unrecorded(draft))

    def _record_the_rest(self) -> None:
        while self._owed:
            part = self._owed.popleft()
            try:
                # The store may have kept what it seemed to refuse: then this counts instead.
                self._recorder.add(part)
            except StoreError:
                self._owed.appendleft(part)
                return


def is_disk_full(exc: BaseException) -> bool:
    """Return whether a failure, or what caused it, is a full disk."""
    return any(
        (isinstance(one, OSError) and one.errno in {errno.ENOSPC, errno.EDQUOT})
        or "disk is full" in str(one)
        for one in _causes(exc)
    )


def _causes(exc: BaseException) -> Iterator[BaseException]:
    one: BaseException | None = exc
    while one is not None:
        yield one
        one = one.__cause__ or one.__context__


def _reason_not_recorded(exc: BaseException) -> LineReason:
    reason = reason_of(exc)
    return reason if reason is LineReason.MEMORY else LineReason.NOT_RECORDED

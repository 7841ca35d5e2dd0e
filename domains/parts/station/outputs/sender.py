"""Handing results to a receiver that may be slow, in a thread of its own."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic

from core.errors import AssayError
from core.logs import Event, Word
from domains.parts.station.message import Body

LIVE_S = 5.0
"""Sending a result begins within so many seconds, or is left to the outbox."""

QUEUE = 1000
"""Most results that wait; what comes on top is left to the outbox."""

logger = logging.getLogger(__name__)

Deliver = Callable[[Sequence[Body]], None]


@dataclass(frozen=True, slots=True)
class _Waiting:
    body: Body
    since: float


class ResultSender:
    """Sends results one batch after another, and keeps which ones have arrived.

    A result that fails is not tried again here: it stays in the outbox. The next one is tried, so
    that one failure holds nothing up.
    """

    def __init__(self, name: str, deliver: Deliver, batch: int = 1) -> None:
        """Prepare; nothing runs before `start`.

        Args:
            name: What messages and the thread call it, such as ``parts.webhook``.
            deliver: Returns once the receiver has every message of a batch; raises AssayError or
                OSError where it may not have one.
            batch: Most messages in one call.
        """
        self._name = name
        self._deliver = deliver
        self._batch = batch
        self._waiting: deque[_Waiting] = deque()
        self._changed = threading.Condition()
        self._confirmed: deque[str] = deque()
        self._thread: threading.Thread | None = None
        self._is_stopping = False
        self.problem = ""

    def start(self) -> None:
        """Start the thread."""
        self._is_stopping = False
        self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        self._thread.start()

    def hand_over(self, body: Body) -> None:
        """Let a message be sent; it is left to the outbox where too many wait already."""
        with self._changed:
            if len(self._waiting) < QUEUE:
                self._waiting.append(_Waiting(body, monotonic()))
                self._changed.notify()

    def confirmed(self) -> tuple[str, ...]:
        """Return the ids of the messages that arrived since the last call."""
        return tuple(self._confirmed.popleft() for _ in range(len(self._confirmed)))

    def stop(self, wait_s: float) -> None:
        """End the thread after the batch that it is at; the rest is left to the outbox.

        Args:
            wait_s: Longest wait for that batch.
        """
        with self._changed:
            self._is_stopping = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(wait_s)

    def _run(self) -> None:
        while (batch := self._next()) is not None:
            if not batch:
                continue
            try:
                self._deliver(batch)
            except (AssayError, OSError) as exc:
                self._note(str(exc), exc)
            else:
                self._confirmed.extend(str(body["id"]) for body in batch)
                self._note("")

    def _next(self) -> list[Body] | None:
        """Return what is to be sent now, or None at the end; old ones are dropped on the way."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._is_stopping)
            if self._is_stopping:
                return None
            count = min(self._batch, len(self._waiting))
            taken = [self._waiting.popleft() for _ in range(count)]
        return [one.body for one in taken if monotonic() - one.since < LIVE_S]

    def _note(self, problem: str, exc: BaseException | None = None) -> None:
        if bool(problem) != bool(self.problem):
            fields: dict[str, str] = {"kind": self._name}
            if exc is not None:
                fields["error"] = type(exc).__name__
            logger.warning(Event(Word.FAILED if problem else Word.CONNECTED, fields))
        self.problem = problem

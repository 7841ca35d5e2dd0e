"""An ordered map over daemon threads with a watchdog on every call."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from concurrent.futures import TimeoutError as Overdue
from contextlib import suppress
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Generic, TypeVar

from core.errors import InferenceStalled

AHEAD = 16
THREAD_NAME = "assay-worker"

_LOOK_S = 0.02
_END_S = 5.0  # an ordinary call is over in well under a second

T = TypeVar("T")
R = TypeVar("R")


class _Threads(Generic[T, R]):
    """Daemon threads on one queue: a thread that never returns must not keep the process alive."""

    def __init__(self, work: Callable[[T], R], count: int) -> None:
        self._work = work
        self._queue: SimpleQueue[tuple[T, Future[R]] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._overdue = 0
        for _ in range(count):
            self._spawn()

    def replace_overdue(self) -> None:
        """Start a thread in the place of one whose call does not return."""
        self._overdue += 1
        self._spawn()

    def _spawn(self) -> None:
        thread = threading.Thread(target=self._serve, daemon=True, name=THREAD_NAME)
        self._threads.append(thread)
        thread.start()

    def submit(self, item: T) -> Future[R]:
        future: Future[R] = Future()
        self._queue.put((item, future))
        return future

    def close(self) -> None:
        """Forget what nobody has begun, and wait for what is under way.

        A thread that is inside the network while the interpreter shuts down aborts the process.
        Threads whose call is overdue are not waited for.
        """
        with suppress(Empty):
            while True:
                self._queue.get_nowait()
        for _ in self._threads:
            self._queue.put(None)
        end = monotonic() + _END_S
        while self._count_alive() > self._overdue and monotonic() < end:
            for thread in self._threads:
                thread.join(_LOOK_S)

    def _count_alive(self) -> int:
        return sum(thread.is_alive() for thread in self._threads)

    def _serve(self) -> None:
        while (job := self._queue.get()) is not None:
            item, future = job
            try:
                future.set_result(self._work(item))
            except BaseException as exc:
                # Handed to the caller, who decides: a thread must not end silently.
                future.set_exception(exc)


def ordered_map(
    work: Callable[[T], R],
    items: Iterable[T],
    *,
    workers: int,
    timeout_s: float,
    stalled: Callable[[T, InferenceStalled], R],
) -> Iterator[R]:
    """Apply ``work`` to every item on several threads and yield the answers in the items' order.

    Items are drawn ``AHEAD`` a worker before the answers, so that memory stays flat and the threads
    have work while the caller writes to disk.

    Args:
        work: What to do with one item.
        items: Any iterable, endless ones too.
        workers: Number of threads, at least 1.
        timeout_s: Longest wait in seconds for one call once it is its turn. An overdue call is
            abandoned with its thread, and a fresh thread takes its place.
        stalled: Makes the answer for an item whose call was abandoned.

    Raises:
        Exception: Whatever ``work`` raised, at that item's turn.
    """
    threads = _Threads(work, workers)
    waiting: deque[tuple[T, Future[R]]] = deque()
    try:
        for item in items:
            waiting.append((item, threads.submit(item)))
            if len(waiting) > AHEAD * workers:
                yield _answer(threads, *waiting.popleft(), timeout_s, stalled)
        while waiting:
            yield _answer(threads, *waiting.popleft(), timeout_s, stalled)
    finally:
        threads.close()


def _answer(
    threads: _Threads[T, R],
    item: T,
    future: Future[R],
    timeout_s: float,
    stalled: Callable[[T, InferenceStalled], R],
) -> R:
    try:
        return future.result(timeout_s)
    except Overdue:
        threads.replace_overdue()
        return stalled(
            item,
            InferenceStalled(
                f"The network gave no answer within {timeout_s:g} s.",
                hint="Restart the process; if it happens again choose another ASSAY_RUNTIME.",
            ),
        )

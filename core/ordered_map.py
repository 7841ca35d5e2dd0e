"""Ordered maps over threads: one with a watchdog on every call, a plain one for pure work."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as Overdue
from contextlib import suppress
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any, Protocol, Self, TypeVar

from core.errors import InferenceStalled

AHEAD = 16
THREAD_NAME = "assay-worker"

_JOIN_S = 0.02
_END_S = 5.0  # an ordinary call is over in well under a second

T = TypeVar("T")
R = TypeVar("R")


class Each(Protocol):
    """Applies work to items, in their order, as the builtin ``map`` does."""

    def __call__(self, work: Callable[[T], R], items: Iterable[T], /) -> Iterator[R]:
        """Return an iterator of the answers."""


class WatchedThreads:
    """Daemon threads on one queue: a thread that never returns must not keep the process alive.

    A context manager: the threads start on entry and stay until exit. Safe from several threads.

    Args:
        count: Number of threads, at least 1.
        timeout_s: Longest wait in seconds for one call once it is its turn. An overdue call is
            abandoned with its thread, and a fresh thread takes its place.
    """

    def __init__(self, count: int, timeout_s: float) -> None:
        self._count = count
        self._timeout_s = timeout_s
        self._queue: SimpleQueue[tuple[Callable[[], Any], Future[Any]] | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._overdue = 0

    def __enter__(self) -> Self:
        """Return itself, its threads started."""
        for _ in range(self._count):
            self._spawn()
        return self

    def __exit__(self, *exception: object) -> None:
        """Drop calls that have not begun, and wait for those under way.

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
                thread.join(_JOIN_S)
        self._threads.clear()
        self._overdue = 0

    def call(
        self, work: Callable[[T], R], item: T, stalled: Callable[[T, InferenceStalled], R]
    ) -> R:
        """Return ``work(item)``, or ``stalled``'s answer where that takes too long.

        Raises:
            Exception: Whatever ``work`` raised.
        """
        return self._answer(item, self._submit(work, item), stalled)

    def map(
        self,
        work: Callable[[T], R],
        items: Iterable[T],
        stalled: Callable[[T, InferenceStalled], R],
    ) -> Generator[R, None, None]:
        """Yield the answer of ``work`` for every item, in the items' order.

        Items are taken ``AHEAD`` a thread before the answers, so that memory stays flat and the
        threads have work while the caller writes to disk.

        Args:
            work: What to do with one item.
            items: Any iterable, endless ones too.
            stalled: Makes the answer for an item whose call was abandoned.

        Raises:
            Exception: Whatever ``work`` raised, at that item's turn.
        """
        waiting: deque[tuple[T, Future[R]]] = deque()
        try:
            for item in items:
                waiting.append((item, self._submit(work, item)))
                if len(waiting) > AHEAD * self._count:
                    yield self._answer(*waiting.popleft(), stalled)
            while waiting:
                yield self._answer(*waiting.popleft(), stalled)
        finally:
            for _, future in waiting:
                future.cancel()

    def _submit(self, work: Callable[[T], R], item: T) -> Future[R]:
        future: Future[R] = Future()
        self._queue.put((lambda: work(item), future))
        return future

    def _answer(self, item: T, future: Future[R], stalled: Callable[[T, InferenceStalled], R]) -> R:
        try:
            return future.result(self._timeout_s)
        except Overdue:
            future.cancel()  # should it not have begun, behind a call that nobody waits for
            self._overdue += 1
            self._spawn()
            return stalled(
                item,
                InferenceStalled(
                    f"The network gave no answer within {self._timeout_s:g} s.",
                    hint="Restart the process; if it happens again choose another ASSAY_RUNTIME.",
                ),
            )

    def _spawn(self) -> None:
        thread = threading.Thread(target=self._serve, daemon=True, name=THREAD_NAME)
        self._threads.append(thread)
        thread.start()

    def _count_alive(self) -> int:
        return sum(thread.is_alive() for thread in self._threads)

    def _serve(self) -> None:
        while (job := self._queue.get()) is not None:
            work, future = job
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(work())
            except BaseException as exc:
                # Handed to the caller, who decides: a thread must not end silently.
                future.set_exception(exc)
            del job, work, future  # a picture must not live until the next one comes


def ordered_map(
    work: Callable[[T], R],
    items: Iterable[T],
    *,
    workers: int,
    timeout_s: float,
    stalled: Callable[[T, InferenceStalled], R],
) -> Iterator[R]:
    """Yield ``work`` of every item by threads of its own, as ``WatchedThreads.map``.

    Args:
        work: What to do with one item.
        items: Any iterable, endless ones too.
        workers: Number of threads, at least 1.
        timeout_s: As in ``WatchedThreads``.
        stalled: Makes the answer for an item whose call was abandoned.

    Raises:
        Exception: Whatever ``work`` raised, at that item's turn.
    """
    with WatchedThreads(workers, timeout_s) as threads:
        yield from threads.map(work, items, stalled)


def threaded_map(work: Callable[[T], R], items: Iterable[T], *, workers: int) -> Iterator[R]:
    """Yield ``work`` of every item, in the items' order, by threads of its own.

    For work that ends by itself and lets other threads run, as OpenCV's functions do. Items are
    taken ``AHEAD`` a thread before the answers.

    Args:
        work: What to do with one item.
        items: Any iterable, endless ones too.
        workers: Number of threads, at least 1.

    Raises:
        Exception: Whatever ``work`` raised, at that item's turn.
    """
    waiting: deque[Future[R]] = deque()
    pool = ThreadPoolExecutor(workers, THREAD_NAME)
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > AHEAD * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)

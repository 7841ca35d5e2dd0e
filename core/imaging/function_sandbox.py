"""One named function in disposable processes, called on one file after the other."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from itertools import cycle, islice
from threading import Lock
from typing import Any, Generic, Self, TypeVar

from core.imaging.files import cap_bytes, wrap_bytes
from core.imaging.functions import Output
from core.imaging.lanes import DecoderLane
from core.imaging.protocol import BATCH, SLOTS, Request, Spec
from core.settings import Settings
from core.types import Unreadable

_PART_BYTES = 64 * 1024
"""Largest request for a part of a file."""

T = TypeVar("T")


def unparsed(output: Output, _sha256: str) -> Output:
    """Return what a function gave as it is, for a caller that checks it."""
    return output


class FunctionSandbox(Generic[T]):
    """Runs a function on files that may kill its process; a context manager.

    The processes start on entry, or with the first call, and are gone after exit. Calls from
    several threads take turns.

    Args:
        function: Import path ``module:function``, as in `core.imaging.functions`.
        settings: The limits of the process; the function's arguments hold ``max_pixels`` of them.
        parse: ``(Output, sha256) -> T``, as in `DecoderLane`: on a ValueError the process is
            replaced, and a file on which that happens twice is unreadable.
        arguments: JSON that the function is called with besides.
        entry: Import path of the pack that the function calls; it gets it as ``entry``.
        outbox_bytes: Room for the arrays that it returns.
        processes: How many work on a ``map``; a ``call`` is the first one's.
        batch: Most files in work at once in a process; 1 where the arrays are so large that more
            of them would not fit its memory.
        file: Descriptor of a file too large to be sent, open for reading until exit; the function
            gets it as ``file``, and what it is called with says which part of it is asked for.
    """

    def __init__(
        self,
        function: str,
        settings: Settings,
        parse: Callable[[Output, str], T],
        *,
        arguments: Mapping[str, Any] | None = None,
        entry: str = "",
        outbox_bytes: int = 0,
        processes: int = 1,
        batch: int = BATCH,
        file: int | None = None,
    ) -> None:
        given = {} if file is None else {"file": file}
        own = {"max_pixels": settings.max_pixels, "entry": entry, **given}
        spec = Spec(
            functions=(function,),
            arguments={**own, **(arguments or {})},
            inbox_bytes=settings.max_bytes if file is None else _PART_BYTES * batch,
            outbox_bytes=outbox_bytes,
            memory_mb=settings.decode_memory_mb,
            timeout_s=settings.decode_timeout_s,
            character_set=settings.character_set,
            entry=entry,
            inherited=tuple(given.values()),
            batch=batch,
        )
        self._max_bytes = settings.max_bytes if file is None else _PART_BYTES
        self._max_request = spec.inbox_bytes // batch
        self._lanes = [DecoderLane(spec, parse) for _ in range(processes)]
        self._turn = Lock()
        self._has_map = False
        self._batch = batch

    def __enter__(self) -> Self:
        """Return itself, its processes started but not waited for."""
        for lane in self._lanes:
            lane.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """Kill the processes."""
        with self._turn:
            for lane in self._lanes:
                lane.stop()

    def call(self, data: bytes) -> T | Unreadable:
        """Return what the function makes of a file, or why it makes nothing.

        The arrays and the record come from a process that is not trusted: types and sizes are
        checked here, what the record means by ``parse``.

        Raises:
            ConfigError: The process cannot start at all.
            ValueError: A ``map`` is under way.
        """
        item = cap_bytes(wrap_bytes("", data), self._max_bytes)
        if item.data is None:
            return Unreadable(item.problem, item.sha256)
        with self._turn:
            self._refuse_second()
            lane = self._lanes[0]
            lane.submit([Request(item.data, item.sha256)])
            ((outcome, _),) = lane.outcomes()
        return outcome

    def map(self, requests: Iterable[bytes]) -> Generator[T | Unreadable, None, None]:
        """Yield what the function makes of each request, in order, two batches a process ahead.

        Args:
            requests: Whole files, of which a batch may take ``max_bytes`` together; or what asks
                for the parts of ``file``, at most 64 KiB each.

        Raises:
            ConfigError: The process cannot start at all.
            ValueError: A request is too large, or another ``map`` is under way.
        """
        with self._turn:
            self._refuse_second()
            self._has_map = True
        pending = iter(requests)
        under_way: deque[DecoderLane[T]] = deque()
        try:
            for lane in cycle(self._lanes):
                batch = [self._request(data) for data in islice(pending, self._batch)]
                if not batch:
                    break
                lane.submit(batch)
                under_way.append(lane)
                if len(under_way) == SLOTS * len(self._lanes):
                    yield from _finish_batch(under_way.popleft())
            while under_way:
                yield from _finish_batch(under_way.popleft())
        finally:
            # Not under the lock: whoever leaves a `map` half used may hold it, or end the sandbox.
            for lane in self._lanes:
                lane.abandon()
            self._has_map = False

    def _refuse_second(self) -> None:
        if self._has_map:
            raise ValueError("expected no `map` of the sandbox under way")

    def _request(self, data: bytes) -> Request:
        if len(data) > self._max_request:
            raise ValueError(
                f"request: expected at most {self._max_request} bytes, got {len(data)}"
            )
        return Request(data, hashlib.sha256(data).hexdigest())


def _finish_batch(lane: DecoderLane[T]) -> Iterator[T | Unreadable]:
    for outcome, _ in lane.outcomes():
        yield outcome

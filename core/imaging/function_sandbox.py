"""One named function in a disposable process, called on one file after the other."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from itertools import islice
from threading import Lock
from typing import Any, Self

from core.imaging.files import cap_bytes, wrap_bytes
from core.imaging.functions import Output
from core.imaging.lanes import DecoderLane
from core.imaging.protocol import BATCH, SLOTS, Request, Spec
from core.settings import Settings
from core.types import Unreadable

_PART_BYTES = 64 * 1024
"""Largest request for a part of a file."""


class FunctionSandbox:
    """Runs a function on files that may kill its process; a context manager.

    The process starts on entry, or with the first call, and is gone after exit. Calls from several
    threads take turns.

    Args:
        function: Import path ``module:function``, as in `core.imaging.functions`.
        settings: The limits of the process; the function's arguments hold ``max_pixels`` of them.
        arguments: JSON that the function is called with besides.
        entry: Import path of the pack that the function calls; it gets it as ``entry``.
        outbox_bytes: Room for the arrays that it returns.
        batch: Most files in work at once; 1 where the arrays are so large that more of them would
            not fit the memory of a process.
        file: Descriptor of a file too large to be sent, open for reading until exit; the function
            gets it as ``file``, and what it is called with says which part of it is asked for.
    """

    def __init__(
        self,
        function: str,
        settings: Settings,
        *,
        arguments: Mapping[str, Any] | None = None,
        entry: str = "",
        outbox_bytes: int = 0,
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
        self._lane: DecoderLane[Output] = DecoderLane(spec, lambda output, _sha256: output)
        self._turn = Lock()
        self._has_map = False
        self._batch = batch

    def __enter__(self) -> Self:
        """Return itself, its process started but not waited for."""
        self._lane.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """Kill the process."""
        with self._turn:
            self._lane.stop()

    def call(self, data: bytes) -> Output | Unreadable:
        """Return what the function makes of a file, or why it makes nothing.

        The arrays and the record come from a process that is not trusted: types and sizes are
        checked, what the record means is the caller's to check.

        Raises:
            ConfigError: The process cannot start at all.
            ValueError: A ``map`` is under way.
        """
        item = cap_bytes(wrap_bytes("", data), self._max_bytes)
        if item.data is None:
            return Unreadable(item.problem, item.sha256)
        with self._turn:
            self._refuse_second()
            self._lane.submit([Request(item.data, item.sha256)])
            ((outcome, _),) = self._lane.outcomes()
        return outcome

    def map(self, requests: Iterable[bytes]) -> Generator[Output | Unreadable, None, None]:
        """Yield what the function makes of each request, in order, a batch ahead of what is used.

        Args:
            requests: What asks for the parts of a file, at most 64 KiB each.

        Raises:
            ConfigError: The process cannot start at all.
            ValueError: A request is too large, or another ``map`` is under way.
        """
        with self._turn:
            self._refuse_second()
            self._has_map = True
        pending, under_way = iter(requests), 0
        try:
            while batch := [_request(part) for part in islice(pending, self._batch)]:
                self._lane.submit(batch)
                under_way += 1
                if under_way == SLOTS:
                    yield from self._finish_batch()
                    under_way -= 1
            for _ in range(under_way):
                yield from self._finish_batch()
        finally:
            # Not under the lock: whoever leaves a `map` half used may hold it, or end the sandbox.
            self._lane.abandon()
            self._has_map = False

    def _refuse_second(self) -> None:
        if self._has_map:
            raise ValueError("expected no `map` of the sandbox under way")

    def _finish_batch(self) -> Iterator[Output | Unreadable]:
        for outcome, _ in self._lane.outcomes():
            yield outcome


def _request(part: bytes) -> Request:
    if len(part) > _PART_BYTES:
        raise ValueError(f"request: expected at most {_PART_BYTES} bytes, got {len(part)}")
    return Request(part, "")

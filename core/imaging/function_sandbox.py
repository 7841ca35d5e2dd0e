"""One named function in a disposable process, called on one file after the other."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Lock
from typing import Any, Self

from core.imaging.files import cap_bytes, wrap_bytes
from core.imaging.functions import Output
from core.imaging.lanes import DecoderLane
from core.imaging.protocol import Request, Spec
from core.settings import Settings
from core.types import Unreadable


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
    """

    def __init__(
        self,
        function: str,
        settings: Settings,
        *,
        arguments: Mapping[str, Any] | None = None,
        entry: str = "",
        outbox_bytes: int = 0,
    ) -> None:
        spec = Spec(
            functions=(function,),
            arguments={"max_pixels": settings.max_pixels, "entry": entry, **(arguments or {})},
            inbox_bytes=settings.max_bytes,
            outbox_bytes=outbox_bytes,
            memory_mb=settings.decode_memory_mb,
            timeout_s=settings.decode_timeout_s,
            character_set=settings.character_set,
            entry=entry,
        )
        self._max_bytes = settings.max_bytes
        self._lane: DecoderLane[Output] = DecoderLane(spec, lambda output, _sha256: output)
        self._turn = Lock()

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
        """
        item = cap_bytes(wrap_bytes("", data), self._max_bytes)
        if item.data is None:
            return Unreadable(item.problem, item.sha256)
        with self._turn:
            self._lane.submit([Request(item.data, item.sha256)])
            ((outcome, _),) = self._lane.outcomes()
        return outcome

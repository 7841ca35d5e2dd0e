"""Samples out of bytes: through disposable decoder processes, or here for trusted files."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import cycle
from typing import Self, TypeVar

from core.imaging.attempt import attempt, describe
from core.imaging.depth import Depths
from core.imaging.files import Incoming, cap_bytes
from core.imaging.functions import Output
from core.imaging.lanes import HEADER, DecoderLane
from core.imaging.protocol import BATCH, SLOTS, Request, Spec
from core.imaging.reading import DESCRIBE, PREPARE, arguments_of, picture_of
from core.packs import DomainPack
from core.settings import Settings
from core.types import Prepared, Sample, Unreadable

_BATCH_BYTES = 8 * 1024 * 1024

_Picture = Prepared | Unreadable
In = TypeVar("In", bound=Incoming)
_Batch = list[tuple[In, Incoming]]  # what came in, and what of it is sent


def samples_in_process(
    pack: DomainPack,
    size: int,
    incoming: Iterable[Incoming],
    max_pixels: int,
    depths: Depths | None = None,
) -> Iterator[Sample]:
    """Yield trusted files prepared in this process; bit for bit what a sandbox gives.

    A file that crashes its decoder takes this process along: only for files we made ourselves.

    Args:
        pack: The pack that reads and prepares.
        size: Side in pixels of the prepared square.
        incoming: The files.
        max_pixels: Largest width times height that may be decoded.
        depths: Bits that the data of each source use; None while they are being measured.
    """
    for item in incoming:
        if item.data is None:
            yield _without_data(item, describe(pack, item.head) if item.head else None)
        else:
            outcome, elapsed_ms = attempt(pack, item.data, size, max_pixels, depths)
            yield Sample(item.id, replace(outcome, sha256=item.sha256), item.group, elapsed_ms)


class Sandbox:
    """Decoder processes that hostile bytes may kill without harm; a context manager.

    The processes start on entry, load the pack once, and are gone after exit. One ``samples`` runs
    at a time, from whichever thread.

    Args:
        entry: Import path of the pack, ``module:attribute``.
        size: Side in pixels of the prepared square.
        settings: How many processes, and their limits.
        depths: Bits that the data of each source use; None while they are being measured.
    """

    def __init__(
        self, entry: str, size: int, settings: Settings, depths: Depths | None = None
    ) -> None:
        spec = Spec(
            functions=(PREPARE, DESCRIBE),
            arguments=arguments_of(entry, size, settings.max_pixels, depths),
            inbox_bytes=settings.max_bytes,
            outbox_bytes=3 * size * size,
            memory_mb=settings.decode_memory_mb,
            timeout_s=settings.decode_timeout_s,
            character_set=settings.character_set,
            entry=entry,
        )
        self._max_bytes = settings.max_bytes
        self._busy = False
        parse = partial(_parse, size=size)
        self._lanes: list[DecoderLane[_Picture]] = [
            DecoderLane(spec, parse) for _ in range(settings.decoders)
        ]

    def __enter__(self) -> Self:
        """Return itself, its processes started but not waited for."""
        for lane in self._lanes:
            lane.start()
        return self

    def __exit__(self, *exception: object) -> None:
        """Kill the processes."""
        for lane in self._lanes:
            lane.stop()

    @property
    def layers(self) -> tuple[str, ...]:
        """Return what confines the processes here, as ``Decoder.layers``.

        Raises:
            ConfigError: A process cannot start.
        """
        return self._lanes[0].start().layers

    def samples(self, incoming: Iterable[Incoming]) -> Iterator[Sample]:
        """Yield exactly one sample a file, prepared lazily and in order, as ``pairs``."""
        return (sample for _, sample in self.pairs(incoming))

    def pairs(self, incoming: Iterable[In]) -> Generator[tuple[In, Sample], None, None]:
        """Yield each file with the one sample that it makes, lazily and in order.

        Two batches of up to 16 files a process are read ahead. A file on which a process crashes
        is tried once more alone in a fresh one, since the damage may stem from a file before it;
        one that ran out of time is not.

        Args:
            incoming: The files; what it raises passes through.

        Raises:
            ConfigError: A process cannot start at all.
            ValueError: Another ``pairs`` of this sandbox is under way.
        """
        if self._busy:
            raise ValueError("pairs: expected one at a time, got a second one")
        self._busy = True
        under_way: deque[tuple[_Batch[In], DecoderLane[_Picture]]] = deque()
        try:
            for batch, lane in zip(_batches(incoming, self._max_bytes), cycle(self._lanes)):
                lane.submit([request for _, item in batch if (request := _request(item))])
                under_way.append((batch, lane))
                if len(under_way) == SLOTS * len(self._lanes):
                    yield from _finish(*under_way.popleft())
            while under_way:
                yield from _finish(*under_way.popleft())
        finally:
            self._busy = False
            for lane in self._lanes:
                lane.abandon()


def _parse(output: Output, sha256: str, *, size: int) -> _Picture:
    return picture_of(output, size, sha256)


def _request(item: Incoming) -> Request | None:
    if item.data is not None:
        return Request(item.data, item.sha256)
    return Request(item.head, item.sha256, HEADER) if item.head else None


def _finish(batch: _Batch[In], lane: DecoderLane[_Picture]) -> Iterator[tuple[In, Sample]]:
    outcomes = lane.outcomes() if any(_request(item) for _, item in batch) else iter(())
    for given, item in batch:
        if item.data is None:
            yield given, _without_data(item, next(outcomes)[0] if item.head else None)
        else:
            frame, elapsed_ms = next(outcomes)
            yield given, Sample(item.id, frame, item.group, elapsed_ms)
    next(outcomes, None)


def _without_data(item: Incoming, described: Prepared | Unreadable | None) -> Sample:
    message = item.problem or "There are no bytes to read."
    known = described or Unreadable("")
    frame = Unreadable(message, item.sha256, meta=known.meta, group=known.group)
    return Sample(item.id, frame, item.group)


def _batches(incoming: Iterable[In], max_bytes: int) -> Iterator[_Batch[In]]:
    batch: _Batch[In] = []
    batch_bytes = 0
    limit = min(_BATCH_BYTES, max_bytes)
    for given in incoming:
        item = cap_bytes(given, max_bytes)
        length = len(item.data or item.head)
        if batch and (len(batch) == BATCH or batch_bytes + length > limit):
            yield batch
            batch, batch_bytes = [], 0
        batch.append((given, item))
        batch_bytes += length
    if batch:
        yield batch

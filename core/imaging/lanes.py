"""A place where one disposable process runs, and after it the next."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Generic, TypeVar

from core.imaging.decoder import Decoder, DecoderLost
from core.imaging.functions import Output
from core.imaging.protocol import Request, Spec
from core.types import Unreadable

logger = logging.getLogger(__name__)

T = TypeVar("T")

HEADER = 1
"""Number of the function that reads a file's header alone, where a spec has more than one."""


class DecoderLane(Generic[T]):
    """Runs files through a process, which it replaces when one of them kills it.

    A file on which the process crashes is tried once more alone in a fresh one, since the damage
    may stem from a file before it; one that ran out of time is not.

    Args:
        spec: What the processes run.
        parse: ``(Output, sha256) -> T``; ValueError means that the process is not to be trusted.
    """

    def __init__(self, spec: Spec, parse: Callable[[Output, str], T]) -> None:
        self._spec = spec
        self._parse = parse
        self._decoder: Decoder | None = None
        self._jobs: deque[list[Request]] = deque()

    def start(self) -> Decoder:
        """Return the process, started where there is none and not waited for."""
        if self._decoder is None:
            self._decoder = Decoder(self._spec)
        return self._decoder

    def stop(self) -> None:
        """Kill the process."""
        if self._decoder is not None:
            self._decoder.close()
        self._decoder = None

    def abandon(self) -> None:
        """Forget unfinished jobs; their process is not worth waiting for."""
        if any(self._jobs):
            self.stop()
        self._jobs.clear()

    def submit(self, job: Sequence[Request]) -> None:
        """Hand over files; the process works on them when it is through with the last."""
        decoder = self.start()
        if job:
            self._jobs.append(list(job))
            decoder.send(job)

    def outcomes(self) -> Iterator[tuple[T | Unreadable, float]]:
        """Yield the outcomes of the oldest job, in order, with the milliseconds that each took."""
        job = self._jobs[0]
        while job:
            request = job[0]
            try:
                outcome = self._receive(request)
                job.pop(0)
            except DecoderLost as lost:
                outcome = self._retry(request, lost)
                job.pop(0)
                self._resend()
            yield outcome
        self._jobs.popleft()

    def _receive(self, request: Request) -> tuple[T | Unreadable, float]:
        output, elapsed_ms = self.start().receive()
        if isinstance(output, Unreadable):
            return replace(output, sha256=request.sha256), elapsed_ms
        try:
            return self._parse(output, request.sha256), elapsed_ms
        except ValueError as exc:
            raise DecoderLost("The decoder process answered nonsense on this picture.") from exc

    def _retry(self, request: Request, lost: DecoderLost) -> tuple[T | Unreadable, float]:
        logger.warning("a decoder process was lost: %s", lost)
        self.stop()
        if lost.out_of_time:
            return self._lost(request, lost), 0.0
        try:
            return self._alone(request)
        except DecoderLost as again:
            self.stop()
            return self._lost(request, again), 0.0

    def _lost(self, request: Request, lost: DecoderLost) -> Unreadable:
        """Return what stands for a file that no process survives, and what its header says."""
        described: T | Unreadable = Unreadable("")
        if request.function != HEADER and len(self._spec.functions) > HEADER:
            try:
                described, _ = self._alone(replace(request, function=HEADER))
            except DecoderLost as again:
                logger.warning("a decoder process was lost on a header: %s", again)
                self.stop()
        known = described if isinstance(described, Unreadable) else Unreadable("")
        return Unreadable(str(lost), request.sha256, True, known.meta, known.group)

    def _alone(self, request: Request) -> tuple[T | Unreadable, float]:
        self.start().send([request])
        return self._receive(request)

    def _resend(self) -> None:
        for job in self._jobs:
            if job:
                self.start().send(job)

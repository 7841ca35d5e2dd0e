"""The parent's end of one disposable decoder process."""

from __future__ import annotations

import fcntl
import json
import math
import mmap
import os
import signal
import subprocess
from collections import deque
from collections.abc import Sequence
from contextlib import suppress

import numpy as np

from core.child_process import ChildEnded, ChildLost, ChildProcess, LineTooLong
from core.errors import ConfigError
from core.imaging.confinement import close_to_children, keep_harmless
from core.imaging.functions import Output
from core.imaging.protocol import SLOTS, Answer, Request, Spec, command, parse_answer
from core.types import Unreadable

_START_S = 60.0
_TUNING = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "OPENCV_LOG_LEVEL": "OFF",
    # Keep freed pictures' pages instead of asking the kernel for them anew: a tenth of the time.
    "MALLOC_MMAP_THRESHOLD_": str(64 * 1024**2),
    "MALLOC_TRIM_THRESHOLD_": str(128 * 1024**2),
}


class DecoderLost(Exception):
    """The process died, hung or answered nonsense; the message says which, as a sentence.

    Attributes:
        out_of_time: Whether it was given all its time, so that a second try is pointless.
    """

    def __init__(self, message: str, *, out_of_time: bool = False) -> None:
        super().__init__(message)
        self.out_of_time = out_of_time


class Decoder:
    """One running process. It is used until it is lost or closed, and never restarted.

    At most two batches of at most 16 files may be under way; answers come in the order sent.
    """

    def __init__(self, spec: Spec) -> None:
        self._spec = spec
        self._ready = False
        self._due: deque[int] = deque()
        self._next_slot = 0
        self._layers: tuple[str, ...] = ()
        close_to_children()
        descriptor = _sealed_memory(spec.memory_bytes)
        try:
            self._memory = mmap.mmap(descriptor, spec.memory_bytes)
            self._child = ChildProcess(
                "core.imaging.child",
                [spec.to_json(), str(descriptor)],
                environment=_environment(spec),
                stderr=subprocess.DEVNULL,
                inherited=(descriptor, *spec.inherited),
                # Shorter than any picture's alarm, which would end a child that is only deaf.
                exit_wait_s=1.0,
            )
        finally:
            os.close(descriptor)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._child.pid

    @property
    def layers(self) -> tuple[str, ...]:
        """Return what confines the process, such as ``landlock 6``; waits until it has started.

        Raises:
            ConfigError: It could not start.
        """
        if not self._ready:
            self._await_start()
        return self._layers

    def send(self, requests: Sequence[Request]) -> None:
        """Hand over one batch, which the process works on when it is through with the last."""
        slot = self._next_slot
        self._next_slot = (slot + 1) % SLOTS
        at = self._spec.inbox_at(slot)
        places = []
        for index, one in enumerate(requests):
            end = at + len(one.data)
            self._memory[at:end] = one.data
            places.append((at, len(one.data), one.function))
            self._due.append(self._spec.outbox_at(slot, index))
            at = end
        self._child.send(command(slot, places))

    def receive(self) -> tuple[Output | Unreadable, float]:
        """Return what became of the next file, with the milliseconds that it took.

        Raises:
            DecoderLost: The process died, hung or answered nonsense.
            ConfigError: It could not even start, so that no picture is to blame.
        """
        if not self._ready:
            self._await_start()
        line = self._read_line(self._spec.timeout_s)
        try:
            answer = parse_answer(line, self._spec.outbox_bytes)
        except ValueError as exc:
            raise DecoderLost("The decoder process answered nonsense on this picture.") from exc
        at = self._due.popleft()
        if answer.error:
            return Unreadable(answer.error), answer.elapsed_ms
        return self._output(answer, at), answer.elapsed_ms

    def close(self) -> None:
        """Kill the process and give everything back; safe to call twice."""
        self._child.kill()
        # Ctrl-C may have come while an array was being copied out: its frame, which the exception
        # under way keeps, holds the memory, and gives it back at its own end.
        with suppress(BufferError):
            self._memory.close()

    def _output(self, answer: Answer, at: int) -> Output:
        arrays = {}
        for one in answer.arrays:
            flat = np.frombuffer(self._memory, one.kind, math.prod(one.shape), at + one.at)
            arrays[one.name] = flat.copy().reshape(one.shape)
        return Output(arrays, answer.record)

    def _await_start(self) -> None:
        try:
            started = json.loads(self._read_line(_START_S))
        except (DecoderLost, ValueError) as exc:
            code = self._child.exit_code()
            how = f"no word within {_START_S:g} s" if code is None else f"exit code {code}"
            raise ConfigError(
                f"The decoder process does not start: expected it to load the pack, got {how}.",
                hint=f"If memory is short, raise ASSAY_DECODE_MEMORY_MB ({self._spec.memory_mb}).",
            ) from exc
        confined = started.get("confined") if isinstance(started, dict) else None
        if not isinstance(confined, list):
            failure = started.get("failed") if isinstance(started, dict) else started
            raise ConfigError(f"The decoder process does not start: {failure}")
        self._layers = tuple(map(str, confined))
        self._ready = True

    def _read_line(self, seconds: float) -> bytes:
        try:
            line = self._child.receive(seconds)
        except ChildLost as exc:
            raise self._lost(exc) from exc
        if line is None:
            raise DecoderLost(_out_of_time(seconds), out_of_time=True)
        return line

    def _lost(self, how: ChildLost) -> DecoderLost:
        if isinstance(how, LineTooLong):
            return DecoderLost("The decoder process answered nonsense on this picture.")
        if not isinstance(how, ChildEnded):
            return DecoderLost("The decoder process closed its channel on this picture.")
        if how.code == -signal.SIGALRM:
            return DecoderLost(_out_of_time(self._spec.timeout_s), out_of_time=True)
        return DecoderLost(f"The decoder process crashed on this picture ({how}).")


def _out_of_time(seconds: float) -> str:
    return f"The decoder ran out of time on this picture: expected at most {seconds:g} s."


def _sealed_memory(size: int) -> int:
    """Return memory that no process can shrink, which would kill whoever reads it."""
    descriptor = os.memfd_create("assay-decoder", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(descriptor, size)
    seals = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
    fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)
    return descriptor


def _environment(spec: Spec) -> dict[str, str]:
    """Return the child's environment: harmless names, tuning, what packs may ask."""
    asked = {"ASSAY_CHARACTER_SET": spec.character_set}
    return {**keep_harmless(os.environ), **_TUNING, **asked}

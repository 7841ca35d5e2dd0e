"""The disposable decoder process: ``python -m core.imaging.child SPEC DESCRIPTOR``."""

from __future__ import annotations

import json
import mmap
import os
import resource
import signal
import sys
from collections.abc import Iterator
from io import FileIO

import cv2
import numpy as np

from core.errors import ConfigError
from core.imaging.attempt import attempt
from core.imaging.protocol import Spec, answer
from core.packs import load
from core.types import Prepared

_CPU_SECONDS = 3600
_ALARM_FACTOR = 1.5
_MEBI = 1024 * 1024


def main() -> None:
    """Confine this process, load the pack, answer batches until the parent is gone."""
    spec = Spec(**json.loads(sys.argv[1]))
    _confine(spec.memory_mb)
    cv2.setNumThreads(1)
    commands, answers = _take_channel()
    with mmap.mmap(int(sys.argv[2]), spec.memory_bytes) as memory:
        _serve(spec, memory, commands, answers)


def _confine(memory_mb: int) -> None:
    limits = {
        resource.RLIMIT_AS: memory_mb * _MEBI,
        resource.RLIMIT_CPU: _CPU_SECONDS,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: 0,
    }
    for kind, limit in limits.items():
        hard = resource.getrlimit(kind)[1]
        lowest = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (lowest, lowest))


def _take_channel() -> tuple[FileIO, FileIO]:
    """Keep the pipes for ourselves: a decoder that prints must not speak to the parent."""
    commands, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.close(nothing)
    return FileIO(commands, "r"), FileIO(answers, "w")


def _serve(spec: Spec, memory: mmap.mmap, commands: FileIO, answers: FileIO) -> None:
    try:
        pack = load(spec.entry)
    except ConfigError as exc:
        _write(answers, json.dumps({"failed": str(exc)}).encode() + b"\n")
        return
    _write(answers, b'{"ready": true}\n')
    for line in _lines(commands):
        order = json.loads(line)
        for index, (start, length) in enumerate(order["places"]):
            _arm(spec.timeout_s * _ALARM_FACTOR)
            data = memory[start : start + length]
            outcome, elapsed_ms = attempt(pack, data, spec.size, spec.max_pixels)
            _arm(0.0)
            if isinstance(outcome, Prepared):
                at = spec.outbox_at(order["slot"], index)
                memory[at : at + spec.picture_bytes] = np.ascontiguousarray(
                    outcome.pixels
                ).data.cast("B")
            _write(answers, answer(outcome, elapsed_ms))


def _arm(seconds: float) -> None:
    """Let the kernel end this process when one picture takes too long and no parent looks.

    The parent watches the time itself; this is for a parent that died or is busy elsewhere. An
    idle process needs no alarm: it reads the end of its input when the parent is gone.
    """
    signal.setitimer(signal.ITIMER_REAL, seconds)


def _lines(commands: FileIO) -> Iterator[bytes]:
    held = b""
    while chunk := commands.read(65536):
        held += chunk
        *whole, held = held.split(b"\n")
        yield from whole


def _write(answers: FileIO, line: bytes) -> None:
    view = memoryview(line)
    while view:
        view = view[answers.write(view) :]


if __name__ == "__main__":
    main()

"""The disposable decoder process: ``python -m core.imaging.child SPEC DESCRIPTOR``."""

from __future__ import annotations

import json
import mmap
import os
import signal
import sys
from collections.abc import Iterator
from io import FileIO

import cv2
import numpy as np

from core.errors import ConfigError
from core.imaging.attempt import attempt, describe
from core.imaging.confinement import confine
from core.imaging.protocol import Spec, answer
from core.packs import load
from core.types import Prepared, Unreadable

_ALARM_FACTOR = 1.5


def main() -> None:
    """Confine this process, load the pack, answer batches until the parent is gone."""
    spec = Spec(**json.loads(sys.argv[1]))
    cv2.setNumThreads(1)
    commands, answers = _take_channel()
    with mmap.mmap(int(sys.argv[2]), spec.memory_bytes) as memory:
        layers = confine(spec.memory_mb, spec.entry)
        _serve(spec, memory, commands, answers, layers)


def _take_channel() -> tuple[FileIO, FileIO]:
    """Keep the pipes for ourselves: a decoder that prints must not speak to the parent."""
    commands, answers = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)
    os.close(nothing)
    return FileIO(commands, "r"), FileIO(answers, "w")


def _serve(
    spec: Spec, memory: mmap.mmap, commands: FileIO, answers: FileIO, layers: list[str]
) -> None:
    try:
        pack = load(spec.entry)
    except ConfigError as exc:
        _write(answers, json.dumps({"failed": str(exc)}).encode() + b"\n")
        return
    _write(answers, json.dumps({"confined": layers}).encode() + b"\n")
    for line in _lines(commands):
        order = json.loads(line)
        for index, (start, length, is_whole) in enumerate(order["places"]):
            _arm(spec.timeout_s * _ALARM_FACTOR)
            data = memory[start : start + length]
            outcome: Prepared | Unreadable
            if is_whole:
                outcome, elapsed_ms = attempt(pack, data, spec.size, spec.max_pixels, spec.depths)
            else:
                outcome, elapsed_ms = describe(pack, data), 0.0
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

"""The disposable process: ``python -m core.imaging.child SPEC DESCRIPTOR``."""

from __future__ import annotations

import json
import mmap
import sys
from time import perf_counter

import cv2
import numpy as np

from core import packs
from core.child_process import Channel, end_after, take_channel
from core.errors import ConfigError
from core.imaging import functions
from core.imaging.confinement import confine
from core.imaging.functions import Function, Output
from core.imaging.protocol import Spec, align, answer, bytes_of
from core.types import Unreadable

_ALARM_FACTOR = 1.5


def main() -> None:
    """Confine this process, load its functions, answer batches until the parent is gone."""
    spec = Spec(**json.loads(sys.argv[1]))
    cv2.setNumThreads(1)
    channel = take_channel()
    with mmap.mmap(int(sys.argv[2]), spec.memory_bytes) as memory:
        layers = confine(spec.memory_mb, [spec.entry, *spec.functions])
        _serve(spec, memory, channel, layers)


def _serve(spec: Spec, memory: mmap.mmap, channel: Channel, layers: list[str]) -> None:
    try:
        if spec.entry:
            packs.load_to_read(spec.entry)
        loaded = [functions.load(path) for path in spec.functions]
    except ConfigError as exc:
        channel.send(json.dumps({"failed": str(exc)}).encode() + b"\n")
        return
    channel.send(json.dumps({"confined": layers}).encode() + b"\n")
    for line in channel.lines():
        order = json.loads(line)
        for index, (start, length, number) in enumerate(order["places"]):
            # An idle process needs no alarm: it reads the end of its input.
            end_after(spec.timeout_s * _ALARM_FACTOR)
            data, started = memory[start : start + length], perf_counter()
            outcome = _outcome(loaded[number], data, spec)
            elapsed_ms = 1e3 * (perf_counter() - started)
            end_after(0.0)
            if isinstance(outcome, Output):
                _put(outcome, memory, spec.outbox_at(order["slot"], index))
            channel.send(answer(outcome, elapsed_ms))


def _outcome(function: Function, data: bytes, spec: Spec) -> Output | Unreadable:
    outcome = functions.call(function, data, spec.arguments)
    if isinstance(outcome, Unreadable):
        return outcome
    needed = bytes_of(outcome.arrays.values())
    if needed > align(spec.outbox_bytes):
        return Unreadable(
            f"Reading failed: its arrays take {needed} bytes, expected at most {spec.outbox_bytes}."
        )
    return outcome


def _put(outcome: Output, memory: mmap.mmap, at: int) -> None:
    for array in outcome.arrays.values():
        memory[at : at + array.nbytes] = np.ascontiguousarray(array).data.cast("B")
        at += align(array.nbytes)


if __name__ == "__main__":
    main()

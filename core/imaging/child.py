"""The disposable decoder process: ``python -m core.imaging.child SPEC DESCRIPTOR``."""

from __future__ import annotations

import json
import mmap
import sys

import cv2
import numpy as np

from core.child_process import Channel, end_after, take_channel
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
    channel = take_channel()
    with mmap.mmap(int(sys.argv[2]), spec.memory_bytes) as memory:
        layers = confine(spec.memory_mb, spec.entry)
        _serve(spec, memory, channel, layers)


def _serve(spec: Spec, memory: mmap.mmap, channel: Channel, layers: list[str]) -> None:
    try:
        pack = load(spec.entry)
    except ConfigError as exc:
        channel.send(json.dumps({"failed": str(exc)}).encode() + b"\n")
        return
    channel.send(json.dumps({"confined": layers}).encode() + b"\n")
    for line in channel.lines():
        order = json.loads(line)
        for index, (start, length, is_whole) in enumerate(order["places"]):
            # An idle process needs no alarm: it reads the end of its input.
            end_after(spec.timeout_s * _ALARM_FACTOR)
            data = memory[start : start + length]
            outcome: Prepared | Unreadable
            if is_whole:
                outcome, elapsed_ms = attempt(pack, data, spec.size, spec.max_pixels, spec.depths)
            else:
                outcome, elapsed_ms = describe(pack, data), 0.0
            end_after(0.0)
            if isinstance(outcome, Prepared):
                at = spec.outbox_at(order["slot"], index)
                memory[at : at + spec.picture_bytes] = np.ascontiguousarray(
                    outcome.pixels
                ).data.cast("B")
            channel.send(answer(outcome, elapsed_ms))


if __name__ == "__main__":
    main()

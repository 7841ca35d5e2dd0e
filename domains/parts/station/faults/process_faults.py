"""A station as a process of its own that is killed with a part under way."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer
from time import monotonic

import cv2
import numpy as np

from core.records.connection import Store
from domains.parts.station.faults.picture_faults import scratched
from domains.parts.station.faults.plates import SIDE
from domains.parts.station.faults.plc import PlcAnswer
from domains.parts.station.faults.rig import PRODUCT, Rig
from domains.parts.station.plc.client import StationClient
from domains.parts.station.records.parts import parts_of
from domains.parts.station.result import LineResult

STATION = "rig-killed"
_MAIN = "from core.cli import main; main()"
_START_S, _UNDER_WAY_S, _DEADLINE_S, _DEAD_S = 120.0, 0.1, 1.0, 1.0
_FRAMES = 8

_FILE = """
name = "{name}"

[trigger]
kind = "modbus"

[outputs.modbus]
port = {port}

[[recipes]]
number = 1
product = "{product}"
deadline_ms = 1000

[[recipes.cameras]]
name = "top"
kind = "video"
source = "{video}"
discard = 0
"""


@contextmanager
def station_killed(rig: Rig) -> Iterator[PlcAnswer]:
    """Yield what a PLC got for a scratched part whose station was killed with it under way."""
    yield _killed(rig, rig.next_part())


def _killed(rig: Rig, seed: int) -> PlcAnswer:
    strikes_s = float(np.random.default_rng(seed).uniform(0.0, _UNDER_WAY_S))
    with _running(rig.settings.home) as (process, port), StationClient("127.0.0.1", port) as plc:
        rig.claim(plc.start(_START_S), "a station that was killed does not start again")
        timer = Timer(strikes_s, process.kill)
        began = monotonic()
        timer.start()
        answer = plc.inspect(seed, wait_s=2 * _DEADLINE_S)
        elapsed_s = monotonic() - began
        timer.join()
        process.wait()
        after = plc.inspect(9_999, wait_s=_DEAD_S)
    rig.claim(after.result is not LineResult.PASS, "a killed station passes a part")
    _claim_records(rig, rig.store)
    block = answer.block
    if block is None:
        return PlcAnswer(seed, None, 0, elapsed_s, was_taken=True)
    return PlcAnswer(seed, answer.result, block.reason_code, elapsed_s, was_taken=True)


def _claim_records(rig: Rig, store: Store) -> None:
    parts = parts_of(store, STATION)
    numbers = {part.trigger.number for part in parts}
    rig.claim(len(numbers) == len(parts), "a number is used for two parts")
    passed = [part for part in parts if part.result is LineResult.PASS]
    rig.claim(not passed, "a scratched part is on record as PASS")


@contextmanager
def _running(home: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Yield a station's process and its Modbus port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    video, file = home / "scratched.avi", home / "killed.toml"
    if not video.exists():
        _write_video(video)
    file.write_text(_FILE.format(name=STATION, port=port, product=PRODUCT, video=video))
    command = [sys.executable, "-c", _MAIN, "parts", "station", "run", str(file)]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(
        command, env={**os.environ, "ASSAY_HOME": str(home)}, stdout=quiet, stderr=quiet
    )
    try:
        yield process, port
    finally:
        process.kill()
        process.wait()


def _write_video(path: Path) -> None:
    rng = np.random.default_rng(5)
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"FFV1"), 25, (SIDE, SIDE))
    for _ in range(_FRAMES):
        video.write(scratched(rng))
    video.release()

"""A station in a process of its own, a video as its camera: for its tests and its benchmark."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

MAIN = "from core.cli import main; main()"

_STATION = """
name = "{name}"

[trigger]
kind = "modbus"
{outputs}
[[recipes]]
number = {number}
product = "{product}"
deadline_ms = {deadline_ms}

[[recipes.cameras]]
name = "top"
kind = "video"
source = "{video}"
discard = 0
{region}"""


def station_file(
    folder: Path,
    outputs: Mapping[str, Mapping[str, str | int]],
    *,
    name: str,
    product: str,
    video: Path,
    number: int = 1,
    deadline_ms: int = 3000,
    region: tuple[int, int, int, int] | None = None,
) -> Path:
    """Write the file of a station that a PLC triggers over Modbus, and give its path."""
    tables = "".join(f"\n[outputs.{output}]\n{_table(of)}" for output, of in outputs.items())
    text = _STATION.format(
        name=name,
        outputs=tables,
        number=number,
        product=product,
        deadline_ms=deadline_ms,
        video=video,
        region="" if region is None else f"region = {list(region)}\n",
    )
    file = folder / "station.toml"
    file.write_text(text)
    return file


def write_video(path: Path, frames: Iterable[NDArray[np.uint8]], codec: str) -> None:
    """Write frames as the video that a station reads, one a trigger."""
    video: cv2.VideoWriter | None = None
    for frame in frames:
        height, width = frame.shape[:2]
        video = video or cv2.VideoWriter(
            str(path), cv2.VideoWriter.fourcc(*codec), 25, (width, height)
        )
        assert video.isOpened()
        video.write(frame)
    assert video is not None
    video.release()


@contextmanager
def running(home: Path, file: Path, main: str = MAIN) -> Iterator[subprocess.Popen[bytes]]:
    """Yield the station, which is killed at the end.

    Args:
        home: Its home folder.
        file: The station file.
        main: What the process runs; its arguments are those of the command.
    """
    command = [sys.executable, "-c", main, "parts", "station", "run", str(file), "--json"]
    environment = {**os.environ, "ASSAY_HOME": str(home), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


def _table(options: Mapping[str, str | int]) -> str:
    return "".join(f"{key} = {json.dumps(value)}\n" for key, value in options.items())

"""Judging one picture live: how long from bytes in memory to a verdict, and to a committed one.

Pictures of a camera's size, 1280 x 960, enlarged from the cells that `speed` trains on. In turn one
call each of ``Assessor.one``, which records nothing, and of ``record_one``, on pictures that the
store has not met. Two milliseconds of plain work in between, and a file of the picture's size
written and flushed, show what machine and disk add by themselves: a committed verdict waits for
six flushes or so. On a busy machine run it as a station would be, with `chrt -f 10`.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from core.service.assessment.assessor import Assessor
from core.service.assessment.recording import record_one, warm_up
from core.service.bundles.open import open_bundle, policy_of
from core.service.store import open_store
from core.settings import Settings
from tests.benchmarks import speed
from tests.benchmarks.sets import HOME

CALLS = 2000
SIZE = (1280, 960)


def main() -> None:
    """Print median, p99 and p99.9 in milliseconds."""
    settings = Settings(home=HOME)
    bundle = open_bundle(speed.made(settings), settings)
    pictures = camera_pictures(sorted((HOME / "elpv" / "images").iterdir())[:64])
    home = Path(tempfile.mkdtemp(prefix="live-", dir=HOME))
    store = open_store(settings.model_copy(update={"home": home}))
    spent: dict[str, list[float]] = {
        "verdict": [],
        "committed verdict": [],
        "the machine": [],
        "the disk": [],
    }
    with Assessor(bundle, policy_of(bundle), settings) as assessor:
        warm_up(assessor, store)
        for number in range(CALLS):
            # Bytes after the end marker play no part in the picture: the store knows none twice.
            data = pictures[number % len(pictures)] + number.to_bytes(4, "big")
            spent["verdict"].append(milliseconds_of(lambda one=data: assessor.one(one)))
            spent["committed verdict"].append(
                milliseconds_of(lambda one=data: record_one(assessor, store, one))
            )
            spent["the machine"].append(milliseconds_of(_spin))
            spent["the disk"].append(
                milliseconds_of(lambda one=data: _flush(home / "flushed", one))
            )
    store.close()
    shutil.rmtree(home)
    print(f"calls of each: {CALLS}, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    for name, times in spent.items():
        middle, p99, p999 = np.quantile(times, [0.5, 0.99, 0.999])
        print(
            f"{name}: median {middle:.2f} ms, p99 {p99:.2f}, p99.9 {p999:.2f}, "
            f"most {max(times):.2f}; p99.9 / median {p999 / middle:.2f}"
        )


def milliseconds_of(work: Callable[[], object]) -> float:
    """Return the wall milliseconds of a call."""
    started = time.perf_counter()
    work()
    return 1e3 * (time.perf_counter() - started)


def _flush(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _spin() -> None:
    """Work for about two milliseconds without waiting for anything."""
    end = time.thread_time() + 0.002
    while time.thread_time() < end:
        pass


def camera_pictures(files: list[Path]) -> list[bytes]:
    """Return JPEGs of a camera's size, 1280 x 960, enlarged from files."""
    pictures = []
    for file in files:
        large = cv2.resize(cv2.imread(str(file)), SIZE, interpolation=cv2.INTER_CUBIC)
        pictures.append(bytes(cv2.imencode(".jpg", large, [cv2.IMWRITE_JPEG_QUALITY, 92])[1]))
    return pictures


if __name__ == "__main__":
    main()

"""Peak memory of assess, evaluate and report against the number of pictures in a folder.

`... memory 1000 20000` names the numbers. The pictures are drawn plates of 96 pixels, each
another one; each command is a process of its own, and its peak that of its largest
process. CPU seconds are of the command with its decoder processes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np

from tests.benchmarks.sets import HOME
from tests.conftest import a_plate, draw_plates

HOME_OF_PLATES = HOME / "memory"
ASSAY = Path(sys.executable).with_name("assay")
NUMBERS = (1000, 4000, 16_000)
_SEED = 11
_LABELS = ("good", "scratched")
# A small process of its own: what is forked here counts this process's memory as its peak.
_WATCH = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
_, status, used = os.wait4(process.pid, 0)
print(used.ru_maxrss, used.ru_utime + used.ru_stime)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def main() -> None:
    """Print peak memory and CPU time of each command, and what a further picture adds."""
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()] or NUMBERS
    home, bundle = HOME_OF_PLATES, make_bundle()
    folders = {n: draw_pictures(home / "pictures", n) for n in numbers}
    for name, verb, options in (
        ("evaluate", "evaluate", ["--json"]),
        ("report", "evaluate", ["--json", "--report", home / "report.html"]),
        ("assess", "assess", []),
        ("assess without a store", "assess", ["--no-store"]),
    ):
        peaks = []
        for n in numbers:
            store = home / f"store-{n}"
            shutil.copytree(home / "home", store, dirs_exist_ok=True)
            command = [ASSAY, verb, bundle, folders[n], *options]
            peak, spent = run_alone(command, store)
            shutil.rmtree(store)
            peaks.append(peak)
            print(f"{name}, n {n}: peak {peak / 1024:.0f} MB, {spent:.0f} CPU s", flush=True)
        if len(numbers) > 1:
            added = (peaks[-1] - peaks[0]) / (numbers[-1] - numbers[0])
            print(f"{name}, a further picture: {added:.2f} KB", flush=True)


def make_bundle() -> Path:
    """Return a bundle of drawn plates, trained on first use; its home lies beside it."""
    home, bundle = HOME_OF_PLATES, HOME_OF_PLATES / "bundle"
    if not bundle.exists():
        shutil.rmtree(home / "plates", ignore_errors=True)
        draw_plates(home / "plates")
        run_alone([ASSAY, "train", "parts", home / "plates", "-o", bundle], home / "home")
    return bundle


def draw_pictures(root: Path, n: int) -> Path:
    """Return a folder with a folder of each label; what is there already is kept."""
    folder = root / str(n)
    if folder.exists():
        return folder
    for number, (label, data) in enumerate(_drawn(n)):
        into = folder / label
        into.mkdir(parents=True, exist_ok=True)
        (into / f"p{number:06}.jpg").write_bytes(data)
    return folder


def _drawn(n: int) -> Iterator[tuple[str, bytes]]:
    rng = np.random.default_rng(_SEED)
    for number in range(n):
        plate = a_plate(rng, 0.7 * (number % 2))
        yield _LABELS[number % 2], bytes(cv2.imencode(".jpg", plate)[1])


def run_alone(command: Sequence[str | Path], home: Path) -> tuple[int, float]:
    """Return the peak in KB and the CPU seconds of a command.

    Raises:
        RuntimeError: It failed.
    """
    done = subprocess.run(
        [sys.executable, "-c", _WATCH, *command],
        env={**os.environ, "ASSAY_HOME": str(home), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"{command} failed: {done.stderr[-2000:]}")
    peak, spent = done.stdout.splitlines()[-1].split()
    return int(peak), float(spent)

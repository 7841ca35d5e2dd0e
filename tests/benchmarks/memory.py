"""Peak memory of assess, evaluate, report and batch against the number of pictures in a folder.

`... memory report archive 1000 20000` names the commands, all of them otherwise, and the numbers.
The pictures are drawn plates of 96 pixels, each another one. Each command is a process of its own.
Its peak is that of its largest process, and that of all its processes together (what they share is
counted in each; looked at twice a second). CPU seconds are of the command with its decoders.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from tests.benchmarks.sets import HOME
from tests.conftest import a_plate, draw_plates

HOME_OF_PLATES = HOME / "memory"
ASSAY = Path(sys.executable).with_name("assay")
NUMBERS = (1000, 4000, 16_000)
_SEED = 11
_LABELS = ("good", "scratched")
_HERE = HOME_OF_PLATES / "running"
COMMANDS: dict[str, tuple[str, list[str]]] = {
    "evaluate": ("evaluate", ["--json"]),
    "report": ("evaluate", ["--json", "--report", str(_HERE / "report.html")]),
    "archive": ("batch", ["--engine", "threads", "--json", "-o", str(_HERE / "rows")]),
    "assess": ("assess", []),
    "assess without a store": ("assess", ["--no-store"]),
}
# A small process of its own: what is forked here counts this process's memory as its peak.
_WATCH = """
import contextlib, os, subprocess, sys, threading
import psutil
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL)
ended, together = threading.Event(), 0

def watch():
    global together
    tree = psutil.Process(process.pid)
    while not ended.wait(0.5):
        now = 0
        with contextlib.suppress(psutil.NoSuchProcess):
            for one in [tree, *tree.children(recursive=True)]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    now += one.memory_info().rss
        together = max(together, now)

watching = threading.Thread(target=watch)
watching.start()
_, status, used = os.wait4(process.pid, 0)
ended.set()
watching.join()
print(used.ru_maxrss, together // 1024, used.ru_utime + used.ru_stime)
sys.exit(os.waitstatus_to_exitcode(status))
"""


class Spent(NamedTuple):
    """What a command took: KB of its largest process, KB of all together, CPU seconds."""

    largest_kb: int
    together_kb: int
    cpu_s: float


def main() -> None:
    """Print peak memory and CPU time of each command, and what a further picture adds."""
    words = sys.argv[1:]
    numbers = [int(word) for word in words if word.isdigit()] or NUMBERS
    bundle = make_bundle()
    folders = {n: draw_pictures(HOME_OF_PLATES / "pictures", n) for n in numbers}
    for name in [word for word in words if word in COMMANDS] or COMMANDS:
        spent = {n: _measure(name, bundle, folders[n]) for n in numbers}
        if len(numbers) > 1:
            first, last = spent[numbers[0]], spent[numbers[-1]]
            added = (last.together_kb - first.together_kb) / (numbers[-1] - numbers[0])
            print(f"{name}, a further picture: {added:.2f} KB of all together", flush=True)


def _measure(name: str, bundle: Path, folder: Path) -> Spent:
    verb, options = COMMANDS[name]
    shutil.rmtree(_HERE, ignore_errors=True)
    shutil.copytree(HOME_OF_PLATES / "home", _HERE)
    spent = run_alone([ASSAY, verb, bundle, folder, *options], _HERE)
    shutil.rmtree(_HERE)
    print(
        f"{name}, n {folder.name}: largest process {spent.largest_kb / 1024:.0f} MB, all together "
        f"{spent.together_kb / 1024:.0f} MB, {spent.cpu_s:.0f} CPU s",
        flush=True,
    )
    return spent


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


def run_alone(command: Sequence[str | Path], home: Path) -> Spent:
    """Return the peaks of memory and the CPU seconds of a command.

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
    largest, together, cpu_s = done.stdout.splitlines()[-1].split()
    return Spent(int(largest), int(together), float(cpu_s))

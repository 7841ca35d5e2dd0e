"""From a folder of 500 labelled pictures to a certified bundle: a whole process, wall seconds."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

from core.labelled import read_labelled
from domains.parts import elpv
from tests.benchmarks.sets import HOME

REPEATS = 3


def main() -> None:
    """Run `assay train` on 500 cells in class folders; the network is exported once before."""
    data = HOME / "folder500"
    if not data.exists():
        if not (HOME / "elpv" / "manifest.csv").exists():
            elpv.get(HOME / "elpv")
        for row in read_labelled(HOME / "elpv").rows[::5][:500]:
            (data / row.label).mkdir(parents=True, exist_ok=True)
            shutil.copy(row.file, data / row.label)
    command = Path(sys.executable).with_name("assay")
    times = []
    for fresh in (True, *[False] * REPEATS):
        if fresh:
            shutil.rmtree(HOME / "cold-cache", ignore_errors=True)
        started = time.perf_counter()
        subprocess.run(
            [command, "train", "parts", data, "-o", HOME / "cold"],
            check=True,
            capture_output=True,
            env={
                "ASSAY_HOME": str(HOME / "cold-cache"),
                "OMP_NUM_THREADS": "1",
                "PATH": "/usr/bin",
            },
        )
        times.append(time.perf_counter() - started)
    warm = sorted(times[1:])
    print(f"first run on a machine (network exported): {times[0]:.1f} s")
    print(f"later runs: min {warm[0]:.1f}, median {warm[len(warm) // 2]:.1f}, max {warm[-1]:.1f} s")

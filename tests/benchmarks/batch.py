"""`assay batch`: what a picture costs on Ray beside plain threads, how it scales, and ten machines.

Each run is a process of its own on two numbers of the same pictures, so that what a picture costs
is apart from what a start costs. CPU is that of the process and everything below it, without
that of Ray's own processes, which grows with the time that passes. The model at the end is
arithmetic on what was measured; its assumptions are printed with it. `... batch 1` runs one round.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil

from core.batch.plan import DigestSet, cut
from core.batch.run import run_batch
from core.batch.spec import BatchSpec, Engine
from core.settings import Settings
from tests.benchmarks.sets import HOME
from tests.benchmarks.speed import made, pictures

FEW, MANY = 500, 3000
ROUNDS = next((int(word) for word in sys.argv[1:] if word.isdigit()), 3)
SIDES = {
    "threads": ("threads", 0),
    "Ray, 1 worker": ("ray", 1),
    "Ray, 2 workers": ("ray", 2),
}
ARCHIVE = 10_000_000
MACHINES = (1, 2, 4, 10)
POLL_S = 0.2

Spent = dict[tuple[int, float], tuple[float, bool]]


@dataclass(frozen=True)
class Cost:
    """What one run took in seconds: wall, CPU of all and of what judges, wall to the first part."""

    wall_s: float
    cpu_s: float
    judging_s: float
    first_s: float


def main() -> None:
    """Print the cost a picture of each side, the curve over workers and the model."""
    if sys.argv[1:2] == ["run"]:
        _run(*sys.argv[2:])
        return
    bundle = made(Settings(home=HOME))
    folders = {n: _folder(n) for n in (FEW, MANY)}
    rounds = [
        {
            (side, n): _measure(bundle, folder, side)
            for side in SIDES
            for n, folder in folders.items()
        }
        for _ in range(ROUNDS)
    ]
    print(f"processors: {os.cpu_count()}; 4 workers would share what 2 have, and are not measured")
    costs = {side: _show(side, rounds) for side in SIDES}
    _model(costs["Ray, 2 workers"], _listing_s())


def _folder(count: int) -> Path:
    whole, some = pictures("300x300-many", 300, 300, MANY), HOME / f"batch-{count}"
    if not some.exists():
        some.mkdir()
        for file in sorted(whole.iterdir())[:count]:
            shutil.copy(file, some / file.name)
    return some


def _measure(bundle: Path, folder: Path, side: str) -> Cost:
    """Run a side in a process of its own and sum the CPU of every process below it."""
    engine, workers = SIDES[side]
    command = [sys.executable, "-m", "tests.benchmarks.batch", "run", bundle, folder, engine]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "ASSAY_HOME": str(HOME)}
    process = subprocess.Popen(
        [*map(str, command), str(workers)], stdout=subprocess.PIPE, text=True, env=environment
    )
    spent: Spent = {}
    sampler = threading.Thread(target=_sample, args=(process, spent))
    sampler.start()
    output, _ = process.communicate()
    sampler.join()
    found = json.loads(output.splitlines()[-1])
    judging = sum(cpu_s for cpu_s, is_judging in spent.values() if is_judging)
    return Cost(
        found["wall_s"], sum(cpu_s for cpu_s, _ in spent.values()), judging, found["first_s"]
    )


def _sample(process: subprocess.Popen[str], spent: Spent) -> None:
    own = psutil.Process(process.pid)
    while process.poll() is None:
        try:
            for one in [own, *own.children(recursive=True)]:
                times = one.cpu_times()
                name = " ".join(one.cmdline())
                is_judging = one == own or "MapWorker" in name or "core.imaging" in name
                spent[one.pid, one.create_time()] = (times.user + times.system, is_judging)
        except psutil.Error:
            pass  # it ended while it was looked at
        time.sleep(POLL_S)


def _run(bundle: str, folder: str, engine: str, workers: str) -> None:
    out = HOME / f"batch-out-{os.getpid()}"
    first: list[float] = []
    started = time.perf_counter()

    def note(step: str, done: int, total: int) -> None:
        if step == "Assessing" and not first:
            first.append(time.perf_counter() - started)

    spec = BatchSpec(
        Path(bundle), folder, out, engine=Engine(engine), workers=int(workers), part_size=25
    )
    run_batch(spec, Settings(), note)
    print(json.dumps({"wall_s": time.perf_counter() - started, "first_s": first[0]}))
    shutil.rmtree(out)


def _show(side: str, rounds: list[dict[tuple[str, int], Cost]]) -> dict[str, float]:
    """Print and return the medians over rounds of what a picture and a start cost."""
    few = [one[side, FEW] for one in rounds]
    many = [one[side, MANY] for one in rounds]
    pairs = list(zip(few, many, strict=True))
    cpu = [1e3 * (b.cpu_s - a.cpu_s) / (MANY - FEW) for a, b in pairs]
    judging = [1e3 * (b.judging_s - a.judging_s) / (MANY - FEW) for a, b in pairs]
    wall = [1e3 * (b.wall_s - a.wall_s) / (MANY - FEW) for a, b in pairs]
    start = [a.cpu_s - FEW * each / 1e3 for (a, _), each in zip(pairs, cpu, strict=True)]
    first = [one.first_s for one in [*few, *many]]
    shown = (
        f"CPU ms a picture {_spread(cpu)}, of what judges {_spread(judging)}; "
        f"wall ms a picture {_spread(wall)}"
    )
    print(
        f"{side}, {MANY} against {FEW} pictures of 300x300, {ROUNDS} rounds: {shown}; "
        f"CPU s of a start {_spread(start)}; s to the first part {_spread(first)}"
    )
    return {
        "cpu_ms": float(np.median(cpu)),
        "wall_ms": float(np.median(wall)),
        "start_s": float(np.median(first)),
    }


def _spread(values: list[float]) -> str:
    low, middle, high = np.percentile(values, [0, 50, 100])
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def _listing_s() -> float:
    """Return CPU seconds a location for planning: what one process does alone."""
    names = [f"/archive/lot-{n // 1000}/{n:08}.jpg".encode() for n in range(200_000)]
    started = time.process_time()
    for _ in cut(names, DigestSet(), 500):
        pass
    planned = (time.process_time() - started) / len(names)
    from core.batch.listing import list_source
    from core.imaging.junk import Skipped

    folder = HOME / f"batch-{MANY}"
    started = time.process_time()
    for _ in range(20):
        count = sum(1 for _ in list_source(str(folder), "", frozenset(), Skipped()))
    return planned + (time.process_time() - started) / (20 * count)


def _model(cost: dict[str, float], listing_s: float) -> None:
    """Print hours for ten million pictures by start, listing and cost a picture."""
    print(f"listing and planning, one process: {1e6 * listing_s:.1f} CPU microseconds a picture")
    print(
        "model: hours = start + N x listing + N x CPU a picture / (2 x machines); assumed are "
        "machines like this one, alone on them, a store that gives every one of them its pictures "
        "as fast as they judge, parts of 500 that even out, and Ray's own work counted in"
    )
    hours = {
        n: (cost["start_s"] + ARCHIVE * (listing_s + cost["cpu_ms"] / 1e3 / (2 * n))) / 3600
        for n in MACHINES
    }
    for n, value in hours.items():
        print(f"{ARCHIVE} pictures, {n} machines of 2: {value:.2f} h, {hours[1] / value:.2f} times")


if __name__ == "__main__":
    main()

"""Verdicts beside a training: p99 of `Assessor.one` while a job trains in its lane, and without.

The job runs as `assay worker` runs it, in the process of its lane. Blocks of calls take turns: the
process is stopped (SIGSTOP) for the one kind and goes on (SIGCONT) for the other, so that whatever
else the machine does meets both alike.
"""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

from core.jobs.use_cases import submit
from core.jobs.worker import work
from core.records.failed_jobs import job_status
from core.records.job import State
from core.records.queue import request_cancel
from core.service.assessment.assessor import Assessor
from core.service.bundles.open import open_bundle, policy_of
from core.service.store import open_store
from core.service.training.train import TrainSpec
from core.settings import Settings
from tests.benchmarks import speed
from tests.benchmarks.live import camera_pictures, milliseconds_of
from tests.benchmarks.sets import HOME

BLOCKS, CALLS = 40, 50


def main() -> None:
    """Print the latencies of both kinds and the ratio of their p99."""
    settings = Settings(home=HOME)
    bundle = open_bundle(speed.made(settings), settings)
    home = Path(tempfile.mkdtemp(prefix="beside-", dir=HOME))
    own = settings.model_copy(update={"home": home})
    store, stop = open_store(own), threading.Event()
    spec = TrainSpec("parts", HOME / "elpv", home / "trained", effort="best")
    job = submit(store, spec, "parts")
    given = {"stop": stop, "lanes": ["train"]}
    worker = threading.Thread(target=work, args=([], store, own), kwargs=given)
    worker.start()
    while (status := job_status(store, job)) is None or status.progress is None:
        time.sleep(0.1)
    child = _child()
    spent: dict[bool, list[float]] = {True: [], False: []}
    pictures = camera_pictures(sorted((HOME / "elpv" / "images").iterdir())[:64])
    with Assessor(bundle, policy_of(bundle), settings) as assessor:
        assessor.warm_up()
        for block in range(2 * BLOCKS):
            is_training = block % 2 == 0
            os.killpg(child, signal.SIGCONT if is_training else signal.SIGSTOP)
            for number in range(CALLS):
                data = pictures[number % len(pictures)]
                spent[is_training].append(milliseconds_of(lambda one=data: assessor.one(one)))
    os.killpg(child, signal.SIGCONT)
    status = job_status(store, job)
    assert status is not None
    assert status.state is State.LEASED, "the training ended before the measurement did"
    request_cancel(store, job)
    while status.state is State.LEASED:
        time.sleep(0.1)
        status = job_status(store, job) or status
    stop.set()
    worker.join()
    store.close()
    shutil.rmtree(home)
    _show(spent)


def _child() -> int:
    """Return the process of the lane."""
    for children in Path(f"/proc/{os.getpid()}/task").glob("*/children"):
        for child in children.read_text().split():
            if b"core.jobs.process_main" in Path(f"/proc/{child}/cmdline").read_bytes():
                return int(child)
    raise RuntimeError("the lane has no process")


def _show(spent: dict[bool, list[float]]) -> None:
    print(
        f"{BLOCKS * CALLS} calls each, load {os.getloadavg()[0]:.1f}, {os.cpu_count()} processors"
    )
    p99 = {}
    for is_training, name in ((False, "no training"), (True, "training")):
        middle, p99[is_training] = np.quantile(spent[is_training], [0.5, 0.99])
        print(f"{name:<12} median {middle:.2f} ms, p99 {p99[is_training]:.2f} ms")
    print(f"p99 with / without {p99[True] / p99[False]:.2f}; asked: at most 1.3")


if __name__ == "__main__":
    main()

"""Where the CPU time of one picture goes, stage by stage, and the share that is ours to save.

Stages run one after another on one thread, on the product's own pictures; what the decoder process
and the thread pool add on top is in the whole-process figures of `speed`.
"""

from __future__ import annotations

import shutil
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from core.decision.policy import decide
from core.imaging.zip_archive import incoming
from core.model.bundle.bundle import Bundle
from core.pipeline import assess
from core.records import blobs
from core.records.store import new_decision, record
from core.service.assessment.recording import BATCH
from core.service.bundles.open import open_bundle, policy_of
from core.service.store import open_store
from core.settings import Settings
from core.types import Policy, Sample
from tests.benchmarks import speed
from tests.benchmarks.sets import HOME

COUNT, REPEATS = 256, 5


def main() -> None:
    """Print CPU milliseconds a picture for every stage."""
    settings = Settings(home=HOME)
    bundle = open_bundle(speed.trained(settings), settings)
    policy = policy_of(bundle)
    files = sorted((HOME / "elpv" / "images").iterdir())[:COUNT]
    runs = [_one_run(bundle, policy, files, settings) for _ in range(REPEATS)]
    middle = {stage: float(np.median([run[stage] for run in runs])) for stage in runs[0]}
    for stage, ms in middle.items():
        print(f"{stage:<20} {ms:.3f} ms")
    total = sum(middle.values())
    own = total - middle["decode"] - middle["network"]
    print(f"neither decode nor network: {own:.2f} of {total:.2f} ms, {own / total:.1%}")


def _one_run(
    bundle: Bundle, policy: Policy, files: list[Path], settings: Settings
) -> dict[str, float]:
    spent: dict[str, float] = defaultdict(float)

    def timed(stage: str, work: Callable[..., Any], *given: Any) -> Any:
        started = time.thread_time()
        answer = work(*given)
        spent[stage] += 1e3 * (time.thread_time() - started) / COUNT
        return answer

    arrived = timed("read and hash", lambda: list(incoming(files, settings.max_bytes)))
    samples = []
    for one in arrived:
        frame = timed("decode", bundle.pack.read, one.data, settings.max_pixels, 224)
        ready = timed("resize and measure", bundle.pack.prepare, frame, 224)
        pooled = timed("network", bundle.network.extract, ready.pixels)
        evidence = timed("head and gate", bundle.model.evidence, pooled)
        predictions = timed("calibration", bundle.model.predict, evidence, ready)
        timed("verdict", decide, predictions, policy, bundle.model.classes, bundle.model.positive)
        samples.append(Sample(one.id, ready))
    answers = list(assess(samples, bundle=bundle, policy=policy))
    home = HOME / "stages"
    store = open_store(settings.model_copy(update={"home": home}))
    for start in range(0, COUNT, BATCH):
        data = [one.data for one in arrived[start : start + BATCH]]
        timed("blob", blobs.put_many, store.blobs, data)
        timed("row", _record, store, answers[start : start + BATCH])
    store.close()
    shutil.rmtree(home)
    return dict(spent)


def _record(store: Any, answers: list[Any]) -> None:
    record(store, [new_decision(one, pack="parts", name=one.sample_id) for one in answers])

"""Where the CPU time of one picture goes, stage by stage, and the share that is ours to save.

Stages run on one thread, on the product's own pictures and in its own order: what follows the
network in batches of ``pipeline.BATCH``, records in batches of ``recording.BATCH``, in a store
whose folders are there. The whole process is measured beside them, in turn with them: its decoder
process, its threads and what passes between them come on top. What starting a decoder process
costs is taken off, by a pass without pictures.
"""

from __future__ import annotations

import resource
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from core.decision.policy import decide
from core.imaging.files import Incoming, wrap_bytes
from core.imaging.zip_archive import incoming
from core.judge import Judge
from core.model.bundle.bundle import Bundle
from core.pipeline import BATCH
from core.records import blobs
from core.records.store import Store, new_decision, record_decisions
from core.service.assessment import recording
from core.service.assessment.stored import as_stored
from core.service.bundles.open import open_bundle, policy_of
from core.service.store import open_store
from core.settings import Settings
from core.types import Assessment, Policy, Sample
from tests.benchmarks import speed
from tests.benchmarks.sets import HOME

COUNT, REPEATS = 256, 5
ROUNDS = 4  # of the pictures in a pass of the whole process
OTHERS = ("decode", "network")


def main() -> None:
    """Print CPU milliseconds a picture for every stage and for the whole process."""
    settings = Settings(home=HOME)
    bundle = open_bundle(speed.made(settings), settings)
    policy = policy_of(bundle)
    files = sorted((HOME / "elpv" / "images").iterdir())[:COUNT]
    runs = []
    # Deleted at the end: ext4 looks long for a place where it has deleted many files just now.
    with tempfile.TemporaryDirectory(prefix="stages-", dir=HOME) as homes:
        for number in range(REPEATS):
            own = [
                settings.model_copy(update={"home": Path(homes) / f"{number}-{kind}"})
                for kind in ("stages", "whole", "nothing")
            ]
            run = _stages(bundle, policy, files, own[0])
            whole = _whole(bundle, policy, _again(files, settings), own[1])
            run["whole"] = (whole - _whole(bundle, policy, [], own[2])) / ROUNDS
            runs.append(run)
    _show({stage: 1e3 * np.array([run[stage] for run in runs]) / COUNT for stage in runs[0]})


def _stages(
    bundle: Bundle, policy: Policy, files: list[Path], settings: Settings
) -> dict[str, float]:
    """Return the CPU seconds of each stage."""
    spent: dict[str, float] = defaultdict(float)

    def timed(stage: str, work: Callable[..., Any], *given: Any) -> Any:
        started = time.thread_time()
        answer = work(*given)
        spent[stage] += time.thread_time() - started
        return answer

    judge = Judge.of(bundle, policy)
    arrived = timed("read and hash", lambda: list(incoming(files, settings.max_bytes)))
    answers = []
    for batch in _batches(arrived, BATCH):
        ready = []
        for one in batch:
            frame = timed("decode", bundle.pack.read, one.data, settings.max_pixels, 224)
            ready.append(timed("resize and measure", bundle.pack.prepare, frame, 224))
        samples = [Sample(one.id, frame) for one, frame in zip(batch, ready, strict=True)]
        steps = [timed("network", judge.extract, sample) for sample in samples]
        for frame, step in zip(ready, steps, strict=True):
            evidence = timed("head and gate", bundle.model.evidence, step.output, step.prepared)
            read = timed("calibration", bundle.model.predict, evidence, frame)
            timed("verdict", decide, read, policy, bundle.model.classes, bundle.model.positive)
        answers += [judge.conclude(*one) for one in zip(samples, steps, strict=True)]
    store = _open(settings)
    for some in _batches(list(zip(arrived, answers, strict=True)), recording.BATCH):
        timed("blob", blobs.put_named, store.blobs, {a.sha256: one.data for one, a in some})
        timed("row", _record, store, bundle, [answer for _, answer in some])
    store.close()
    return dict(spent)


def _open(settings: Settings) -> Store:
    """Return a store in use: the folders of its pictures are there."""
    store = open_store(settings)
    blobs.put_many(store.blobs, [number.to_bytes(2, "big") for number in range(2048)])
    return store


def _record(store: Store, bundle: Bundle, answers: Sequence[Assessment]) -> None:
    rows = [new_decision(one, pack="parts", name=one.sample_id) for one in answers]
    for one, (_, stored) in zip(answers, record_decisions(store, rows), strict=True):
        as_stored(one, stored, bundle)


def _again(files: Sequence[Path], settings: Settings) -> Iterator[Incoming]:
    # Bytes after the end of a picture play no part in it: the store knows none of them twice.
    for number in range(ROUNDS):
        for one in incoming(files, settings.max_bytes):
            yield wrap_bytes(f"{number}-{one.id}", (one.data or b"") + number.to_bytes(1, "big"))


def _whole(
    bundle: Bundle, policy: Policy, arriving: Iterable[Incoming], settings: Settings
) -> float:
    """Return the CPU seconds of this process and its decoder processes for a pass."""
    store = _open(settings)
    before = _cpu_s()
    recorded = recording.assess_and_record(
        bundle, arriving, store, policy=policy, settings=settings
    )
    for _ in recorded:
        pass
    spent = _cpu_s() - before
    store.close()
    return spent


def _cpu_s() -> float:
    sides = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(side.ru_utime + side.ru_stime for side in sides)


def _batches(items: Sequence[Any], count: int) -> Iterator[list[Any]]:
    left = iter(items)
    while batch := list(islice(left, count)):
        yield batch


def _show(ms: dict[str, Any]) -> None:
    whole = ms.pop("whole")
    for stage, runs in ms.items():
        print(f"{stage}: {_spread(runs)} ms")
    total = sum(ms.values())
    others = sum(ms[stage] for stage in OTHERS)
    for name, runs in (("stages", total), ("whole process", whole)):
        print(
            f"{name}, neither decode nor network: {_spread(runs - others)} of {_spread(runs)} ms, "
            f"{np.median((runs - others) / runs):.1%} "
            f"({np.min((runs - others) / runs):.1%} to {np.max((runs - others) / runs):.1%})"
        )
    print(f"pictures: {COUNT}, runs {REPEATS}; median (smallest to largest)")


def _spread(runs: Any) -> str:
    return f"{np.median(runs):.3f} ({np.min(runs):.3f} to {np.max(runs):.3f})"

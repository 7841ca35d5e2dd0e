"""How near the whole comes to its slower half: pictures a second beside decoding and network alone.

Passes over the same pictures take turns in one process, with the product's own decoder processes
and threads. Decoding alone hands its samples to nobody, the network alone has them ready, the whole
is ``assess_and_record`` with everything it does, from its first batch of verdicts on. Both halves
share the processors, so the bound that they set together is given too: the pictures a second if
nothing but decoding and network took any time.

`... overlap station` gives each half what a station gives it: one thread, and one process.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from core.errors import InferenceStalled
from core.imaging.files import Incoming, wrap_bytes
from core.imaging.zip_archive import incoming
from core.judge import Judge
from core.model.bundle.bundle import Bundle
from core.ordered_map import WatchedThreads
from core.service.assessment.recording import BATCH, assess_and_record
from core.service.bundles.decoders import decoders_of
from core.service.bundles.open import open_bundle, policy_of
from core.service.store import open_store
from core.settings import Settings
from core.types import Policy, Sample
from tests.benchmarks import speed
from tests.benchmarks.sets import HOME

COUNT, PASSES = 512, 5


def main() -> None:
    """Print pictures a second of both halves and of the whole, for two sizes of picture."""
    settings = Settings(home=HOME)
    if "station" in sys.argv:
        settings = settings.model_copy(update={"workers": 1, "decoders": 1})
    bundle = open_bundle(speed.made(settings), settings)
    policy = policy_of(bundle)
    print(
        f"processors: {os.cpu_count()}, load {os.getloadavg()[0]:.1f}; network threads "
        f"{settings.workers}, decoder processes {settings.decoders}, {COUNT} pictures, "
        f"{PASSES} passes each; median (smallest to largest)"
    )
    for name, size in speed.SIZES.items():
        files = sorted(speed.pictures(name, *size).iterdir())[:COUNT]
        items = list(incoming(files, settings.max_bytes))
        _compare(name, bundle, policy, items, settings)


def _compare(
    name: str, bundle: Bundle, policy: Policy, items: Sequence[Incoming], settings: Settings
) -> None:
    judge = Judge.of(bundle, policy)
    rates: dict[str, list[float]] = {"decoding": [], "network": [], "whole": []}
    with ExitStack() as stack:
        decoders = stack.enter_context(decoders_of(bundle, settings))
        threads = stack.enter_context(WatchedThreads(settings.workers, 60.0))
        samples = [sample for _, sample in decoders.pairs(items)]

        def run_network() -> Iterator[object]:
            return threads.map(judge.extract, samples, _refuse)

        for _ in range(PASSES):
            rates["decoding"].append(_rate(lambda: decoders.pairs(items)))
            rates["network"].append(_rate(run_network))
            rates["whole"].append(_whole(bundle, policy, items, settings))
    _show(name, {half: np.array(found) for half, found in rates.items()}, settings)


def _rate(run: Callable[[], Iterator[object]]) -> float:
    started = time.perf_counter()
    count = sum(1 for _ in run())
    return count / (time.perf_counter() - started)


def _whole(bundle: Bundle, policy: Policy, items: Sequence[Incoming], settings: Settings) -> float:
    home = Path(tempfile.mkdtemp(prefix="overlap-", dir=HOME))
    own = settings.model_copy(update={"home": home})
    store = open_store(own)
    arriving = (wrap_bytes(one.id, one.data or b"") for one in items)
    recorded = assess_and_record(bundle, arriving, store, policy=policy, settings=own)
    for _ in range(BATCH):
        next(recorded)
    rate = _rate(lambda: recorded)
    store.close()
    shutil.rmtree(home)
    return rate


def _refuse(_sample: Sample, exc: InferenceStalled) -> None:
    raise exc


def _show(name: str, rates: dict[str, np.ndarray], settings: Settings) -> None:
    for half, found in rates.items():
        print(f"{name} {half}, pictures a second: {_spread(found, 0)}")
    slower = np.minimum(rates["decoding"], rates["network"])
    print(f"{name} whole of the slower half: {_spread(rates['whole'] / slower, 2)}")
    seconds = settings.decoders / rates["decoding"] + settings.workers / rates["network"]
    together = (os.cpu_count() or 1) / seconds
    print(
        f"{name} whole of what both halves leave room for: {_spread(rates['whole'] / together, 2)}"
    )


def _spread(found: np.ndarray, digits: int) -> str:
    low, middle, high = (f"{one:.{digits}f}" for one in np.percentile(found, [0, 50, 100]))
    return f"{middle} ({low} to {high})"

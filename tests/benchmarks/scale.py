"""How training and its bundle grow: 2,000, 8,000 and 32,000 pictures, each in a process of its own.

The ELPV cells after the network, repeated with noise of `NOISE` deviations of each feature; for the
search for copies, cells laid over shifted cells and grain. `... scale 2000 4000` names the numbers.
Reading and the network are linear by construction; `cold` and `stages` say what a picture takes.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np

from core.checking.check import check_rows
from core.checking.duplicates import near_copies
from core.checking.facts import FileFacts, PictureFacts, ShrunkPicture, ShrunkPixels
from core.checking.fine_detail import WIDTH
from core.checking.fingerprints import Fingerprints
from core.checking.keypoints import RECORD
from core.checking.origins import Copies, fingerprints_of, joined
from core.labelled import Row
from core.model.bundle import serialization
from core.model.estimators.model import one_thread
from core.model.fitting.fit import FeatureTable, Fit, fit
from core.types import U8, NetworkOutput
from tests.benchmarks.sets import BLANK, HOME, altered, labelled

NUMBERS = (2000, 8000, 32_000)
NOISE = 0.3
JUDGED = 500


def main() -> None:
    """Print CPU seconds and peak memory of each part of training, and what is kept and paid."""
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()] or NUMBERS
    labelled("elpv")
    parts = (_nothing, _fitting, _checking, _copies)
    for work in parts:
        for n in numbers if work is not _nothing else (0,):
            with ProcessPoolExecutor(1, get_context("spawn")) as alone:
                print(alone.submit(_measured, work, n).result(), flush=True)


def _measured(work: Callable[[int], str], n: int) -> str:
    one_thread()
    words = work(n)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return f"{work.__name__[1:]:<8} n {n:>6}: {words}peak {peak:.0f} MB"


def _nothing(_n: int) -> str:
    return ""


def repeated(n: int, seed: int = 0) -> FeatureTable:
    """Return the cells' table with so many rows, those beyond the first round with noise."""
    table = labelled("elpv").table
    rng = np.random.default_rng(seed)
    rows = np.resize(rng.permutation(len(table.labels)), n)
    pooled, spread = table.pooled[rows], table.pooled.std(axis=0)
    for at in range(len(table.labels), n):
        pooled[at] += NOISE * spread * rng.standard_normal(len(spread), np.float32)
    return replace(
        table,
        pooled=pooled,
        labels=table.labels[rows],
        groups=np.arange(n).astype(np.str_),
        measures={name: values[rows] for name, values in table.measures.items()},
        sound=table.sound[rows],
        asymmetry=None if table.asymmetry is None else table.asymmetry[rows],
    )


def _fitting(n: int) -> str:
    one, table = labelled("elpv"), repeated(n)
    made = altered(one, np.ones(len(one.rows), np.bool_))
    faulty = made.corruptions
    if faulty is not None:
        names = np.unique(one.table.groups, return_inverse=True)[1]
        of = dict(zip(one.table.groups.tolist(), names.tolist(), strict=True))
        groups = np.array([str(of[group] % n) for group in faulty.groups.tolist()])
        faulty = replace(faulty, groups=groups)
    started = time.process_time()
    found = fit(table, one.classes, one.positive, corruptions=faulty)
    spent = time.process_time() - started
    arrays = serialization.pack_model(found.model)[0]
    kept = sum(array.nbytes for array in arrays.values()) / 2**20
    return (
        f"fit {spent:.1f} CPU s, head {found.head}, arrays {kept:.1f} MB, multiplications a "
        f"verdict {multiplications(found) / 1e6:.2f} million, {_judging(found, table):.3f} ms, "
    )


def multiplications(found: Fit) -> int:
    """Count the numbers of all matrices behind the network: each is used once a picture."""
    arrays = serialization.pack_model(found.model)[0]
    return sum(array.size for array in arrays.values() if array.ndim == 2)


def _judging(found: Fit, table: FeatureTable) -> float:
    outputs = [NetworkOutput(row) for row in table.pooled[:JUDGED]]
    best = np.inf
    for _ in range(5):
        started = time.thread_time()
        for output in outputs:
            found.model.evidence(output, BLANK)
        best = min(best, time.thread_time() - started)
    return 1e3 * best / len(outputs)


def _checking(n: int) -> str:
    facts = _facts(n)
    pairs = [[at, at + 1] for at in range(0, n // 10, 2)]
    copies = Copies([], pairs, pairs)
    started = time.process_time()
    check_rows(facts, {"good": False, "scratched": True}, copies=copies)
    between = time.process_time()
    joined(facts, copies)
    fingerprints_of(facts, copies)
    done = time.process_time()
    return f"check {between - started:.1f} CPU s, groups joined {done - between:.1f} CPU s, "


def _facts(n: int) -> list[PictureFacts]:
    """Draw facts of pictures with a camera and a numbered name, three to a group."""
    rng, shrunk = np.random.default_rng(0), ShrunkPixels()
    numbers = [
        shrunk.add(
            ShrunkPicture(
                light=np.zeros(7),
                thumb=rng.integers(0, 255, (32, 32, 3), np.uint8),
                detail=rng.integers(0, 255, (128, 128), np.uint8),
                fine=rng.integers(0, 255, WIDTH, np.uint8),
                keypoints=np.zeros((), RECORD),
            )
        )
        for _ in range(n)
    ]
    return [
        PictureFacts(
            row=Row(
                Path(f"{at}.png"),
                ("good", "scratched")[int(rng.integers(2))],
                "",
                f"part {at // 3}",
                {"camera": "ABCD"[int(rng.integers(4))], "serial": f"N-{at:07}"},
            ),
            file=FileFacts("PNG", int(rng.integers(10_000, 50_000)), 0.0),
            sha256=f"{at:064x}",
            source_size=(300, 300 + int(rng.integers(3))),
            refusals=(),
            light=rng.normal(size=7),
            shrunk=shrunk,
            number=number,
        )
        for at, number in enumerate(numbers)
    ]


def _copies(n: int) -> str:
    details = _pictures(n)
    started = time.process_time()
    sets = near_copies(details)
    between = time.process_time()
    Fingerprints.of(details, np.arange(n), np.arange(n))
    done = time.process_time()
    return (
        f"search for copies {between - started:.1f} CPU s ({len(sets)} sets), fingerprints "
        f"{done - between:.1f} CPU s, "
    )


def _pictures(n: int, seed: int = 0) -> U8:
    """Draw uint8 ``n 128 128``: the cells, then cells over shifted cells with grain."""
    files = sorted((HOME / "elpv" / "images").iterdir())
    size = (128, 128)
    cells = [
        cv2.resize(cv2.imread(str(file), 0), size, interpolation=cv2.INTER_AREA) for file in files
    ]
    rng = np.random.default_rng(seed)
    pictures = np.empty((n, *size), np.uint8)
    for at in range(n):
        picture = cells[at % len(cells)]
        if at >= len(cells):
            other = np.roll(cells[rng.integers(len(cells))], rng.integers(0, 128, 2), (0, 1))
            grain = cv2.GaussianBlur(rng.normal(0, 60, size), (0, 0), 2.5)
            picture = np.clip(0.5 * picture + 0.5 * other + grain, 0, 255).astype(np.uint8)
        pictures[at] = picture
    return pictures

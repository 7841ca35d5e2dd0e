"""Radiographs that are nearly right: shown wrongly, of something else, of other people.

For each kind the OOD gate alone and the wrong presentations learned alone (AUROC and FPR95 against
the test part of site 1), and what all gates together send to review: the OOD gate, the pack's own
checks, the ways learned.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from core.decision.certificate import interval
from core.settings import Settings
from core.types import Frame
from domains.xray.decoding.presentations import WRONG_PRESENTATIONS
from tests.benchmarks.homes import SIZE, Home, Judged, auroc_and_fpr95
from tests.benchmarks.sites import first, judge, rows_in, second

DRAWN = 60  # test pictures shown in every wrong way


def main() -> None:
    """Print a line a kind."""
    home, bundle, policy = first()
    alpha = policy.targets.ood_alpha
    novel, stopped = home.ordinary.flagged(alpha)
    print(f"site 1 test, n {len(home.test)}: OOD gate {novel:.3f}, any gate {stopped:.3f}")
    away = second()
    adults = judge(bundle, away, rows_in(away, "ext_test"))
    _say("adults of another hospital", home, adults, alpha)
    drawn = np.random.default_rng(0).permutation(home.test)[:DRAWN]
    right = [_prepared(home, home.of.rows[int(row)].file) for row in drawn]
    for name, way in WRONG_PRESENTATIONS.items():
        shown = (Frame(way(one.pixels), 8, one.sha256, one.source_size) for one in right)
        _say(name, home, home.judge(shown), alpha)
    for kind, files in _others(Settings().shared_data / "xray").items():
        _say(kind, home, home.judge(map(_read(home), files)), alpha)


def _say(name: str, home: Home, predictions: Judged, alpha: float) -> None:
    area, let_in = home.against(predictions)
    way_area, way_let_in = auroc_and_fpr95(home.ordinary.wrongly, predictions.wrongly)
    novel, stopped = predictions.flagged(alpha)
    n = len(predictions.score)
    low, high = interval(round(stopped * n), n)
    print(
        f"  {name:<34} n {n:>3}: AUROC {area:.3f}, FPR95 {let_in:.2f}, by the ways "
        f"{way_area:.3f}, {way_let_in:.2f}; flagged by the OOD gate {novel:.2f}, by any gate "
        f"{stopped:.2f} [{low:.2f}, {high:.2f}]",
        flush=True,
    )


def _prepared(home: Home, file: Path) -> Frame:
    ready = home.pack.prepare(_read(home)(file), SIZE)
    return Frame(ready.pixels, 8, ready.sha256, ready.source_size)


def _read(home: Home):
    largest = Settings().max_pixels
    return lambda file: home.pack.read(file.read_bytes(), largest, SIZE)


def _others(folder: Path) -> dict[str, list[Path]]:
    """List what was put together for radiographs, near by kind and far as one."""
    found = defaultdict(list)
    for row in _rows(folder / "ood"):
        kind = row["kind"] if row["group"] == "near" else "photographs and other pictures"
        found[kind].append(folder / row["file"])
    few = [kind for kind, files in found.items() if len(files) < 4]
    found["other radiographs and slices"] = [file for kind in few for file in found.pop(kind)]
    return dict(found)


def _rows(folder: Path) -> Iterator[dict[str, str]]:
    with (folder / "manifest.csv").open(newline="", encoding="utf-8-sig") as file:
        yield from csv.DictReader(file)

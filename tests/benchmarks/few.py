"""Defects arriving one by one beside fifty good pictures: what is automatic, and how true.

Within a draw the good pictures stay the same and the defects only ever get more. Every picture is
a group of its own here. ``dropped`` beside it is the former rule: no memory from 30 defects on.

`... few radiographs` takes radiographs instead of cells, `... few 150` as many good pictures.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.decision import metrics
from core.decision.policy import Cases, certify
from core.labelled import Row
from core.model.estimators.bank import Bank
from core.model.estimators.model import Model, one_thread
from core.model.fitting.bank_fitting import collect_patches
from core.model.fitting.fit import fit
from core.model.fitting.table import FeatureTable
from core.model.network import backbone as backbones
from core.service.data.labels import with_splits
from core.service.training import good_only
from core.settings import Settings
from core.types import F32, F64, NetworkOutput, Targets
from tests.benchmarks.good_only import is_mono, patched
from tests.benchmarks.sets import BLANK, HOME, pictures, rows_of

GOOD, TESTED = 50, 80
DEFECTS = (0, 5, 10, 20, 30, 40, 60, 100, 150, 200)
COARSE = (0, 10, 30, 60, 150)
DRAWS = 3
NEGATIVE = frozenset({"good"})
POSITIVE = (True, False)


@dataclass(frozen=True)
class Product:
    """Pictures of one product after the network."""

    what: str
    pooled: F32
    patches: F32
    good: NDArray[np.bool_]
    gated: int


def main() -> None:
    """Print the curve, a line a number of defects."""
    one_thread()
    counts = [int(word) for word in sys.argv[1:] if word.isdigit()]
    is_chest = "radiographs" in sys.argv
    one = radiographs() if is_chest else cells()
    most = int((~one.good).sum())
    for defects in COARSE if is_chest or counts else DEFECTS:
        if defects + 60 > most:
            continue
        for kept in (True, False) if defects >= good_only.ENOUGH_DEFECTS else (True,):
            _line(one, defects, counts[0] if counts else GOOD, kept=kept)


def cells() -> Product:
    """Run the network on the certain mono cells, or read what it gave last time."""
    return _product("elpv", "mono cells, certain", is_mono)


def radiographs() -> Product:
    """Run the network on a radiograph of each of 560 patients, or read what it gave last time."""
    first: dict[tuple[str, str], Row] = {}
    for row in rows_of("xray", Settings(home=HOME))[1]:
        first.setdefault((row.label, row.group), row)
    order = np.random.default_rng(0).permutation(len(first))
    rows = [list(first.values())[i] for i in order]
    files = {r.file for label in ("normal", "abnormal") for r in _some(rows, label)}
    return _product("xray", "radiographs", lambda row: row.file in files)


def _some(rows: list[Row], label: str) -> list[Row]:
    return [row for row in rows if row.label == label][:280]


def _product(name: str, what: str, kept: Callable[[Row], bool]) -> Product:
    remembered = patched(name, what, kept)
    pack, rows = rows_of(name, Settings(home=HOME))
    rows = [row for row in rows if kept(row)]
    classes = tuple(sorted({row.label for row in rows}))
    key = what.replace(", ", "-").replace(" ", "-")
    whole = pictures(key, pack, rows, classes, backbones.describe())
    return Product(
        what, whole.table.pooled, remembered.patches, remembered.good, whole.backbone.gated
    )


def _line(one: Product, defects: int, count: int, *, kept: bool) -> None:
    draws = [_figures(one, defects, count, draw, kept=kept) for draw in range(DRAWS)]
    means, spread = np.mean(draws, axis=0), np.std(draws, axis=0, ddof=1)
    words = ("FAIL of defects", "overkill", "escape", "ECE - floor", "AUROC")
    format_labels = ", ".join(
        f"{w} {m:.3f} (sd {s:.3f})" for w, m, s in zip(words, means, spread, strict=True)
    )
    rule = "kept" if kept else "dropped"
    print(f"{one.what}, {count} good + {defects} defects, {rule}: {format_labels}", flush=True)


def _figures(one: Product, defects: int, count: int, draw: int, *, kept: bool) -> list[float]:
    rng = np.random.default_rng(draw)
    good = rng.permutation(np.flatnonzero(one.good))
    bad = rng.permutation(np.flatnonzero(~one.good))
    split = _splits(count, defects, kept=kept)
    known = np.concatenate([good[:count], bad[:defects]])
    train, cal = known[split == "train"], known[split == "cal"]
    # As many good and bad as there were to learn from: another mix is another question.
    share = defects / (defects + count) if defects else 0.5
    fresh_good, fresh_bad = good[count : count + TESTED], bad[defects : defects + TESTED]
    model, oof = _learn(one, train, draw, kept=kept)
    policy = certify(
        _cases(model, one, cal),
        oof,
        Targets(escape=0.1, overkill=0.05, ood_alpha=0.0),
        bundle="b",
        good_groups=model.bank.groups if model.bank else 0,
    )
    score_maps = {
        side: _scores(model, one, at) for side, at in (("good", fresh_good), ("bad", fresh_bad))
    }
    level = policy.good_only.level if policy.good_only else None

    def failed(side: str) -> NDArray[np.bool_]:
        p, good_p = score_maps[side]
        by_limit = p >= policy.t_pos if policy.t_pos is not None else np.zeros(len(p), np.bool_)
        return by_limit | (good_p <= level if level is not None else False)

    limit = -1.0 if policy.t_neg is None else policy.t_neg
    escaped = (score_maps["bad"][0] <= limit) & ~failed("bad")
    few = _mixed(score_maps["good"][0], score_maps["bad"][0], share, rng)
    return [
        float(failed("bad").mean()),
        float(failed("good").mean()),
        float(escaped.mean()),
        metrics.ece(*few) - metrics.ece_floor(few[0], 0),
        metrics.auroc(
            np.concatenate([score_maps["good"][0], score_maps["bad"][0]]),
            np.repeat([False, True], [len(fresh_good), len(fresh_bad)]),
        ),
    ]


def _mixed(
    good: F64, bad: F64, share: float, rng: np.random.Generator
) -> tuple[F64, NDArray[np.int64]]:
    """Draw with the share of defects that training had, as probabilities of two classes."""
    n = len(good) + len(bad)
    count = round(share * n)
    p = np.concatenate([rng.choice(good, n - count), rng.choice(bad, count)])
    labels = np.repeat([0, 1], [n - count, count]).astype(np.int64)
    return np.stack([1.0 - p, p], axis=1), labels


def _splits(good: int, defects: int, *, kept: bool) -> NDArray[np.str_]:
    made = [("good", f"good{i}") for i in range(good)] + [
        ("bad", f"bad{i}") for i in range(defects)
    ]
    rows = with_splits([Row(Path(group), label, "", group) for label, group in made])
    if kept:
        rows = good_only.assign_good_groups(rows, NEGATIVE)
    return np.array([row.split for row in rows])


def _learn(one: Product, train: NDArray[np.intp], seed: int, *, kept: bool) -> tuple[Model, Cases]:
    good = train[one.good[train]]
    table = FeatureTable(
        pooled=one.pooled[train],
        labels=one.good[train].astype(np.int64),
        groups=train.astype(np.str_),
        measures={},
        sound=np.ones(len(train), np.bool_),
        gated=one.gated,
    )
    if not kept:
        found = fit(table, ("bad", "good"), POSITIVE, seed)
        return found.model, found.oof
    remembered = collect_patches([[one.patches[i]] for i in good])
    bank, own = remembered.bank(), {picture: place for place, picture in enumerate(good.tolist())}
    scores = [
        (remembered.bank(own[i]) if i in own else bank).score(one.patches[i])
        for i in train.tolist()
    ]
    held_out = [score for i, score in zip(train.tolist(), scores, strict=True) if i in own]
    bank = replace(bank, group_scores=np.array(held_out, np.float64))
    odds = np.array([bank.log_odds(score) for score in scores], np.float64)
    found = fit(replace(table, log_odds=odds), ("bad", "good"), POSITIVE, seed, bank=bank)
    return found.model, found.oof


def _scores(model: Model, one: Product, at: NDArray[np.intp]) -> tuple[F64, F64]:
    evidence = [model.evidence(_look(model.bank, one, i), BLANK) for i in at.tolist()]
    p = np.array([model._calibrated(e.logits)[1] for e in evidence], np.float64)
    return p, np.array([e.good_p for e in evidence], np.float64)


def _look(bank: Bank | None, one: Product, i: int) -> NetworkOutput:
    return (
        NetworkOutput(one.pooled[i], patches=one.patches[i])
        if bank
        else NetworkOutput(one.pooled[i])
    )


def _cases(model: Model, one: Product, at: NDArray[np.intp]) -> Cases:
    p = _scores(model, one, at)[0]
    whole = np.ones(len(at))
    return Cases(p, whole, whole > 0, ~one.good[at], at.astype(np.str_))

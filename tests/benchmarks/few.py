"""Defects arriving one by one beside fifty good pictures: what is automatic, and how true.

Within a draw the good pictures stay the same and the defects only ever get more. Every picture is
a group of its own here. ``dropped`` beside it is the former rule: no memory from 30 defects on.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.decision import metrics
from core.decision.policy import Cases, certify
from core.labelled import Row
from core.model import backbone as backbones
from core.model.bank import Bank, remember
from core.model.fitted import Model, one_thread
from core.model.fitting import Table, fit
from core.model.runtime import open_network
from core.service import good_start
from core.service.labels import with_splits
from core.service.progress import silent
from core.service.reading import Seen, look_at
from core.settings import Settings
from core.types import F32, F64, Look, Targets
from tests.benchmarks.good_only import is_mono
from tests.benchmarks.sets import HOME, rows_of

GOOD, TESTED = 50, 80
DEFECTS = (0, 5, 10, 20, 30, 40, 60, 100, 150, 200)
DRAWS = 3
MOST = 280  # pictures a side that go through the network
NEGATIVE = frozenset({"good", "functional"})
POSITIVE = (True, False)


@dataclass(frozen=True)
class Product:
    """Pictures of one product after the network."""

    pooled: F32
    patches: F32
    good: NDArray[np.bool_]
    rows: list[Row]
    gated: int


def main() -> None:
    """Print the curve of each product, a line a number of defects."""
    one_thread()
    for name in [word for word in sys.argv[1:] if word in ("elpv", "ball_screw")] or [
        "elpv",
        "ball_screw",
    ]:
        one = product(name)
        most = int((~one.good).sum())
        for defects in [count for count in DEFECTS if count + 60 <= most]:
            for kept in (True, False) if defects >= good_start.ENOUGH_DEFECTS else (True,):
                _line(name, one, defects, kept=kept)


def product(name: str) -> Product:
    """Run the network on a set, or read what it gave last time."""
    settings = Settings(home=HOME)
    pack, rows = rows_of(name, settings)
    rng = np.random.default_rng(0)
    rows = [row for row in rows if name != "elpv" or is_mono(row)]
    good = np.array([row.label in NEGATIVE for row in rows])
    sides = [rng.permutation(np.flatnonzero(side))[:MOST] for side in (good, ~good)]
    rows = [rows[i] for i in np.concatenate(sides)]
    backbone = replace(backbones.describe(), patches=True)
    file = HOME / "tables" / f"few-{name}-{backbone.key}.npz"
    if not file.exists():
        network = open_network(backbone, runtime=settings.runtime, cache=settings.cache)
        looked = look_at(
            rows,
            pack=pack,
            size=backbone.size,
            network=network,
            settings=settings,
            progress=silent,
        )
        looks = [one.look for one in looked if isinstance(one, Seen)]
        file.parent.mkdir(parents=True, exist_ok=True)
        pooled, patches = np.stack([x.pooled for x in looks]), np.stack([x.patches for x in looks])
        np.savez(file, pooled=pooled, patches=patches.astype(np.float16))
    with np.load(file) as found:
        pooled, patches = found["pooled"], found["patches"].astype(np.float32)
    if len(pooled) != len(rows):
        sys.exit(f"{file} is of another data set; remove it.")
    good = np.array([row.label in NEGATIVE for row in rows])
    return Product(pooled, patches, good, rows, backbone.gated)


def _line(name: str, one: Product, defects: int, *, kept: bool) -> None:
    figures = np.array([_figures(one, defects, draw, kept=kept) for draw in range(DRAWS)])
    means, spread = figures.mean(axis=0), figures.std(axis=0, ddof=1)
    words = ("FAIL of defects", "overkill", "escape", "ECE - floor", "AUROC")
    told = ", ".join(
        f"{w} {m:.3f} (sd {s:.3f})" for w, m, s in zip(words, means, spread, strict=True)
    )
    print(f"{name}, {GOOD} good + {defects} defects, {'kept' if kept else 'dropped'}: {told}")


def _figures(one: Product, defects: int, draw: int, *, kept: bool) -> list[float]:
    rng = np.random.default_rng(draw)
    good = rng.permutation(np.flatnonzero(one.good))
    bad = rng.permutation(np.flatnonzero(~one.good))
    split = _splits(len(good[:GOOD]), defects, draw, kept=kept)
    known = np.concatenate([good[:GOOD], bad[:defects]])
    train, cal = known[split == "train"], known[split == "cal"]
    # As many good and bad as there were to learn from: another mix is another question.
    share = defects / (defects + GOOD) if defects else 0.5
    most_bad, fresh_good = len(bad) - defects, good[GOOD : GOOD + TESTED]
    fresh_bad = bad[defects : defects + most_bad][:TESTED]
    model, oof = _learn(one, train, draw, kept=kept)
    policy = certify(
        _cases(model, one, cal),
        oof,
        Targets(escape=0.1, overkill=0.05, ood_alpha=0.0),
        bundle="b",
        good_groups=model.bank.groups if model.bank else 0,
    )
    said = {side: _said(model, one, at) for side, at in (("good", fresh_good), ("bad", fresh_bad))}
    level = policy.good_only.level if policy.good_only else None

    def failed(side: str) -> NDArray[np.bool_]:
        p, good_p = said[side]
        by_limit = p >= policy.t_pos if policy.t_pos is not None else np.zeros(len(p), np.bool_)
        return by_limit | (good_p <= level if level is not None else False)

    escaped = said["bad"][0] <= policy.t_neg if policy.t_neg is not None else np.zeros(1, np.bool_)
    escaped = escaped & ~failed("bad") if len(escaped) > 1 else escaped
    few = _mixed(said["good"][0], said["bad"][0], share, rng)
    return [
        float(failed("bad").mean()),
        float(failed("good").mean()),
        float(escaped.mean()),
        metrics.ece(*few) - metrics.ece_floor(few[0], 0),
        metrics.auroc(
            np.concatenate([said["good"][0], said["bad"][0]]),
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


def _splits(good: int, defects: int, draw: int, *, kept: bool) -> NDArray[np.str_]:
    made = [("good", f"good{i}") for i in range(good)] + [
        ("bad", f"bad{i}") for i in range(defects)
    ]
    rows = with_splits([Row(Path(group), label, "", group) for label, group in made], draw)
    if kept:
        rows = good_start.settled(rows, NEGATIVE)
    return np.array([row.split for row in rows])


def _learn(one: Product, train: NDArray[np.intp], seed: int, *, kept: bool) -> tuple[Model, Cases]:
    good = train[one.good[train]]
    table = Table(
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
    bank = remember([[one.patches[i]] for i in good])
    own = {picture: place for place, picture in enumerate(good.tolist())}
    scores = [bank.read(one.patches[i])[1 + own[i] if i in own else 0] for i in train.tolist()]
    held = np.array([score for i, score in zip(train, scores, strict=True) if i in own], np.float64)
    bank = replace(bank, held=held)
    odds = np.array([bank.log_odds(float(score)) for score in scores], np.float64)
    found = fit(replace(table, log_odds=odds), ("bad", "good"), POSITIVE, seed, bank=bank)
    return found.model, found.oof


def _said(model: Model, one: Product, at: NDArray[np.intp]) -> tuple[F64, F64]:
    evidence = [model.evidence(_look(model.bank, one, i)) for i in at.tolist()]
    p = np.array([model._calibrated(e.logits)[1] for e in evidence], np.float64)
    return p, np.array([e.good_p for e in evidence], np.float64)


def _look(bank: Bank | None, one: Product, i: int) -> Look:
    return Look(one.pooled[i], patches=one.patches[i]) if bank else Look(one.pooled[i])


def _cases(model: Model, one: Product, at: NDArray[np.intp]) -> Cases:
    p = _said(model, one, at)[0]
    whole = np.ones(len(at))
    return Cases(p, whole, whole > 0, ~one.good[at], at.astype(np.str_))

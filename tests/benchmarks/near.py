"""Near out-of-distribution pictures: another product of the kind, a kind or a crop unseen.

Radiographs have a page of their own, ``xray_near``.

Only the gate is asked here. An unseen kind of defect on a known surface is mostly an ordinary
picture to it: such defects are the classifier's and the certificate's business.

`... near classes` asks only about classes left out of training.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.decision import metrics, ood, splits
from core.model.estimators.discriminants import CorruptedFeatures
from core.model.estimators.model import standardise
from core.model.fitting.table import FeatureTable
from core.model.network import backbone as backbones
from core.model.network.runtime import open_network
from core.packs import pack_named
from core.service.training.corruptions import CorruptedSets
from core.settings import Settings
from core.types import F32, F64, Frame
from tests.benchmarks.homes import ALPHAS, SIZE, fit_to
from tests.benchmarks.sets import HOME, Labelled, altered, labelled, rows_of

HOMES = ("magnetic_tile", "ball_screw", "elpv", "crops", "xray")
DRAWS = 10
LEFT_OUT = {
    "magnetic_tile": ("defect_kind", ("blowhole", "break", "crack", "fray", "uneven")),
    "elpv": ("type", ("mono", "poly")),
    "crops": ("crop", ("rice", "coffee")),
}
Rows = NDArray[np.bool_]


@dataclass(frozen=True)
class GateTrial:
    """A set, those of its pictures that take part, and how others are made into features."""

    of: Labelled
    known: Rows

    def split(self, name: str) -> Rows:
        """Say which pictures are in a split."""
        return np.array([row.split == name for row in self.of.rows])

    def column(self, name: str) -> NDArray[np.str_]:
        """Give a column of the manifest."""
        return np.array([row.columns[name] for row in self.of.rows])

    def pooled(self, frames: Iterable[Frame]) -> F32:
        """Send other pictures through the set's pack and the network."""
        settings = Settings(home=HOME)
        network = open_network(backbones.describe(), runtime="onnx", cache=settings.cache)
        pack = pack_named(rows_of(self.of.name, settings)[0])
        return np.stack([network.extract(pack.prepare(one, SIZE).pixels).pooled for one in frames])

    def meet(self, title: str, ood_sets: dict[str, F32]) -> None:
        """Fit the gate on the train part and print its figures on test and OOD pictures."""
        table = self.of.table
        known = self.split("train") & self.known
        made = _made_of(self.of, known, self.split("train"))
        score, reference = gate_of(self.of, table.pick(known), made)
        home = score(table.pooled[self.split("test") & self.known])
        limit = np.quantile(home, 0.95, method="inverted_cdf")
        alarms = [np.mean(ood.conformal_p(home, reference) <= alpha) for alpha in ALPHAS]
        print(f"{title}: own test n {len(home)}, flagged {alarms[0]:.3f} / {alarms[1]:.3f}")
        for name, pooled in ood_sets.items():
            away = score(pooled)
            area = metrics.auroc(
                np.concatenate([home, away]), np.arange(len(home) + len(away)) >= len(home)
            )
            p = ood.conformal_p(away, reference)
            shares = " / ".join(f"{np.mean(p <= alpha):.2f}" for alpha in ALPHAS)
            print(
                f"  {name:<28} n {len(away):>4}: AUROC {area:.3f}, FPR95 "
                f"{np.mean(away <= limit):.2f}, flagged at 1 % / 5 % {shares}",
                flush=True,
            )


def gate_of(
    one: Labelled, table: FeatureTable, made: CorruptedSets
) -> tuple[Callable[[F32], F64], F64]:
    """Return the gate's score of pooled features ``n d`` alone, and its reference."""
    home = fit_to(one, replace(table, foreground=None), made)

    def score(pooled: F32) -> F64:
        return np.array([home.gate.score(z) for z in standardise(pooled, home.centre, home.scale)])

    return score, home.gate.reference


def level(one: Labelled) -> None:
    """Print how many ordinary pictures are flagged, over draws of train and test by group."""
    shares, every = [], np.ones(len(one.rows), np.bool_)
    for seed in range(DRAWS):
        part = splits.split_groups(one.table.labels, one.table.groups, (0.6, 0.0, 0.4), seed)
        known = part == "train"
        score, reference = gate_of(one, one.table.pick(known), _made_of(one, known, every))
        p = ood.conformal_p(score(one.table.pooled[part == "test"]), reference)
        shares.append([np.mean(p <= alpha) for alpha in ALPHAS])
    mean, spread = np.mean(shares, axis=0), np.std(shares, axis=0, ddof=1)
    text = ", ".join(
        f"{m:.3f} (sd {s:.3f}) at {a:.0%}" for m, s, a in zip(mean, spread, ALPHAS, strict=True)
    )
    print(f"{one.name:<14} ordinary pictures flagged, {DRAWS} draws 60/40 by group: {text}")


def _made_of(one: Labelled, known: Rows, among: Rows) -> CorruptedSets:
    """Return the altered pictures of some, out of those made of more."""
    made, groups = altered(one, among), one.table.groups[known]
    return CorruptedSets(
        _of(made.presentations, groups),
        _of(made.corruptions, groups),
        made.variations.among(known[among]) if made.variations else None,
    )


def _of(made: CorruptedFeatures | None, groups: NDArray[np.str_]) -> CorruptedFeatures | None:
    if made is None:
        return None
    kept = np.isin(made.groups, groups)
    return replace(
        made,
        pooled=made.pooled[kept],
        kind=made.kind[kept],
        groups=made.groups[kept],
        asymmetry=made.asymmetry[kept],
    )


def main() -> None:
    """Print the level on ordinary pictures, then every pair of a set and its OOD sets."""
    if "classes" in sys.argv:
        for name in LEFT_OUT:
            _classes_left_out(name)
        return
    for name in HOMES:
        level(labelled(name))
    parts = Settings().shared_data / "parts"
    tiles, screws = _trial("magnetic_tile"), _trial("ball_screw")
    for trial, other in ((tiles, screws), (screws, tiles)):
        trial.meet(
            trial.of.name, {**_assembled(trial, parts), other.of.name: other.of.table.pooled}
        )
    _classes_left_out("magnetic_tile")
    cells = _trial("elpv")
    cells.meet("elpv", _assembled(cells, parts, but="solarcell"))
    _classes_left_out("elpv")
    leaves = _trial("crops")
    leaves.meet("crops", _assembled(leaves, Settings().shared_data / "crops"))
    _classes_left_out("crops")


def _classes_left_out(name: str) -> None:
    """Leave each of some classes out of training and meet its test pictures afterwards."""
    trial = _trial(name)
    column, kinds = LEFT_OUT[name]
    shown = trial.column(column)
    for kind in kinds:
        # Of a kind of defect there are few pictures: those of cal as well.
        met = ~trial.split("train") if column == "defect_kind" else trial.split("test")
        _without(trial, shown == kind, kind, met)


def _trial(name: str) -> GateTrial:
    one = labelled(name)
    return GateTrial(one, np.ones(len(one.rows), np.bool_))


def _without(trial: GateTrial, hidden: Rows, name: str, met: Rows) -> None:
    """Keep some pictures out of training and meet them afterwards."""
    kept = replace(trial, known=~hidden)
    kept.meet(f"{trial.of.name} without {name}", {name: trial.of.table.pooled[hidden & met]})


def _assembled(trial: GateTrial, folder: Path, but: str = "nothing") -> dict[str, F32]:
    """Return the OOD pictures put together for a domain, near and far."""
    found = {}
    for kind in ("near", "far"):
        files = sorted(f for f in (folder / "ood" / kind).iterdir() if not f.name.startswith(but))
        found[kind] = trial.pooled(_read(trial, files))
    return found


def _read(trial: GateTrial, files: Iterable[Path]) -> Iterator[Frame]:
    settings = Settings(home=HOME)
    pack = pack_named(rows_of(trial.of.name, settings)[0])
    return (pack.read(file.read_bytes(), settings.max_pixels, SIZE) for file in files)

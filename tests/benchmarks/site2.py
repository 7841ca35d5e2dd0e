"""A new hospital: silence first, then what 20, 50, 100 local labelled pictures buy.

A bundle of site 1 meets site 2: how many pictures its gate flags, and what it would
predict without the gate. Then site 2's own pictures: with the old bundle as a start, and without.
Heads and calibration are chosen out of fold on the local pictures; ``ext_test`` is only counted on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.checking.nuisance_model import out_of_fold
from core.decision import metrics, splits
from core.decision.certificate import interval
from core.decision.certificate_text import describe_certificate
from core.decision.cluster_intervals import auroc_interval
from core.decision.policy import Cases, certify, dispositions
from core.decision.splits import CAL_SHARE
from core.model.bundle.bundle import Bundle
from core.model.fitting.fit import fit
from core.model.fitting.transfer import TransferSource
from core.types import Disposition, Policy
from tests.benchmarks.homes import Home, judged, kept
from tests.benchmarks.sets import Labelled
from tests.benchmarks.sites import NOTE, cases, first, judge, rows_in, second

COUNTS = (20, 50, 100, 232)
SEEDS = range(5)
LOOSE = 0.25  # What tens of cases can certify, where 5 % needs 59.


@dataclass(frozen=True)
class Adapted:
    """What a model of some local pictures does on the rest of the site."""

    head: str
    nll: float
    novel: float
    strict: tuple[float, float, float]
    loose: tuple[float, float, float]
    policy: Policy


def main() -> None:
    """Print both parts."""
    home, bundle, policy = first()
    _at_home(home)
    away = second()
    _met(home, bundle, policy, away)
    print(NOTE)
    start = start_of(bundle, away)
    for count in COUNTS:
        for name, begun in (("started from site 1", start), ("local alone", None)):
            _say(count, name, [adapted(away, begun, count, seed, bundle) for seed in SEEDS], bundle)


def start_of(bundle: Bundle, away: Labelled) -> TransferSource:
    """Take a bundle's pictures as a start."""
    known = bundle.known
    labels = np.array([away.classes.index(label) for label in known.labels], np.int64)
    sides = np.array(away.positive, np.int64)[labels]
    return TransferSource(known.features, labels, bundle.model.centre, bundle.model.scale, sides)


def adapted(
    away: Labelled, start: TransferSource | None, count: int, seed: int, bundle: Bundle
) -> Adapted:
    """Draw local pictures by patient, fit, certify, and count on the test part."""
    pool = rows_in(away, "ext_cal")
    local = _drawn(pool, away.table.groups, count, seed)
    part = splits.split_groups(
        away.table.labels[local],
        away.table.groups[local],
        (1.0 - CAL_SHARE, CAL_SHARE, 0.0),
        seed,
    )
    mine = np.isin(np.arange(len(away.rows)), local[part == "train"])
    found = fit(away.table.pick(mine), away.classes, away.positive, seed, source=start)
    model, cal_rows, test = found.model, local[part == "cal"], rows_in(away, "ext_test")
    cal, predictions = (
        judged(model, (kept(away, int(r)) for r in rows)) for rows in (cal_rows, test)
    )
    held_out, there = cases(cal, away, cal_rows), cases(predictions, away, test)
    asked = [bundle.pack.targets, replace(bundle.pack.targets, escape=LOOSE, overkill=LOOSE)]
    strict, loose = (certify(held_out, found.oof, one, bundle="benchmark") for one in asked)
    p = np.stack([predictions.chance, 1.0 - predictions.chance], axis=1)
    return Adapted(
        found.head,
        metrics.nll(p, (~there.positive).astype(np.int64)),
        float((predictions.ood_p <= strict.targets.ood_alpha).mean()),
        _rates(there, strict),
        _rates(there, loose),
        strict,
    )


def _rates(there: Cases, policy: Policy) -> tuple[float, float, float]:
    """Give what is deferred, missed and falsely called, over pictures."""
    made, truth = dispositions(there, policy), there.positive
    missed = made[truth] == Disposition.NEGATIVE
    called = made[~truth] == Disposition.POSITIVE
    return float((made == Disposition.DEFER).mean()), float(missed.mean()), float(called.mean())


def _drawn(
    pool: NDArray[np.intp], groups: NDArray[np.str_], count: int, seed: int
) -> NDArray[np.intp]:
    """Draw whole patients until there are so many pictures."""
    names = np.random.default_rng(seed).permutation(np.unique(groups[pool]))
    chosen: list[int] = []
    for name in names:
        if len(chosen) >= count:
            break
        chosen += pool[groups[pool] == name].tolist()
    return np.sort(np.array(chosen, np.intp))


def _at_home(home: Home) -> None:
    """Print the AUROC on site 1's test part, and that of six numbers alone."""
    truth, group = home.of.truth[home.test], home.of.table.groups[home.test]
    area = metrics.auroc(home.ordinary.chance, truth)
    low, high = auroc_interval(home.ordinary.chance, truth, group)
    print(
        f"site 1 test, n {len(truth)} ({np.unique(group).size} patients): AUROC {area:.4f} "
        f"[{low:.4f}, {high:.4f}]; {_shortcut(home):.3f} by six numbers of brightness and border"
    )


def _shortcut(home: Home) -> float:
    """Tell the class by mean, deviation and the four borders' brightness alone, out of fold."""
    numbers = np.array([_six(home, int(row)) for row in home.test])
    truth, group = home.of.truth[home.test], home.of.table.groups[home.test]
    place = splits.folds(truth.astype(np.int64), group, 5, 0)
    return metrics.auroc(out_of_fold(numbers, truth[:, None], place, 0)[:, 0], truth)


def _six(home: Home, row: int) -> list[float]:
    data = home.of.rows[row].file.read_bytes()
    grey = home.pack.read(data, 1 << 26, 224).pixels[:, :, 0].astype(np.float64)
    edge = max(1, len(grey) // 20)
    borders = (grey[:edge], grey[-edge:], grey[:, :edge], grey[:, -edge:])
    return [grey.mean(), grey.std(), *(float(part.mean()) for part in borders)]


def _met(home: Home, bundle: Bundle, policy: Policy, away: Labelled) -> None:
    """Send site 2 to the bundle of site 1."""
    alpha = policy.targets.ood_alpha
    novel, deferred = home.ordinary.flagged(alpha)
    print(f"site 1 test: {novel:.3f} flagged by the OOD gate, {deferred:.3f} by any gate")
    rows = np.arange(len(away.rows))
    predictions = judge(bundle, away, rows)
    for split in ("ext_cal", "ext_test", "ext_label_conflict", "all"):
        mine = rows if split == "all" else rows_in(away, split)
        flagged = predictions.ood_p[mine] <= alpha
        made = dispositions(cases(predictions, away, rows), policy)[mine]
        low, high = interval(int(flagged.sum()), len(mine))
        print(
            f"site 2 {split}, n {len(mine)}: NOVEL {flagged.mean():.4f} [{low:.4f}, {high:.4f}], "
            f"deferred for any reason {(made == Disposition.DEFER).mean():.4f}"
        )
    test = rows_in(away, "ext_test")
    area, called = (
        metrics.auroc(predictions.chance[test], away.truth[test]),
        predictions.chance[test] >= 0.5,
    )
    print(f"without the gate, ext_test: AUROC {area:.3f}, {called.mean():.3f} called abnormal")


def _say(count: int, name: str, runs: list[Adapted], bundle: Bundle) -> None:
    losses, heads = np.array([run.nll for run in runs]), sorted({run.head for run in runs})
    novel = np.mean([run.novel for run in runs])
    print(
        f"{count:>3} local pictures, {name}, {len(runs)} draws: NLL {losses.mean():.3f} (sd "
        f"{losses.std(ddof=1):.3f}), OOD {novel:.3f}; heads {', '.join(heads)}"
    )
    for rate, found in ((0.05, [r.strict for r in runs]), (LOOSE, [r.loose for r in runs])):
        deferred, missed, called = np.mean(found, axis=0)
        automatic = sum(one[0] < 1 for one in found)
        print(
            f"      {rate:.0%} asked on both sides: deferred {deferred:.3f}, missed {missed:.3f}, "
            f"false alarms {called:.3f}; {automatic} of {len(runs)} draws decide anything"
        )
    pack, policy = bundle.pack, runs[0].policy
    text = describe_certificate(policy.escape, pack.error_names[0], pack.unit_names[0])
    print(f"      draw 0: {text}")

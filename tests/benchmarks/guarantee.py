"""How often a certified threshold breaks its promise, on every set: 500 grouped recalibrations.

The population is the whole set with out-of-fold predictions; each recalibration draws its cal
groups from it with replacement, so the population's escape rate under the rule is known exactly.
Beside it stands how much is decided without a person. `... guarantee best SET` sees pictures as
`--effort best` does, closer where that predicts better out of fold; nothing is fine-tuned here.
"""

from __future__ import annotations

import sys

import numpy as np
from scipy.stats import binom

from core.decision.policy import Cases, certify, dispositions
from core.model.fitting.fit import fit
from core.types import Disposition, Policy, Targets
from tests.benchmarks.sets import Labelled, altered, asked, labelled

REPEATS, SHARE, CONFIDENCE = 500, 0.5, 0.9
ALPHAS = (0.01, 0.02, 0.05)


def main() -> None:
    """Print, for every set and alpha, how many recalibrations break the promise."""
    slack = binom.ppf(0.95, REPEATS, 1 - CONFIDENCE) / REPEATS
    print(
        f"{REPEATS} recalibrations each on {SHARE:.0%} of the groups, confidence {CONFIDENCE:.0%}: "
        f"promise broken in at most {1 - CONFIDENCE:.2f}, with slack {slack:.3f}"
    )
    for name in asked():
        one, pool = labelled(name), _pool(name)
        measure(name, pool, np.ones(len(pool.positive), np.bool_))
        if name == "elpv":
            measure("elpv certain", pool, _certain(one))


def _pool(name: str) -> Cases:
    sizes = [labelled(name)]
    if "best" in sys.argv:
        sizes = [labelled(name, all_sides=True, close=close) for close in (False, True)]
    accepts = []
    for one in sizes:
        made = altered(one, np.ones(len(one.rows), np.bool_))
        given = {"wrong": made.presentations, "faulty": made.corruptions, "benign": made.variations}
        accepts.append(fit(one.table, one.classes, one.positive, **given))
    return min(accepts, key=lambda found: min(found.nll.values())).oof


def measure(name: str, pool: Cases, counted: np.ndarray) -> None:
    """Recalibrate on one population and print what came out."""
    pool = pick(pool, np.flatnonzero(counted))
    for alpha in ALPHAS:
        rng = np.random.default_rng(0)
        targets = Targets(escape=alpha, overkill=0.05, confidence=CONFIDENCE)
        drawn = [_recalibrated(pool, targets, rng) for _ in range(REPEATS)]
        escapes = np.array([escape(pool, policy) for policy in drawn])
        made = [dispositions(pool, policy) for policy in drawn]
        automatic = np.array([np.mean(one != Disposition.DEFER) for one in made])
        negative = np.array([np.mean(one == Disposition.NEGATIVE) for one in made])
        print(
            f"{name:<14} alpha {alpha:.0%}: broken {np.mean(escapes > alpha):.3f}; without a "
            f"person {automatic.mean():.3f} (sd {automatic.std():.3f}), negative "
            f"{negative.mean():.3f}; {len(np.unique(pool.group))} groups, "
            f"{len(np.unique(pool.group[pool.positive]))} positive, {len(pool.positive)} pictures",
            flush=True,
        )


def _recalibrated(pool: Cases, targets: Targets, rng: np.random.Generator) -> Policy:
    names, member = np.unique(pool.group, return_inverse=True)
    drawn = rng.integers(0, len(names), int(SHARE * len(names)))
    order = np.argsort(member, kind="stable")
    first = np.searchsorted(member[order], np.arange(len(names) + 1))
    rows = [order[first[group] : first[group + 1]] for group in drawn]
    # Every draw is a group of its own: a group drawn twice stands for two groups alike.
    copies = np.repeat(np.arange(len(rows)), [len(own) for own in rows]).astype(np.str_)
    return certify(pick(pool, np.concatenate(rows), copies), pool, targets, bundle="bench")


def escape(pool: Cases, policy: Policy) -> float:
    """Give the share of the population's positive groups that the policy lets through."""
    through = (dispositions(pool, policy) == Disposition.NEGATIVE) & pool.positive
    positive = np.unique(pool.group[pool.positive]).size
    return np.unique(pool.group[through]).size / positive


def pick(pool: Cases, rows: np.ndarray, groups: np.ndarray | None = None) -> Cases:
    """Take some cases, under other group names where given."""
    return Cases(
        pool.positive_probability[rows],
        pool.ood_p[rows],
        pool.gates_passed[rows],
        pool.positive[rows],
        pool.group[rows] if groups is None else groups,
    )


def _certain(one: Labelled) -> np.ndarray:
    return np.array([row.columns["certain"] == "yes" for row in one.rows])[one.table.sound]

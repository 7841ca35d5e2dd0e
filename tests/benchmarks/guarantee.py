"""How often a certified threshold breaks its promise: 500 recalibrations on ELPV.

The population is the whole of ELPV with out-of-fold predictions; each recalibration draws its cal
groups from it with replacement, so the population's escape rate under the rule is known exactly.
"""

from __future__ import annotations

import numpy as np
from scipy.stats import binom

from core.decision.policy import Cases, certify, dispositions
from core.model.fitting import fit
from core.types import Disposition, Targets
from tests.benchmarks.cells import CLASSES, POSITIVE, cells

REPEATS, SHARE, CONFIDENCE = 500, 0.5, 0.9


def main() -> None:
    """Print the share of recalibrations whose population risk exceeds alpha."""
    pool = fit(cells().table, CLASSES, POSITIVE).oof
    slack = binom.ppf(0.95, REPEATS, 1 - CONFIDENCE) / REPEATS
    rng = np.random.default_rng(0)
    n = len(pool.positive)
    for alpha in (0.01, 0.02, 0.05):
        broken, passed = 0, []
        targets = Targets(escape=alpha, overkill=0.05, confidence=CONFIDENCE)
        for _ in range(REPEATS):
            cal = _draw(pool, rng.integers(0, n, int(SHARE * n)))
            policy = certify(cal, pool, targets, bundle="bench")
            negative = dispositions(pool, policy) == Disposition.NEGATIVE
            broken += negative[pool.positive].mean() > alpha
            passed.append(negative.mean())
        print(
            f"alpha {alpha:.0%}: population risk above alpha in {broken / REPEATS:.3f} of "
            f"{REPEATS} (allowed {1 - CONFIDENCE:.2f}, with slack {slack:.3f}); "
            f"automatic negatives {np.mean(passed):.3f} (sd {np.std(passed):.3f})"
        )


def _draw(pool: Cases, rows: np.ndarray) -> Cases:
    # Every draw is a group of its own: a cell drawn twice stands for two cells alike.
    return Cases(
        pool.positive_probability[rows],
        pool.ood_p[rows],
        pool.gates_passed[rows],
        pool.positive[rows],
        np.arange(len(rows)).astype(np.str_),
    )

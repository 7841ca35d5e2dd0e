"""How often the monitor alarms while nothing changes, and how long it takes once something does.

Simulated, with the functions that watch: 1,000 runs each, seed 0. Of OOD p-values and features the
ranks are made as they are in use, among all values that came before.
"""

from __future__ import annotations

import numpy as np

from core.decision import martingales, monitoring
from core.decision.drift import BASELINE, choose_edges
from core.decision.martingales import log_alarm
from core.decision.monitoring import FoundPositive
from core.records.monitored import WatchedPicture
from core.service.monitoring.signals import DELTAS, drift_level, signals
from core.service.monitoring.state import OOD_PLACES, MonitorState

RUNS, LONG = 1000, 2000
ALPHA, SHARE = 0.05, 0.02
HELD_OUT, QUIET = 150, 500


def main() -> None:
    """Print false alarms without change, and the delay for three sizes of change."""
    rng = np.random.default_rng(0)
    escapes = escape_paths(rng, np.full(LONG, ALPHA))
    print(_alarms("audited escapes at the certified rate, 2,000 positives found", escapes,
                  log_alarm(DELTAS["escapes"]), DELTAS["escapes"]))  # fmt: skip
    paths = ood_paths(rng, np.zeros(LONG))
    print(_alarms("OOD p-values, 150 held-out groups and 2,000 cases", paths,
                  log_alarm(DELTAS["ood"]), DELTAS["ood"]))  # fmt: skip
    paths = drift_paths(rng, np.zeros(LONG))
    print(_alarms("one feature of the first source, 2,000 cases", paths,
                  drift_level(1), DELTAS["drift"] / 18))  # fmt: skip
    print(whole())
    for factor in (2, 4, 10):
        rates = np.repeat([ALPHA, factor * ALPHA], [QUIET, LONG])
        paths = escape_paths(rng, rates)
        print(_delay(f"escape rate {factor} times the certified 5 %, 2 % drawn", paths,
                     log_alarm(DELTAS["escapes"]), "positives found"))  # fmt: skip
    for shift in (0.5, 1.0, 2.0):
        shifts = np.repeat([0.0, shift], [QUIET, LONG])
        paths = ood_paths(rng, shifts)
        print(_delay(f"OOD score up by {shift:g} sd", paths, log_alarm(DELTAS["ood"]), "cases"))
    for shift in (0.5, 1.0, 2.0):
        shifts = np.repeat([0.0, shift], [QUIET, LONG])
        paths = drift_paths(rng, shifts)
        print(_delay(f"a feature of the first source up by {shift:g} sd", paths, drift_level(1),
                     "cases"))  # fmt: skip


def escape_paths(rng: np.random.Generator, rates: np.ndarray) -> np.ndarray:
    """Give the log wealth ``t runs`` of bets on positives found, whose escape rate is given."""
    theta = np.array([monitoring.found_share(rate, SHARE) for rate in np.minimum(rates, 0.999)])
    hits = rng.random((len(rates), RUNS)) < theta[:, None]
    bets = [monitoring.bet_on_escapes(FoundPositive(hit, SHARE), ALPHA) for hit in (False, True)]
    return _paths(np.where(one[:, None], bets[1], bets[0]) for one in hits)


def ood_paths(rng: np.random.Generator, shifts: np.ndarray) -> np.ndarray:
    """Give the log wealth of bets on OOD p-values of normal scores that are shifted."""
    from scipy.stats import norm

    def places(z: np.ndarray) -> np.ndarray:
        return np.clip((norm.cdf(z) * OOD_PLACES).astype(int), 0, OOD_PLACES - 1)

    counts = np.zeros((RUNS, OOD_PLACES), int)
    for _ in range(HELD_OUT):
        counts[np.arange(RUNS), places(rng.normal(size=RUNS))] += 1
    return _paths(
        martingales.bet_on_small(_ranked(rng, counts, places(rng.normal(size=RUNS) + shift)))
        for shift in shifts
    )


def drift_paths(rng: np.random.Generator, shifts: np.ndarray) -> np.ndarray:
    """Give the log wealth of bets on a feature of normal values that are shifted."""
    # Of continuous values no edge is met, and none coincide.
    edges = np.array([choose_edges(rng.normal(size=BASELINE)) for _ in range(RUNS)]).T
    counts = np.zeros((RUNS, len(edges) + 1), int)
    return _paths(
        martingales.bet_on_both(
            _ranked(rng, counts, (edges < rng.normal(size=RUNS) + shift).sum(axis=0))
        )
        for shift in shifts
    )


def _ranked(rng: np.random.Generator, counts: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Give `smoothed_p` of many runs at once, and count the values in."""
    rows = np.arange(len(counts))
    above = counts[:, ::-1].cumsum(axis=1)[:, ::-1]
    equal = counts[rows, place]
    p = (above[rows, place] - equal + rng.random(len(counts)) * (equal + 1)) / (above[:, 0] + 1)
    counts[rows, place] += 1
    return p


def _paths(factors) -> np.ndarray:
    logs, paths = None, []
    for number, one in enumerate(factors):
        logs = np.full(one.shape, -np.inf) if logs is None else logs
        logs = martingales.step(logs, number, one)
        paths.append(martingales.log_wealth(logs, number + 1))
    return np.array(paths)


def whole(runs: int = RUNS, cases: int = BASELINE + 200) -> str:
    """Give how often any test of a product alarms, through the state that is kept in use."""
    rng, hits = np.random.default_rng(1), 0
    for _ in range(runs):
        pictures = [
            WatchedPicture(
                number, f"{rng.integers(1 << 60)}", f"case {number}", float(rng.random()),
                float(rng.random()), frozenset(), "camera", {
                    "brightness": float(rng.normal()), "hue": float(rng.normal()),
                    "camera": f"camera {rng.integers(2)}",
                }, "",
            )
            for number in range(cases)
        ]  # fmt: skip
        hits += any(signals(MonitorState().after(pictures), None, ALPHA))
    return (
        f"false alarms of the whole state, OOD and three features of a source, {cases} cases, "
        f"{runs} runs: {hits} ({hits / runs:.3f}), allowed {DELTAS['ood'] + DELTAS['drift']:g}"
    )


def _alarms(what: str, paths: np.ndarray, limit: float, delta: float) -> str:
    hits = int((paths.max(axis=0) >= limit).sum())
    return f"false alarms, {what}, {RUNS} runs: {hits} ({hits / RUNS:.3f}), allowed {delta:.2g}"


def _delay(what: str, paths: np.ndarray, limit: float, unit: str) -> str:
    late = paths[QUIET:] >= limit
    before = (paths[:QUIET] >= limit).any(axis=0)
    found = late.any(axis=0) & ~before
    delays = late.argmax(axis=0)[found] + 1
    low, middle, high = np.percentile(delays, (10, 50, 90)) if found.any() else (np.nan,) * 3
    return (
        f"delay, {what}, after {QUIET} without change: median {middle:.0f} {unit} (10 to 90 %: "
        f"{low:.0f} to {high:.0f}), {found.sum()} of {(~before).sum()} found within {LONG:,}"
    )

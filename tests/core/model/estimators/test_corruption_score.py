"""Known corruptions in the gate: a stronger one scores higher, clean pictures keep their level."""

import math
from dataclasses import replace

import numpy as np
from scipy.stats import betabinom

from core.decision import metrics
from core.decision.ood import conformal_p
from core.model.estimators.corruption_score import fit_corruption_score
from core.model.estimators.discriminants import FoldedCorruptions
from core.model.estimators.gate import fit_gate
from tests.core.model.estimators.test_discriminants import NAMES, clouds

GATED = 20


def ready(seed, n=400, shift=2.0):
    rng = np.random.default_rng(seed)
    right, z, kind = clouds(rng, 2 * n, shift)
    late = rng.normal(size=(2 * n, 12)).astype(np.float32)
    right = np.hstack([right, late])
    z = np.hstack([z, late[::-1]])
    fold = np.arange(n) % 5
    return (
        right[:n],
        right[n:],
        z[n:],
        FoldedCorruptions(NAMES, z[:n], kind[:n], fold),
        fold,
        kind[n:],
    )


def test_a_known_fault_is_seen_sooner_and_ordinary_pictures_are_flagged_as_often_as_meant():
    alpha, m, n = 0.05, 399, 400
    law = betabinom(n, 20, 380)  # 20 = floor(alpha (m + 1)) ranks are flagged
    gained, flagged = [], []
    for seed in range(8):
        right, new, shifted, placed, fold, _ = ready(seed)
        right, fold = right[:m], fold[:m]
        plain, *_ = fit_gate(right, GATED, fold)
        knowing, *_ = fit_gate(right, GATED, fold, corrupted=placed)
        truth = np.arange(2 * n) >= n
        areas = []
        for gate in (plain, knowing):
            scores = np.array([gate.score(z) for z in (*new, *shifted)])
            areas.append(metrics.auroc(scores, truth))
        gained.append(areas[1] - areas[0])
        flagged.append(np.count_nonzero(conformal_p(scores[:n], knowing.reference) <= alpha))
    assert min(gained) > 0.1
    assert max(flagged) <= law.ppf(1 - 1e-6)
    assert np.mean(flagged) / n > 0.3 * alpha


def test_what_it_adds_grows_along_a_fault_and_spreads_as_told():
    right, new, shifted, placed, fold, kind = ready(3)
    faults, added = fit_corruption_score(right[:, :GATED], placed.truncate(GATED), fold, spread=0.7)
    assert len(added) == len(right)
    each = (faults.discriminants.scores(new[0, :GATED]) - faults.mean) * faults.scale
    assert faults.score(new[0, :GATED]) == each.max()
    # One fault's share of ordinary pictures spreads by 0.7; the larger of two a little less.
    assert 0.4 < added.std() < 0.8
    way = shifted[kind == 0].mean(axis=0) - right.mean(axis=0)
    along = [faults.score((right[0] + t * way)[:GATED]) for t in (1, 2, 4, 8)]
    assert (np.diff(along) > 0).all()


def test_a_picture_is_said_to_resemble_the_fault_it_has_gone_over_halfway_to():
    right, new, shifted, placed, fold, kind = ready(4, shift=12.0)
    gate, *_ = fit_gate(right, GATED, fold, corrupted=placed)
    named = [gate.resembled(z) for z in shifted]
    assert np.mean([name == NAMES[k] for name, k in zip(named, kind, strict=True)]) > 0.99
    assert np.mean([gate.resembled(z) == "" for z in new]) > 0.99
    assert replace(gate, corruptions=None).resembled(shifted[0]) == ""


def test_nan_makes_no_picture_ordinary_and_resembles_nothing():
    right, _, _, placed, fold, _ = ready(5)
    gate, *_ = fit_gate(right, GATED, fold, corrupted=placed)
    broken = right[0].copy()
    broken[3] = math.nan
    assert math.isnan(gate.score(broken))
    assert gate.resembled(broken) == ""


def test_faults_of_another_width_do_not_fit_a_gate():
    right, _, _, placed, fold, _ = ready(6)
    gate, *_ = fit_gate(right, GATED, fold, corrupted=placed)
    assert gate.accepts(right.shape[1])
    narrow = replace(
        gate.corruptions.discriminants, weights=gate.corruptions.discriminants.weights[:, 1:]
    )
    assert not replace(gate, corruptions=replace(gate.corruptions, discriminants=narrow)).accepts(
        right.shape[1]
    )

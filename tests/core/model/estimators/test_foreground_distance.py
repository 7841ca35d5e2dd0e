"""The distance of the foreground in the gate: another thing on the same ground is found."""

import numpy as np
import pytest

from core.decision.ood import conformal_p
from core.model.bundle.optional_parts import pack_foreground, unpack_foreground
from core.model.estimators.foreground_distance import FoldedForegrounds, weigh
from core.model.estimators.gate import fit_gate

GATED, WIDTH, OWN = 6, 12, 24


def drawn(n, seed, *, is_foreign=False):
    """Features that are alike for all, and foregrounds of eight kinds, others where foreign."""
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((n, WIDTH)).astype(np.float32)
    kinds = 2.0 * np.random.default_rng(99 + is_foreign).standard_normal((8, OWN))
    own = kinds[rng.integers(0, 8, n)] + 0.5 * rng.standard_normal((n, OWN))
    return z, own.astype(np.float32)


def fitted():
    z, own = drawn(400, 0)
    fold = np.arange(400) % 5
    made = FoldedForegrounds(own, own[:0])
    return fit_gate(z, GATED, fold, 0, foregrounds=made)[0], fit_gate(z, GATED, fold, 0)[0]


def test_another_foreground_is_found_that_all_other_features_miss():
    gate, plain = fitted()
    z, own = drawn(200, 1, is_foreign=True)
    found = np.array([gate.score(a, b) for a, b in zip(z, own, strict=True)])
    missed = np.array([plain.score(a) for a in z])

    assert (conformal_p(found, gate.reference) <= 0.05).mean() > 0.9
    assert (conformal_p(missed, plain.reference) <= 0.05).mean() < 0.15


def test_ordinary_pictures_are_flagged_at_the_rate():
    gate, _ = fitted()
    z, own = drawn(1000, 2)
    p = conformal_p(
        np.array([gate.score(a, b) for a, b in zip(z, own, strict=True)]), gate.reference
    )

    assert 0.003 < (p <= 0.05).mean() < 0.08


def test_scores_out_of_fold_look_at_no_picture_of_the_fold():
    """Copies in one fold do not vouch for each other."""
    own = np.random.default_rng(0).standard_normal((60, OWN)).astype(np.float32)
    twice = np.concatenate([own, own])
    fold = np.arange(120) % 60 % 5
    _, scores = FoldedForegrounds(twice, twice[:0]).fit(fold, fold, 0)

    assert scores.min() > np.log(0.05)


def test_the_weight_makes_both_parts_vary_alike():
    own = drawn(100, 0)[1]
    distance, apart = FoldedForegrounds(own, own[:0]).fit(np.arange(100) % 5, np.arange(100) % 5, 0)
    weighed = weigh(distance, apart, 2.0)

    assert (weighed.weight * apart).std() == pytest.approx(2.0)
    assert weighed.score(own[0]) == pytest.approx(weighed.weight * distance.score(own[0]))


def test_it_survives_as_arrays_and_metadata():
    own = drawn(50, 0)[1]
    distance, _ = FoldedForegrounds(own, own[:0]).fit(np.arange(50) % 5, np.arange(50) % 5, 0)
    again = unpack_foreground(*pack_foreground(distance))

    assert again.score(own[3]) == distance.score(own[3])
    assert unpack_foreground({}, {}) is None

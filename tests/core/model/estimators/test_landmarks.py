"""Bounds of what a model keeps and costs, and that a bounded one is as good."""

import tracemalloc

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from core.decision.ood import conformal_p
from core.model.bundle import serialization
from core.model.estimators import gate, heads, landmarks
from core.model.estimators.landmarks import choose_landmarks, main_directions, ridge_on_landmarks
from core.model.estimators.reference import thin_reference
from core.model.fitting import head_fitting
from core.model.fitting.fit import FeatureTable, fit

MOST = 60


@pytest.fixture
def limits(monkeypatch):
    """Every limit a small one, so that few pictures are many."""
    monkeypatch.setattr(landmarks, "ALL_FEATURES", 30)
    monkeypatch.setattr(landmarks, "DIRECTIONS", 8)
    monkeypatch.setattr(head_fitting, "LANDMARKS", MOST)
    monkeypatch.setattr(gate, "MAX_KNOWN", MOST)
    monkeypatch.setattr(gate, "REFERENCE", MOST - 1)


def rings_of(n, seed, width=20):
    """Features of which the first two tell: one side is a ring around the other."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    angle, radius = rng.uniform(0, 2 * np.pi, n), 0.6 + labels + rng.normal(0, 0.25, n)
    z = rng.normal(0, 0.3, (n, width))
    z[:, :2] = 3.0 * radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return z.astype(np.float32), labels


def fitted(n, seed=0):
    z, labels = rings_of(n, seed)
    table = FeatureTable(
        pooled=z,
        labels=labels,
        groups=np.arange(n).astype(np.str_),
        measures={"size": np.linspace(0, 1, n)},
        sound=np.ones(n, np.bool_),
        gated=6,
    )
    return fit(table, ("good", "scratched"), (False, True), seed)


def auroc(head, z, labels):
    scores = np.array([heads.logits(head, row) for row in z])
    return roc_auc_score(labels, scores[:, 1] - scores[:, 0])


def test_nothing_that_a_model_keeps_grows_with_the_pictures_beyond_its_limits(limits):
    twice, four_times = (serialization.pack_model(fitted(n).model)[0] for n in (2 * MOST, 4 * MOST))
    shapes = {name: array.shape for name, array in twice.items()}
    assert {name: array.shape for name, array in four_times.items()} == shapes
    # One multiplication a number of each matrix is all that a verdict takes.
    assert shapes["head.support"] == (MOST, 8)
    assert shapes["gate.known"][0] == MOST
    assert shapes["gate.reference"] == (MOST - 1,)


def test_below_the_limits_a_kernel_compares_all_features_with_all_pictures():
    z, labels = rings_of(90, 0)
    head = head_fitting.fit_ridge(z, labels, 2)
    np.testing.assert_array_equal(head.support, z)
    assert head.basis is None


def test_a_bounded_head_tells_new_pictures_apart_as_well_as_one_without_bounds(monkeypatch):
    z, labels = rings_of(400, 1)
    new, truth = rings_of(600, 2)
    whole = head_fitting.fit_ridge(z, labels, 2)
    monkeypatch.setattr(head_fitting, "LANDMARKS", 100)
    fewer = head_fitting.fit_ridge(z, labels, 2)
    monkeypatch.setattr(landmarks, "ALL_FEATURES", 0)
    monkeypatch.setattr(landmarks, "DIRECTIONS", 8)
    both = head_fitting.fit_ridge(z, labels, 2)
    assert (len(fewer.support), both.basis.shape) == (100, (8, 20))
    best = auroc(whole, new, truth)
    assert best > 0.95
    assert auroc(fewer, new, truth) > best - 0.005
    assert auroc(both, new, truth) > best - 0.005
    linear = head_fitting.fit_logistic(z, labels, 2)
    assert auroc(linear, new, truth) < 0.7  # The bounds have something to lose.


def test_a_committee_in_directions_adds_its_members_and_its_gradient_is_their_slope(limits):
    z, labels = rings_of(50, 3)
    shares = {"ridge": np.ones(1), "svm": np.full(1, 2.0), "logistic": np.ones(1)}
    head = head_fitting.fit_head(head_fitting.ENSEMBLE, z, labels, 2, shares)
    alone = {name: head_fitting.fit_head(name, z, labels, 2, {}) for name in shares}
    assert head.kernel.basis.shape == (8, 20)
    for row in z[:10]:
        expected = sum(share * heads.logits(alone[name], row) for name, share in shares.items())
        np.testing.assert_allclose(heads.logits(head, row), expected, rtol=1e-4, atol=1e-4)
    direction, step = np.array([-1.0, 1.0]), np.float32(1e-2)
    for feature in range(20):
        ends = [z[4].copy(), z[4].copy()]
        ends[0][feature] -= step
        ends[1][feature] += step
        down, up = (float(direction @ heads.logits(head, end)) for end in ends)
        slope = heads.gradient(head, z[4], direction)[feature]
        assert (up - down) / (2 * step) == pytest.approx(slope, abs=2e-3)


def test_heads_in_other_directions_are_not_joined(limits):
    one, other = (head_fitting.fit_ridge(*rings_of(50, seed), 2) for seed in (4, 5))
    with pytest.raises(ValueError, match="one kernel"):
        heads.add_kernels(one, other)


def test_a_head_in_directions_comes_back_from_its_arrays(limits):
    model = fitted(2 * MOST).model
    again = serialization.unpack_model(*serialization.pack_model(model))
    z = rings_of(5, 6)[0]
    for row in z:
        np.testing.assert_array_equal(heads.logits(model.head, row), heads.logits(again.head, row))


def test_with_all_pictures_as_landmarks_ridge_regression_is_the_exact_one():
    z, labels = rings_of(80, 7)
    weight = np.random.default_rng(0).uniform(0.5, 2, 80)
    targets = np.stack([labels - 0.5, np.sin(np.arange(80))], axis=1)
    given = {"gamma": 0.05, "ridge": 0.3}
    dual = ridge_on_landmarks(z, z, targets, weight, **given)
    exact = head_fitting._ridge(z, targets, weight, **given)
    from sklearn.metrics.pairwise import rbf_kernel

    near = rbf_kernel(rings_of(30, 8)[0], z, gamma=0.05)
    np.testing.assert_allclose(near @ dual, near @ exact, atol=2e-3)


def test_landmarks_lie_where_pictures_are_and_repeat():
    z, _ = rings_of(400, 9)
    chosen = choose_landmarks(z, 50)
    assert chosen.shape == (50, 20)
    np.testing.assert_array_equal(choose_landmarks(z, 50), chosen)
    apart = np.linalg.norm(z[:, None] - chosen[None], axis=2).min(axis=1)
    drawn = np.linalg.norm(z[:, None] - z[None, :50], axis=2).min(axis=1)
    assert apart.mean() < drawn[50:].mean()


def test_memory_of_fitting_grows_no_faster_than_the_pictures():
    def peak(n):
        z, labels = rings_of(n, 10)
        targets, weight = labels[:, None] - 0.5, np.ones(n)
        tracemalloc.start()
        ridge_on_landmarks(z, choose_landmarks(z, MOST), targets, weight, gamma=0.05, ridge=0.3)
        main_directions(z, 8)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    assert peak(24_000) < 2.2 * peak(12_000)


@pytest.mark.parametrize("n", [999, 1000, 1500, 20_011])
def test_a_thinned_reference_never_scores_a_picture_higher_than_the_whole_one_does(n):
    rng = np.random.default_rng(n)
    whole, most = np.sort(rng.normal(size=n)), 999
    asked = np.concatenate([rng.normal(size=500), whole[::7], [whole[0] - 1, whole[-1] + 1]])
    before, after = conformal_p(asked, whole), conformal_p(asked, thin_reference(whole, most))
    assert len(thin_reference(whole, most)) <= most
    assert (after >= before - 1e-12).all()
    assert (after < before + 1 / (most + 1) + 1e-12).all()


def test_directions_of_few_pictures_are_those_of_all_products_of_features():
    z = np.random.default_rng(4).normal(size=(30, 90)).astype(np.float32)
    z *= np.linspace(1.0, 4.0, 30)[:, None]
    vectors = np.linalg.eigh(z.T.astype(np.float64) @ z.astype(np.float64))[1]
    for count in (7, 30, 200):
        found = main_directions(z, count)
        assert found.shape == (min(count, 30), 90)
        np.testing.assert_allclose(found @ found.T, np.eye(len(found)), atol=1e-5)
        top = vectors[:, -len(found) :]
        np.testing.assert_allclose(found.T @ found, top @ top.T, atol=1e-4)


def test_directions_of_copies_of_one_picture_are_finite():
    z = np.repeat(np.linspace(-1.0, 1.0, 50, dtype=np.float32)[None], 8, axis=0)
    found = main_directions(z, 5)
    assert np.isfinite(found).all()
    np.testing.assert_allclose(abs(found[-1] @ z[0]), np.linalg.norm(z[0]), rtol=1e-5)

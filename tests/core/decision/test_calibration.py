"""Calibrators: what they map, how they are fitted and chosen."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import check_grad
from scipy.special import softmax

from core.decision import calibration
from core.decision.calibration import Calibrator, apply, choose_calibrator, fit
from core.decision.metrics import ece, nll

LOGITS = arrays(float, (6, 3), elements=st.floats(-50, 50))


def columns(scores):
    return np.stack([-scores / 2, scores / 2], axis=1)


def labelled(n, scale, bias, seed=0, classes=2):
    """Logits whose true probabilities are softmax(scale * logits + bias)."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (n, classes))
    true = softmax(scale * logits + bias, axis=1)
    labels = (rng.random((n, 1)) > true.cumsum(axis=1)).sum(axis=1)
    return logits, np.minimum(labels, classes - 1)


@settings(deadline=None)
@given(logits=LOGITS, scale=st.floats(0.01, 20))
def test_apply_is_the_softmax_of_the_scaled_and_shifted_logits(logits, scale):
    bias = np.array([0.5, -1.0, 0.5])
    found = apply(Calibrator("platt", scale, bias), logits)
    np.testing.assert_allclose(found, softmax(scale * logits + bias, axis=1), atol=1e-12)


@settings(deadline=None)
@given(logits=LOGITS, scale=st.floats(0.01, 20))
def test_temperature_keeps_the_ranking_of_classes(logits, scale):
    found = apply(Calibrator("temperature", scale, np.zeros(3)), logits)
    rises = np.diff(np.take_along_axis(found, np.argsort(logits, axis=1), axis=1))
    assert (rises >= -1e-15).all()


def test_huge_logits_stay_probabilities_and_unreadable_rows_become_nan_alone():
    logits = np.array([[1e308, -1e308], [math.nan, 0.0], [math.inf, 0.0], [0.0, 0.0]])
    found = apply(Calibrator("temperature", 3.0, np.zeros(2)), logits)
    np.testing.assert_array_equal(found[0], [1.0, 0.0])
    assert np.isnan(found[1:3]).all()
    np.testing.assert_array_equal(found[3], [0.5, 0.5])


@pytest.mark.parametrize("size", [1, 4])
def test_the_gradient_is_the_slope_of_the_loss(size):
    rng = np.random.default_rng(2)
    logits = rng.normal(size=(40, 3))
    targets = calibration._targets(rng.integers(0, 3, 40), 3)
    point = np.abs(rng.normal(size=size))
    error = check_grad(
        lambda x: calibration._loss(x, logits, targets)[0],
        lambda x: calibration._loss(x, logits, targets)[1],
        point,
    )
    assert error < 1e-6


def test_targets_are_those_of_platt():
    soft = calibration._targets(np.array([0, 0, 0, 1]), 2)
    np.testing.assert_allclose(soft[0], [4 / 5, 1 / 5])
    np.testing.assert_allclose(soft[3], [1 / 3, 2 / 3])


def test_platt_finds_the_true_scale_and_bias_of_many_classes():
    bias = np.array([1.0, -0.5, -0.5])
    logits, labels = labelled(20_000, 2.0, bias, classes=3)
    found = fit("platt", logits, labels)
    assert found.scale == pytest.approx(2.0, rel=0.03)
    np.testing.assert_allclose(found.bias, bias, atol=0.06)


@pytest.mark.parametrize("kind", ["temperature", "platt"])
@pytest.mark.parametrize("unit", [1e-4, 1.0, 1e4])
def test_separable_scores_of_any_unit_give_finite_and_certain_probabilities(kind, unit):
    scores = unit * np.concatenate([np.linspace(-3, -1, 20), np.linspace(1, 3, 20)])
    labels = np.repeat([0, 1], 20)
    found = apply(fit(kind, columns(scores), labels), columns(scores))
    assert np.isfinite(found).all()
    assert found[labels == 1, 1].min() > 0.8
    assert found[labels == 0, 1].max() < 0.2


@pytest.mark.parametrize("faint", [1e-11, 1e-100, 5e-324, 0.0])
def test_scores_that_hardly_vary_stay_hardly_informative(faint):
    scores = faint * np.repeat([-1.0, 1.0], 20)
    found = fit("platt", columns(scores), np.repeat([0, 1], 20))
    assert 0.99e-9 < found.scale < 1.01e9
    np.testing.assert_allclose(apply(found, columns(scores)), 0.5, atol=0.01)


def test_scores_that_say_the_opposite_are_silenced_and_not_turned_round():
    scores = np.linspace(-2, 2, 40)
    found = apply(fit("platt", columns(scores), (scores < 0).astype(int)), columns(scores))
    np.testing.assert_allclose(found, 0.5, atol=1e-3)


@pytest.mark.parametrize(
    ("scale", "bias", "kind"),
    [(1.0, [0.0, 0.0], "identity"), (3.0, [0.0, 0.0], "temperature"), (1.0, [0.9, -0.9], "platt")],
)
def test_the_simplest_sufficient_kind_is_chosen(scale, bias, kind):
    logits, labels = labelled(3000, scale, np.array(bias), seed=5)
    found, losses = choose_calibrator(logits, labels, np.arange(3000), seed=0)
    assert found.kind == kind
    assert set(losses) == set(calibration.KINDS)
    assert losses[kind] <= min(losses.values()) + 0.005


def test_choosing_calibrates_what_was_overconfident():
    logits, labels = labelled(4000, 0.3, np.array([0.4, -0.4]), seed=1)
    fresh, truth = labelled(4000, 0.3, np.array([0.4, -0.4]), seed=2)
    found, losses = choose_calibrator(logits, labels, np.arange(4000), seed=0)
    raw = softmax(fresh, axis=1)
    assert nll(apply(found, fresh), truth) < nll(raw, truth)
    assert ece(apply(found, fresh), truth) < 0.03 < 0.1 < ece(raw, truth)
    assert nll(apply(found, fresh), truth) == pytest.approx(losses[found.kind], abs=0.03)


def test_repeating_every_image_within_its_group_is_no_new_evidence():
    logits, labels = labelled(60, 1.4, np.zeros(2), seed=0)
    groups = np.arange(60)
    once, losses = choose_calibrator(logits, labels, groups, seed=0)
    again, repeated = choose_calibrator(
        np.repeat(logits, 30, axis=0), np.repeat(labels, 30), np.repeat(groups, 30), seed=0
    )
    assert (once.kind, again.kind) == ("identity", "identity")
    assert repeated["identity"] == pytest.approx(losses["identity"])
    assert repeated["platt"] < repeated["identity"] - 0.005


@settings(deadline=None, max_examples=25)
@given(
    n=st.integers(0, 12), labels=st.lists(st.integers(0, 2), min_size=12, max_size=12),
    groups=st.lists(st.integers(0, 3), min_size=12, max_size=12), logits=arrays(
        float, (12, 3), elements=st.floats(-1e3, 1e3) | st.just(math.nan)
    ),
)  # fmt: skip
def test_choosing_never_fails_on_few_images_classes_or_groups(n, labels, groups, logits):
    found, losses = choose_calibrator(
        logits[:n], np.array(labels[:n], int), np.array(groups[:n], int), seed=0
    )
    assert np.isfinite(apply(found, np.nan_to_num(logits))).all()
    assert all(math.isfinite(loss) for loss in losses.values())
    readable = np.isfinite(logits[:n]).all(axis=1)
    if len({label for label, ok in zip(labels, readable, strict=False) if ok}) < 2:
        assert found.kind == "identity"


def test_impossible_calibrators_and_shapes_are_refused():
    for kind, scale, bias in [("beta", 1.0, [0.0, 0.0]), ("platt", 0.0, [0.0, 0.0]),
                              ("platt", 1.0, [math.nan, 0.0])]:  # fmt: skip
        with pytest.raises(ValueError, match="expected"):
            Calibrator(kind, scale, np.array(bias))
    with pytest.raises(ValueError, match=r"\(n, 2\)"):
        apply(Calibrator("identity", 1.0, np.zeros(2)), np.zeros((3, 3)))
    with pytest.raises(ValueError, match="labels"):
        fit("platt", np.zeros((3, 2)), np.array([0, 1, 2]))

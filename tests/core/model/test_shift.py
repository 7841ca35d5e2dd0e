"""The head for pictures unlike those of training: what it learns, and where it counts."""

from dataclasses import replace

import numpy as np
import pytest

from core.decision import metrics
from core.model.bundle.optional_parts import pack_shift, unpack_shift
from core.model.estimators.shift import P_VALUE, ShiftHead, apply_shift
from core.model.fitting.shift import PaintedFeatures, balance_subjects, fit_shift_head
from core.types import Evidence, Prepared

BLANK = Prepared(np.zeros((1, 1, 3), np.uint8), "", (1, 1))


def drawn(n=600, seed=0):
    """Five subjects: a sign that all share, and a stronger one that only names the subject.

    The last subject was photographed sick only, so that what names it is a shortcut.
    """
    rng = np.random.default_rng(seed)
    subject = rng.integers(0, 5, n)
    positive = np.where(
        subject == 4, True, rng.random(n) < np.array([0.2, 0.4, 0.6, 0.8, 1])[subject]
    )
    x = rng.standard_normal((n, 12)).astype(np.float32)
    x[:, 0] += 1.5 * positive
    x[np.arange(n), 1 + subject] += 6.0
    return x, positive, np.array(["oak", "elm", "ash", "fir", "yew"])[subject].tolist()


def test_it_tells_sides_of_a_subject_that_it_never_met():
    x, positive, subjects = drawn()
    known = np.array(subjects) != "oak"
    head = fit_shift_head(x[known], positive[known], list(np.array(subjects)[known]))
    p = np.array([head.probability(row) for row in x[~known]])

    assert metrics.auroc(p, positive[~known]) > 0.8


def test_its_probabilities_are_right_on_subjects_left_out():
    x, positive, subjects = drawn(3000)
    head = fit_shift_head(x, positive, subjects)
    fresh, truth, names = drawn(3000, seed=1)
    both = np.array(names) != "yew"
    p = np.array([head.probability(row) for row in fresh[both]])

    assert p.mean() == pytest.approx(truth[both].mean(), abs=0.1)
    assert p[truth[both]].mean() - p[~truth[both]].mean() > 0.3


def test_a_subject_of_one_side_weighs_nothing_and_all_others_the_same():
    _, positive, subjects = drawn()
    weight = balance_subjects(positive, np.array(subjects))

    for name in ("oak", "elm", "ash", "fir"):
        mine = np.array(subjects) == name
        assert weight[mine & positive].sum() == pytest.approx(1.0)
        assert weight[mine & ~positive].sum() == pytest.approx(1.0)
    assert not weight[np.array(subjects) == "yew"].any()


def test_painted_copies_teach_to_leave_out_what_painting_moves():
    """The background is a feature that names the side at home and that painting sets to nothing."""
    x, positive, subjects = drawn(900)
    x[:, 7] = 4.0 * positive + np.random.default_rng(2).standard_normal(900)
    painted = x.copy()
    painted[:, 7] = 0.0
    plain = fit_shift_head(x, positive, subjects)
    taught = fit_shift_head(x, positive, subjects, PaintedFeatures(painted, np.arange(900)))

    assert abs(taught.weights[7]) < 0.7 * abs(plain.weights[7])
    assert taught.weights[0] > plain.weights[0]


@pytest.mark.parametrize("kept", [("oak", "elm"), ("yew",), ()])
def test_with_too_few_subjects_of_both_sides_there_is_none(kept):
    x, positive, subjects = drawn()
    named = [name if name in kept else "" for name in subjects]

    assert fit_shift_head(x, positive, named) is None


def test_probabilities_keep_their_order_on_either_side():
    p = apply_shift(np.array([0.6, 0.1, 0.2, 0.1]), np.array([0.0, 1.0, 1.0, 0.0]), 0.3, 0.8)

    assert p == pytest.approx([0.2 * 6 / 7, 0.8 / 3, 1.6 / 3, 0.2 / 7])
    assert apply_shift(np.array([1.0, 0.0]), np.array([0.0, 1.0]), 0.0, 0.9).sum() == 1.0


def test_it_counts_for_pictures_unlike_those_of_training_alone(tiny_product):
    bundle, _ = tiny_product.opened()
    model = replace(bundle.model, shift=ShiftHead(np.ones(2, np.float32), 0.0))
    z = np.zeros(len(model.centre), np.float32)
    usual = Evidence(z, np.array([2.0, -2.0]), float(model.gate.reference[0]), shifted=0.9)
    odd = replace(usual, ood_score=float(model.gate.reference[-1]) + 1e9)
    plain = model.predict(replace(odd, shifted=float("nan")), BLANK)

    assert model.predict(usual, BLANK).positive_probability == plain.positive_probability
    if 1 / (len(model.gate.reference) + 1) <= P_VALUE:
        assert model.predict(odd, BLANK).positive_probability == pytest.approx(0.9)
    else:
        assert model.predict(odd, BLANK).positive_probability == plain.positive_probability


def test_it_survives_as_arrays_and_metadata():
    head = ShiftHead(np.arange(3, dtype=np.float32), 0.25)
    again = unpack_shift(*pack_shift(head))

    assert np.array_equal(again.weights, head.weights)
    assert (again.bias, unpack_shift({}, {})) == (0.25, None)

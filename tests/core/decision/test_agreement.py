from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats import inter_rater

from core.decision.agreement import NO_CASES, NO_SPREAD, ONE_LABEL, TOO_FEW, measure_agreement


def cross(table):
    """The answers of two readers, from the table of the first's label by the second's."""
    return [
        ("negative" if i == 0 else "positive", "negative" if j == 0 else "positive")
        for i, row in enumerate(table)
        for j, count in enumerate(row)
        for _ in range(count)
    ]


def test_the_table_of_the_requirement_gives_its_three_figures():
    found = measure_agreement(cross([[118, 5], [2, 0]]))

    assert found.cases == 125
    assert found.percent.value == pytest.approx(0.944)
    assert found.cohen.value == pytest.approx(-0.0234, abs=5e-5)
    assert found.gwet.value == pytest.approx(0.9408, abs=5e-5)


@pytest.mark.parametrize("readers", [2, 3, 5])
def test_fleiss_and_cohen_are_those_of_statsmodels(readers):
    rng = np.random.default_rng(readers)
    labels = np.array(["a", "b", "c", "d"])
    truth = rng.choice(labels, 60, p=[0.6, 0.2, 0.15, 0.05])
    answers = [
        [one if rng.random() < 0.7 else str(rng.choice(labels)) for _ in range(readers)]
        for one in truth
    ]

    found = measure_agreement(answers)

    codes = np.searchsorted(labels, np.array(answers))
    votes = inter_rater.aggregate_raters(codes, n_cat=4)[0]
    assert found.fleiss.value == pytest.approx(inter_rater.fleiss_kappa(votes), abs=1e-12)
    table = np.zeros((4, 4))
    np.add.at(table, (codes[:, 0], codes[:, 1]), 1)
    kappa = inter_rater.cohens_kappa(table, return_results=False)
    assert found.cohen.value == pytest.approx(kappa, abs=1e-12)


def test_gwets_figure_of_three_labels_is_the_one_worked_out_by_hand():
    # Agreement 7 of 10; shares of the labels 0.5, 0.35, 0.15: chance (0.25 + 0.2275 + 0.1275) / 2.
    pairs = ["aa"] * 4 + ["bb"] * 2 + ["cc"] + ["ab"] * 1 + ["ba"] * 1 + ["bc"]
    found = measure_agreement([tuple(pair) for pair in pairs])

    shares = [10 / 20, 7 / 20, 3 / 20]
    chance = sum(p * (1 - p) for p in shares) / 2
    assert found.gwet.value == pytest.approx((0.7 - chance) / (1 - chance))


def test_what_is_nought_by_nought_says_why():
    found = measure_agreement([("negative", "negative")] * 40)

    for figure in (found.cohen, found.fleiss, found.gwet):
        assert (figure.value, figure.low, figure.high) == (None, None, None)
        assert figure.reason == ONE_LABEL
    assert found.percent.value == 1.0
    # Clopper-Pearson: a bootstrap of forty agreements has no width, which would claim certainty.
    assert found.percent.low == pytest.approx(0.025 ** (1 / 40))
    assert found.percent.high == 1.0


def test_no_case_read_twice_is_no_figure():
    for answers in ([], [("negative",)], [("negative", "")]):
        found = measure_agreement(answers)
        assert found.cases == 0
        assert found.percent.reason == NO_CASES


def test_an_interval_covers_the_figure_of_the_population_about_as_often_as_it_states():
    rng = np.random.default_rng(5)
    cells = np.array([0.6, 0.1, 0.05, 0.25])
    pe = (0.7 * 0.65) + (0.3 * 0.35)
    kappa = (0.85 - pe) / (1 - pe)
    hits = 0
    for _ in range(200):
        counts = rng.multinomial(150, cells)
        found = measure_agreement(cross(counts.reshape(2, 2)), resamples=400).cohen
        hits += found.low <= kappa <= found.high
    assert 180 <= hits <= 198


def test_the_same_answers_give_the_same_interval_whatever_their_order():
    answers = cross([[60, 9], [7, 24]])
    there, back = measure_agreement(answers), measure_agreement(answers[::-1])

    assert there == back
    assert there.cohen.low < there.cohen.value < there.cohen.high


def test_full_agreement_on_two_labels_has_a_kappa_and_no_interval():
    found = measure_agreement(cross([[30, 0], [0, 10]]))

    assert found.cohen.value == pytest.approx(1.0)
    assert (found.cohen.low, found.cohen.reason) == (None, NO_SPREAD)
    assert found.percent.low == pytest.approx(0.025 ** (1 / 40))


def test_a_label_that_most_resamples_miss_leaves_a_figure_without_an_interval():
    found = measure_agreement(cross([[30, 0], [1, 0]])).fleiss

    assert found.value == pytest.approx(-1 / 61)
    assert (found.low, found.high, found.reason) == (None, None, TOO_FEW)

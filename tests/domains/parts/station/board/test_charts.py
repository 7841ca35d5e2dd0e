"""The board's charts mark what the rules mark, on samples that are independent."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from domains.parts.station.board.charts import newest_marks, score_chart, share_chart
from domains.parts.station.result import LineReason
from domains.parts.station.spc.control_charts import EwmaChart, exact_limits, logit
from tests.domains.parts.station.inspected import inspected


def parts_of(rejected, scores=None, first=1):
    scores = np.full(len(rejected), 0.2) if scores is None else scores
    return [
        replace(inspected(first + at, *([LineReason.DEFECT] if is_bad else [])), score=float(score))
        for at, (is_bad, score) in enumerate(zip(rejected, scores, strict=True))
    ]


def spread(samples, rejected, size=50):
    """Samples with so many rejected parts each."""
    return np.concatenate([np.arange(size) < k for k in np.full(samples, rejected)])


def test_limits_come_from_the_baseline_and_a_burst_lies_outside():
    baseline = parts_of(spread(24, 2))
    later = parts_of(np.concatenate([spread(3, 2), spread(1, 12)]), first=1201)
    view = share_chart(later, baseline)
    assert view.centre == 0.04
    low, high = exact_limits(0.04, np.array([50]))
    assert (view.low[0], view.high[0]) == (low[0], high[0])
    assert list(view.values) == [0.04, 0.04, 0.04, 0.24]
    assert list(view.numbers) == [1250, 1300, 1350, 1400]
    assert [(mark.place, mark.rule) for mark in view.marks] == [(3, 0)]
    assert newest_marks(view) == ["Limit, at part 1400: The share lies outside its limits."]
    assert not view.is_provisional


def test_without_a_baseline_the_limits_say_that_they_are_provisional():
    view = share_chart(parts_of(spread(6, 3)))
    assert view.is_provisional
    assert view.note.startswith("No baseline was accepted")
    assert share_chart(parts_of(spread(1, 3))) is None
    # What does not fill a sample is no sample.
    assert share_chart(parts_of(spread(6, 3))[:-1]).values.size == 5


def test_a_shift_of_the_score_is_named_by_rule_and_by_average():
    rng = np.random.default_rng(5)
    steady = 1.0 / (1.0 + np.exp(2.0 + 0.4 * rng.standard_normal(300)))
    shifted = 1.0 / (1.0 + np.exp(1.6 + 0.4 * rng.standard_normal(200)))
    baseline = parts_of(np.zeros(300, bool), steady)
    view = score_chart(parts_of(np.zeros(200, bool), shifted, first=301), baseline)
    means = logit(shifted).reshape(-1, 10).mean(axis=1)
    chart = EwmaChart.fit(logit(steady).reshape(-1, 10).mean(axis=1))
    assert np.array_equal(view.values, means)
    assert np.array_equal(view.line, chart.average(means))
    assert not view.is_provisional
    rules = {mark.rule for mark in view.marks}
    assert {0, 2} <= rules
    assert any("Nine points in a row" in line for line in newest_marks(view, most=8))
    quiet = score_chart(baseline, baseline)
    assert 0 not in {mark.rule for mark in quiet.marks}


def test_scores_that_are_all_the_same_have_no_chart():
    assert score_chart(parts_of(np.zeros(100, bool))) is None
    assert score_chart([]) is None

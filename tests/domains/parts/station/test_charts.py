"""The charts of a line find what went wrong, and leave out what is not the product's."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from domains.parts.station.charts import line_charts
from domains.parts.station.part import InspectedPart, Trigger
from domains.parts.station.result import LineReason, LineVerdict
from domains.parts.station.spc import PChartLimits

AT = datetime(2026, 11, 29, tzinfo=UTC)


def a_part(number, *reasons, score=0.1, bundle="b", recipe=1, challenge=""):
    verdict = LineVerdict.because(*reasons) if reasons else LineVerdict.passed()
    trigger = Trigger(number, 0.0, recipe=recipe, challenge=challenge)
    return InspectedPart(trigger, verdict, "", "cap", (), score, bundle, "", AT, 1)


def a_line(rng, count, share=0.1, shift=0.0, start=1):
    """Parts of which a share is defective; the log-odds of their scores are shifted."""
    parts = []
    for number in range(start, start + count):
        is_bad = rng.random() < share
        logit = rng.normal(-3.0 + shift, 0.7)
        reasons = (LineReason.DEFECT,) if is_bad else ()
        parts.append(a_part(number, *reasons, score=float(1 / (1 + np.exp(-logit)))))
    return parts


def test_a_line_in_control_has_a_baseline_and_hardly_an_alarm():
    parts = a_line(np.random.default_rng(1), 5000)
    charts = line_charts(parts)
    share = charts.share
    assert share.chart.samples == 20
    assert share.chart.parts == 1000
    assert share.chart.limits_by is PChartLimits.EXACT
    assert (share.n == 50).all()
    assert share.first.tolist() == list(range(1, 5001, 50))
    assert share.rejected.sum() == sum(bool(part.reasons) for part in parts)
    assert share.outside.mean() <= 0.02
    assert np.mean([bool(rules) for rules in share.rules]) <= 0.1
    assert charts.level.outside.mean() <= 0.05
    assert charts.left_out == 0


def test_more_rejects_and_a_shifted_score_are_found_after_the_baseline():
    rng = np.random.default_rng(2)
    parts = a_line(rng, 1500) + a_line(rng, 500, share=0.3, shift=1.0, start=1501)
    charts = line_charts(list(reversed(parts)))
    assert charts.share.outside[30:].mean() >= 0.5
    assert not charts.share.outside[:30].any()
    # At 4.9 expected rejects a sample the run rules are kept silent; at 9.7 they apply.
    assert not any(charts.share.rules)
    larger = line_charts(parts + a_line(rng, 700, share=0.3, start=2001), size=100, baseline=15)
    assert 2 in {rule for rules in larger.share.rules[23:] for rule in rules}
    found = charts.level.number[charts.level.outside]
    assert 1501 <= found[0] <= 1520
    # The limits are the baseline's: they did not follow the fault.
    assert line_charts(parts[:1500]).share.chart == charts.share.chart


def test_a_changeover_or_a_new_bundle_begins_a_baseline_of_its_own():
    old = a_line(np.random.default_rng(3), 1000)
    new = [a_part(1001 + n, score=0.2 + n / 1000, bundle="c") for n in range(120)]
    share = line_charts(old + new).share
    assert share.n.tolist() == [50, 50, 20]
    assert share.first[0] == 1001
    assert share.chart.is_provisional
    other = [a_part(2000 + n, recipe=2) for n in range(10)]
    assert line_charts(old + new + other).share is None


def test_faults_of_the_station_and_reference_parts_are_left_out():
    parts = a_line(np.random.default_rng(4), 200)
    parts += [a_part(201, LineReason.LATE), a_part(202, LineReason.NO_FRAME, score=None)]
    parts += [a_part(203, LineReason.DEFECT, LineReason.DISK)]
    parts += [a_part(204, LineReason.DEFECT, challenge="bad-1")]
    charts = line_charts(parts)
    assert charts.left_out == 3
    assert charts.share.n.sum() == 200
    ambiguous = line_charts([*parts, a_part(205, LineReason.AMBIGUOUS)])
    assert ambiguous.share.rejected.sum() == charts.share.rejected.sum() + 1


def test_too_few_parts_make_no_chart():
    assert line_charts([]).share is None
    assert line_charts([a_part(1)]).level is None
    same = line_charts([a_part(n) for n in range(1, 101)])
    assert same.share.rejected.tolist() == [0, 0]
    assert same.level is None  # a score that never moves has no level to watch
    with pytest.raises(ValueError, match="baseline >= 2"):
        line_charts([], baseline=1)

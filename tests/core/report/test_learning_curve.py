"""What more data would certify is what the certificate itself gives."""

import numpy as np
import pytest

from core.decision.certificate import certificate_at, upper_bound
from core.report.learning_curve import Step, certified_rate, draw_certified, draw_learning
from core.report.ood_plot import draw_ood_scores

TODAY = certificate_at("escape", threshold=0.1, k=3, n=150, alpha=0.05, confidence=0.95)


def test_the_bound_at_other_numbers_is_that_of_the_certificate():
    groups = np.array([50.0, 150.0, 300.0, 1500.0])
    same = [upper_bound(int(n) // 50, int(n), 0.95) for n in groups]
    none = [upper_bound(0, int(n), 0.95) for n in groups]
    assert certified_rate(TODAY, groups, 1.0) == pytest.approx(same)
    assert certified_rate(TODAY, groups, 0.0) == pytest.approx(none)


def test_today_lies_on_its_curve(read):
    drawing = read(draw_certified("c", TODAY, "escape", "bad parts", "positive"), log_x=True)
    (today,) = drawing.dots("ink")
    assert today == pytest.approx((150, TODAY.bound), rel=1e-3)
    curve = drawing.points("line positive")
    near = np.interp(np.log(150), np.log(curve[:, 0]), curve[:, 1])
    assert near == pytest.approx(TODAY.bound, rel=0.01)


def test_the_learning_curve_holds_means_and_repeats(read):
    steps = [
        Step(n, np.array(a), np.array(a) / 2)
        for n, a in ((50, [0.8, 0.82, 0.84]), (400, [0.9, 0.91, 0.95]))
    ]
    drawing = read(draw_learning("l", steps, "auroc"), log_x=True)
    assert drawing.points("line accent") == pytest.approx(
        np.array([(50, 0.82), (400, 0.92)]), rel=1e-3
    )
    repeats = sorted(drawing.dots("faint")[:, 1])
    assert repeats == pytest.approx([0.8, 0.82, 0.84, 0.9, 0.91, 0.95], abs=1e-3)


def test_scores_of_ordinary_and_ood_pictures_are_counted_apart():
    id_scores, ood_scores = np.geomspace(0.5, 2, 50), np.geomspace(8, 90, 20)
    svg = draw_ood_scores("s", id_scores, ood_scores, 5.0, "<b>gravel</b>")
    assert "ordinary pictures: 50" in svg
    assert "&lt;b&gt;gravel&lt;/b&gt;: 20" in svg
    assert "sent to review from here" in svg
    assert "sent to review" not in draw_ood_scores("s", id_scores, ood_scores, np.inf, "gravel")


def test_ticks_do_not_overlap_where_a_score_is_zero():
    scores = np.array([0.0, 0.3, 0.7])
    svg = draw_ood_scores("s", scores, scores, 0.5, "gravel")
    assert 2 <= svg.count('class="tick" text-anchor="middle"') <= 7

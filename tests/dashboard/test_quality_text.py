"""The figures of the page of quality, against scikit-learn and scipy."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from core.decision.back_test import CALLS_OUT, DEFERS, PASSES, PastVerdicts
from core.decision.rate import Rate
from core.packs import installed
from core.report.curves import Curve
from core.report.reliability import reliability
from dashboard.present.quality import (
    confusion_rows,
    count_confusion,
    describe_calibration,
    describe_weights,
    error_rates,
    name_cell,
)
from dashboard.quality_figures import draw_rates, draw_reliability, draw_risk

PARTS = installed()["parts"]


def past(n=400, seed=2):
    rng = np.random.default_rng(seed)
    verdict = rng.choice([PASSES, DEFERS, CALLS_OUT], n, p=[0.6, 0.2, 0.2]).astype(np.int8)
    answer = rng.choice([-1, PASSES, DEFERS, CALLS_OUT], n).astype(np.int8)
    drawn = (verdict == PASSES) & (rng.random(n) < 0.3)
    return PastVerdicts(
        positive_probability=rng.random(n),
        ood_p=np.ones(n),
        good_p=np.ones(n),
        gates_passed=np.ones(n, bool),
        verdict=verdict,
        case=np.arange(n),
        case_id=np.array([f"c{number:03}" for number in range(n)]),
        answer=answer,
        is_drawn=drawn,
        is_hidden=drawn & (answer < 0),
        audit_probability=np.where(verdict == PASSES, 0.3, np.nan),
    )


def test_the_matrix_is_scikit_learns_and_each_cell_knows_its_cases():
    found = past()
    cells = count_confusion(found)
    answered = found.answer >= 0
    expected = confusion_matrix(
        found.answer[answered], found.given[answered], labels=[PASSES, DEFERS, CALLS_OUT]
    )
    for cell in cells:
        assert cell.cases.size == expected[cell.answer, cell.verdict]
        assert (found.given[cell.cases] == cell.verdict).all()
        assert (found.answer[cell.cases] == cell.answer).all()
        assert cell.drawn == found.is_drawn[cell.cases].sum()
    assert sum(cell.cases.size for cell in cells) == answered.sum()
    assert [cell.is_error for cell in cells[:3]] == [True, True, False]
    assert name_cell(cells[0], PARTS) == "PASS, people found defective parts"


def test_the_table_of_the_matrix_says_how_many_were_drawn():
    found = past()
    head, defects, *_ = confusion_rows(count_confusion(found), PARTS)
    assert head == ("people found", "PASS", "REVIEW", "FAIL")
    escaped = (found.given == PASSES) & (found.answer == CALLS_OUT)
    drawn = int((escaped & found.is_drawn).sum())
    assert defects[:2] == ("defective parts", f"{int(escaped.sum())} ({drawn} drawn)")


def test_rates_count_what_was_drawn_and_say_how_the_others_were_chosen():
    found = past()
    passed, called = error_rates(found, PARTS)
    answered = np.isin(found.answer, (PASSES, CALLS_OUT))
    mine = answered & found.is_drawn
    assert passed.rate.n == mine.sum() < (answered & (found.given == PASSES)).sum()
    assert passed.rate.total == (found.given == PASSES).sum()
    assert passed.rate.value == pytest.approx(
        (mine & (found.answer == CALLS_OUT)).sum() / mine.sum()
    )
    assert "drawn at random" in passed.note
    total = int((found.given == CALLS_OUT).sum())
    assert called.note.startswith(f"{called.rate.n} of {total} were answered")


def test_a_band_that_holds_every_dot_is_no_evidence():
    p = np.linspace(0.02, 0.98, 150)
    inside = replace(reliability(p, p > 0.5), observed=np.full(15, 0.5), error=0.2, floor=0.04)
    inside = replace(inside, low=np.zeros(15), high=np.ones(15))
    assert "All dots lie inside the band" in describe_calibration(inside)
    text = describe_calibration(replace(inside, low=np.repeat([0.6, 0.0], [6, 9])))
    assert "6 of 15 dots lie outside the band; about 0.8 would by chance." in text
    assert "150 cases. Calibration error 0.200; a perfect predictor" in text
    assert "would show about 0.040" in text


def test_the_page_says_which_answers_count_and_for_how_many_cases():
    found = past()
    text = describe_weights(found, PARTS)
    counted = (found.given == PASSES) & found.is_drawn & np.isin(found.answer, (PASSES, CALLS_OUT))
    stood_for = int((found.given == PASSES).sum())
    assert "Of what passed (PASS) only cases drawn at random" in text
    assert f"({int(counted.sum())} for {stood_for} cases)" in text
    assert "No answer stands" not in text
    undrawn = replace(found, is_drawn=np.zeros_like(found.is_drawn))
    assert f"No answer stands for {stood_for} cases." in describe_weights(undrawn, PARTS)


def test_the_drawn_band_and_dots_are_those_that_were_worked_out():
    rng = np.random.default_rng(0)
    p = rng.random(300)
    found = reliability(p, rng.random(300) < p)
    figure = json.loads(draw_reliability(found, "defects").to_json())
    band, _, dots = figure["data"]
    assert np.allclose(decoded(dots["y"]), found.observed)
    assert np.allclose(decoded(band["y"]), [*found.high, *found.low[::-1]])


def decoded(values):
    """Give a plotly array, which may be packed."""
    if isinstance(values, dict):
        import base64

        return np.frombuffer(base64.b64decode(values["bdata"]), values["dtype"])
    return values


def test_the_policy_is_marked_on_the_curve_with_its_interval():
    curve = Curve(*(np.array(one) for one in ([0.1, 1.0], [0.0, 0.1], [0.0, 0.05], [0.2, 0.2])))
    rate = Rate.independent(3, 60)
    mark = draw_risk(curve, (0.6, rate)).data[-1]
    assert (mark.x[0], mark.y[0]) == (0.6, 0.05)
    assert mark.error_y.array[0] == pytest.approx(rate.high - 0.05)
    assert len(draw_risk(curve, None).data) == 2


def test_a_name_from_outside_is_no_markup_in_a_figure():
    hostile = '<a href="http://outside.invalid">x</a>'
    (dots,) = draw_rates([(hostile, Rate.independent(1, 9))], "share", None).data
    assert dots.y[0] == "&lt;a href=&quot;http://outside.invalid&quot;&gt;x&lt;/a&gt;"

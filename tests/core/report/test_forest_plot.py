"""Slices are drawn where their numbers are."""

import re

import pytest

from core.decision.rate import Rate
from core.report.forest_plot import Slice, draw_forest

ROWS = [
    Slice("site"),
    Slice("north", Rate(3, 60, 0.0104, 0.1392)),
    Slice("<script>alert(1)</script>", Rate(0, 4, 0.0, 0.6024)),
    Slice("", Rate(0, 0, 0.0, 1.0)),
]


def test_whiskers_and_dots_hold_the_rates(read):
    svg = draw_forest("f", "escape rate", ROWS, 0.05, "positive")
    drawing = read(svg)
    whiskers = re.findall(r'x1="([\d.]+)" x2="([\d.]+)" [^>]*class="whisker positive"', svg)
    ends = [(drawing.x(float(a)), drawing.x(float(b))) for a, b in whiskers]
    assert ends[0] == pytest.approx((0.0104, 0.1392), abs=1e-4)
    assert ends[1] == pytest.approx((0.0, 0.6024), abs=1e-4)
    dots = re.findall(r'cx="([\d.]+)"', svg)
    assert [drawing.x(float(x)) for x in dots] == pytest.approx([0.05, 0.0], abs=1e-4)
    (rule,) = re.findall(r'x1="([\d.]+)" [^>]*class="rule ink"', svg)
    assert drawing.x(float(rule)) == pytest.approx(0.05, abs=1e-4)


def test_few_cases_are_shown_wide_and_none_are_shown_as_none():
    svg = draw_forest("f", "escape rate", ROWS, 0.05, "positive")
    assert "3/60" in svg
    assert ">none</text>" in svg
    assert "(empty)" in svg


def test_a_hostile_value_is_drawn_and_not_run():
    svg = draw_forest("f", "escape rate", ROWS, 0.05, "positive")
    assert "<script" not in svg
    assert "&lt;script&gt;ale" in svg


def test_the_description_counts_the_slices_that_break_the_promise():
    rows = [Slice("bad", Rate(30, 100, 0.212, 0.4)), Slice("well", Rate(1, 100, 0.0, 0.054))]
    assert "2 slices; in 1 of them" in draw_forest("f", "rate", rows, 0.05, "positive")

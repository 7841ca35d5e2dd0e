"""Learned quality ranges."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.decision.measures import MEASURES
from core.decision.quality import learn_ranges, outside_population, outside_ranges
from core.imaging.square import prepare
from core.types import Finding, Frame, Reason


def test_the_range_is_widened_by_a_quarter_and_by_more_for_few_pictures():
    assert learn_ranges({"sharpness": np.linspace(0, 100, 50)}) == {"sharpness": (-25.0, 125.0)}
    assert learn_ranges({"sharpness": np.linspace(0, 100, 5)}) == {"sharpness": (-100.0, 200.0)}


def test_hardly_varying_measures_keep_room_on_both_sides():
    learned = learn_ranges({"brightness": np.full(50, 120.0), "clipped": np.zeros(50)})
    assert learned["brightness"] == pytest.approx((108.0, 132.0))
    assert learned["clipped"] == (-0.01, 0.01)


@settings(deadline=None)
@given(values=arrays(float, st.integers(1, 30), elements=st.floats(-1e6, 1e6)))
def test_no_training_picture_is_outside_its_own_ranges(values):
    ranges = learn_ranges({"m": values})
    assert all(outside_ranges({"m": float(value)}, ranges) == () for value in values)


def test_new_ordinary_pictures_are_rarely_flagged_even_with_a_heavy_tail():
    rng = np.random.default_rng(3)
    flagged = [
        bool(outside_ranges({"m": rng.gamma(4.0)}, learn_ranges({"m": rng.gamma(4.0, size=30)})))
        for _ in range(2000)
    ]
    assert np.mean(flagged) < 0.02


def test_a_blurred_picture_is_named_with_what_was_expected():
    ranges = {"sharpness": (math.log1p(400.0), math.log1p(8100.0)), "brightness": (20.0, 230.0)}
    assert outside_ranges({"sharpness": math.log1p(9.0), "brightness": 100.0}, ranges) == (
        Finding(
            Reason.POOR_QUALITY,
            "less sharp than the training pictures: 3 grey levels at edges, accepted are 20 to 90.",
        ),
    )


@pytest.mark.parametrize(
    ("name", "value", "limits", "sentence"),
    [
        (
            "size",
            math.log(213),
            (math.log(224), math.log(2000)),
            "smaller than the training pictures: 213 px, accepted are 224 to 2,000.",
        ),
        (
            "size",
            8.01,
            (-0.01, 0.01),
            "larger than the training pictures: 3,011 px, accepted are 0.99 to 1.01.",
        ),
        (
            "brightness",
            201.25,
            (-13.0, 180.0),
            "brighter than the training pictures: 201 grey levels, accepted are 0 to 180.",
        ),
        (
            "aspect ratio",
            math.log(0.5),
            (math.log(0.8), math.log(1.25)),
            "narrower than the training pictures: 0.5 times as wide as high, "
            "accepted are 0.8 to 1.25.",
        ),
        (
            "clipped bright",
            0.4,
            (-0.01, 0.123),
            "whiter than the training pictures: 40 % fully bright, accepted are 0 to 12.3.",
        ),
        (
            "middle over lungs",
            -0.2,
            (0.05, 0.4),
            "middle over lungs lower than the training pictures: -0.2, accepted are 0.05 to 0.4.",
        ),
    ],
)
def test_a_measure_is_put_into_words_with_its_unit(name, value, limits, sentence):
    (finding,) = outside_ranges({name: value}, {name: limits})
    assert finding.detail == sentence


def test_every_measure_of_a_square_has_words():
    frame = Frame(
        np.tile(np.arange(64, dtype=np.uint8)[:, None], (64, 1, 3))[:, :64], 8, "", (64, 64)
    )
    assert prepare(frame, 32).measures.keys() == MEASURES.keys()


def test_missing_and_nan_measures_are_findings_and_unknown_ones_are_not():
    findings = outside_ranges({"a": math.nan, "unknown": 1e9}, {"b": (0.0, 1.0), "a": (0.0, 1.0)})
    assert [f.detail for f in findings] == [
        "no a could be measured.",
        "no b could be measured.",
    ]


def test_values_that_are_not_finite_teach_nothing():
    learned = learn_ranges({"a": np.array([math.nan, math.inf]), "b": np.array([1.0, math.nan])})
    assert list(learned) == ["b"]


@pytest.mark.parametrize(("age", "names"), [(1.0, []), (5.0, []), (0.9, ["age"]), (81.0, ["age"])])
def test_a_subject_outside_the_population_is_the_wrong_input_and_its_number_is_not_repeated(
    age, names
):
    found = outside_population({"age": age, "weight": 9.9}, {"age": (1.0, 5.0)})
    assert [f.check for f in found] == names
    assert all(f.reason is Reason.WRONG_INPUT and "81" not in f.detail for f in found)


def test_what_a_file_does_not_state_is_no_finding_and_a_number_that_is_none_is_one():
    assert outside_population({}, {"age": (1.0, 5.0)}) == ()
    assert len(outside_population({"age": math.nan}, {"age": (1.0, 5.0)})) == 1

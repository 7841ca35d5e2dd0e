"""Pictures for the screen, against pictures whose answer is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from core.model.explain import Neighbour
from core.service.review.explanations import Explanation
from core.types import Prepared
from dashboard.overlay import jpeg, picture_of, shown_of, side_of

GREY = 100
SIDES = {"good": False, "scratch": True, "stain": True}


def a_heat(hot: float = 0.0, cold: float = 0.0, side: int = 40) -> np.ndarray:
    heat = np.zeros((side, side), np.float32)
    heat[5:10, 5:10] = hot
    heat[25:30, 25:30] = -cold
    return heat


def decoded(data: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]


def test_a_jpeg_of_ours_reads_back_in_the_same_colours():
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[:] = (200, 90, 30)
    assert np.abs(decoded(jpeg(picture)).astype(int) - (200, 90, 30)).max() <= 4


def test_an_explanation_is_shown_in_the_shape_of_its_original_with_the_side_of_each_known_case():
    known = tuple(Neighbour("x.png", label, 1.5, b"jpeg") for label in ("good", "bad", "older"))
    explanation = Explanation(
        np.full((80, 80, 3), GREY, np.uint8), (30, 60), a_heat(hot=1.0, side=80), known
    )
    shown = shown_of(explanation, {"good": False, "bad": True})
    prepared = Prepared(explanation.picture, "", explanation.source_size)
    assert decoded(picture_of(prepared)).shape == decoded(shown.heat).shape == (40, 80, 3)
    assert [one.positive for one in shown.known] == [False, True, None]
    assert (shown.known[0].label, shown.known[0].distance) == ("good", 1.5)


@pytest.mark.parametrize(
    ("label", "side"),
    [("good", False), ("stain", True), ("scratch|stain", True), ("new", None), ("new|stain", None)],
)
def test_a_known_case_with_several_labels_is_positive_if_any_is(label, side):
    assert side_of(label, SIDES) is side

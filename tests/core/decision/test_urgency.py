"""The image that makes a case's verdict."""

from itertools import permutations

from core.decision.urgency import severity, urgency
from core.types import Disposition

NEGATIVE, POSITIVE, DEFER = Disposition.NEGATIVE, Disposition.POSITIVE, Disposition.DEFER
WORST_FIRST = [
    (POSITIVE, None, "a"),
    (POSITIVE, 0.9, "b"),
    (POSITIVE, 0.9, "a"),
    (DEFER, None, "a"),
    (DEFER, 1.0, "a"),
    (NEGATIVE, 0.2, "a"),
    (NEGATIVE, 0.1, "z"),
]


def test_positive_outweighs_defer_and_defer_negative_then_the_probability_then_the_id():
    for images in permutations(WORST_FIRST, 3):
        assert max(images, key=lambda one: severity(*one)) == min(images, key=WORST_FIRST.index)


def test_an_image_without_a_probability_is_more_urgent_than_any_with_one():
    assert urgency(None) > urgency(1.0) > urgency(0.0)

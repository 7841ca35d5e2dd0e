"""Which answers contradict each other, against the rule spelled out pair by pair."""

from __future__ import annotations

import numpy as np
import pytest

from core.decision.contradictions import ClearAnswer, find_disputed, find_superseded


def an_answer(pictures, origins, is_positive, at="1"):
    return ClearAnswer(frozenset(pictures), frozenset(origins), is_positive, at)


def test_of_one_picture_the_newest_word_holds_and_that_is_no_dispute():
    answers = [an_answer("x", "o", True, "1"), an_answer("x", "o", False, "2")]
    assert find_superseded(answers) == {0}
    assert find_disputed(answers) == set()


def test_of_copies_neither_holds_and_the_order_of_answers_changes_nothing():
    for first, second in (("1", "2"), ("2", "1")):
        answers = [an_answer("x", "o", True, first), an_answer("y", "o", False, second)]
        assert find_superseded(answers) == set()
        assert find_disputed(answers) == {0, 1}


def test_a_further_picture_may_be_what_is_wrong_with_a_positive_case():
    two_views = an_answer("xw", "op", True)
    assert find_disputed([two_views, an_answer("y", "o", False)]) == set()
    assert find_disputed([an_answer("y", "o", True), an_answer("xw", "op", False)]) == {0, 1}


def test_a_word_that_was_taken_back_by_a_later_one_contradicts_no_copy():
    taken_back = [an_answer("x", "o", True, "1"), an_answer("x", "o", False, "2")]
    assert find_disputed([*taken_back, an_answer("y", "o", False, "0")]) == set()


@pytest.mark.parametrize("seed", range(6))
def test_disputed_are_those_that_any_other_contradicts(seed):
    rng = np.random.default_rng(seed)
    answers = [
        an_answer(
            [f"picture {at}"],
            {f"origin {one}" for one in rng.integers(0, 6, rng.integers(1, 3)).tolist()},
            bool(rng.random() < 0.5),
        )
        for at in range(14)
    ]
    expected = {
        at
        for at, one in enumerate(answers)
        for other in answers
        if (one.is_positive and not other.is_positive and one.origins <= other.origins)
        or (other.is_positive and not one.is_positive and other.origins <= one.origins)
    }
    assert find_disputed(answers) == expected

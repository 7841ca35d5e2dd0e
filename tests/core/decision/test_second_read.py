from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from core.decision.second_read import (
    BAD_PICTURE,
    CANNOT_TELL,
    ReadAnswer,
    ReadState,
    draw_number,
    outcome_of,
    state_of,
)
from core.types import Disposition

NEGATIVE, POSITIVE, DEFER = Disposition.NEGATIVE, Disposition.POSITIVE, Disposition.DEFER
FOUR = {
    "negative": (NEGATIVE, ""),
    "positive": (POSITIVE, ""),
    "cannot tell": (DEFER, CANNOT_TELL),
    "bad picture": (DEFER, BAD_PICTURE),
}


def answered(reader, label):
    return ReadAnswer(reader, *FOUR[label])


@pytest.mark.parametrize(("one", "other"), list(product(FOUR, FOUR)))
def test_every_pair_of_labels_is_agreed_unclear_or_disputed_and_then_adjudicated(one, other):
    answers = [answered("ann", one), answered("bob", other)]

    state = state_of(answers)

    if one != other:
        assert state is ReadState.DISPUTED
        assert outcome_of(answers) is None
        for label in FOUR:
            third = answered("cleo", label)
            unclear = third.disposition is DEFER
            expected = ReadState.UNCLEAR if unclear else ReadState.ADJUDICATED
            assert state_of(answers, third) is expected
            assert outcome_of(answers, third) == third
    else:
        unclear = FOUR[one][0] is DEFER
        assert state is (ReadState.UNCLEAR if unclear else ReadState.AGREED)
        assert outcome_of(answers).category == one


def test_a_tie_of_three_is_disputed_and_so_is_two_against_one():
    three = [answered(str(i), label) for i, label in enumerate(list(FOUR)[:3])]
    assert state_of(three, readers=3) is ReadState.DISPUTED
    assert state_of([three[0], three[0], three[1]], readers=3) is ReadState.DISPUTED
    assert outcome_of(three, readers=3) is None


def test_a_reader_who_left_leaves_the_others_answers_as_they_are():
    ann, bob = answered("ann", "negative"), answered("", "positive")
    assert state_of([ann, None, bob]) is ReadState.DISPUTED
    assert state_of([ann, None]) is ReadState.READ1
    assert state_of([None, None]) is ReadState.OPEN
    assert state_of([ann, None, bob], readers=3) is ReadState.READ2


def test_a_case_goes_from_open_to_read_and_is_claimed_in_between():
    ann = answered("ann", "positive")
    assert state_of([]) is ReadState.OPEN
    assert state_of([], is_claimed=True) is ReadState.CLAIMED
    assert state_of([ann]) is ReadState.READ1
    assert state_of([ann], is_claimed=True) is ReadState.CLAIMED
    assert state_of([ann, answered("bob", "positive")], is_claimed=True) is ReadState.AGREED


def test_labels_are_compared_where_both_name_some():
    def positive(reader, label):
        return ReadAnswer(reader, POSITIVE, label)

    same = [positive("ann", "scratch|hole"), positive("bob", "hole|scratch")]
    assert state_of(same) is ReadState.AGREED
    assert state_of([positive("ann", "hole"), positive("bob", "dent")]) is ReadState.DISPUTED
    one_names = [positive("ann", ""), positive("bob", "dent")]
    assert state_of(one_names) is ReadState.AGREED
    assert outcome_of(one_names).label == "dent"


def test_an_adjudication_without_a_dispute_changes_nothing():
    answers = [answered("ann", "negative"), answered("bob", "negative")]
    assert state_of(answers, answered("cleo", "positive")) is ReadState.AGREED
    assert outcome_of(answers, answered("cleo", "positive")).disposition is NEGATIVE


def test_the_draw_is_uniform_and_another_key_draws_others():
    numbers = np.array([draw_number("key", f"case {i}") for i in range(20_000)])
    assert np.histogram(numbers, 10, (0, 1))[0] / 2000 == pytest.approx(np.ones(10), abs=0.1)
    other = np.array([draw_number("other", f"case {i}") for i in range(20_000)])
    both = np.mean((numbers < 0.1) & (other < 0.1))
    assert both == pytest.approx(0.01, abs=0.003)
    assert draw_number("key", "case 7") == numbers[7]

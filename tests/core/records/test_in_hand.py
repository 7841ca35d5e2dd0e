"""What a person has in hand: cases put off, and an answer whose sign-in had ended."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from core.records import audit, reviews
from core.records.kept_answers import KeptAnswer, keep_answer, kept_answer, take_kept
from core.records.skipped_cases import LASTS, end_skip, list_skipped, skip_case
from core.records.values import now
from core.records.worklist import next_case
from core.types import Disposition

POSITIVE = Disposition.POSITIVE


@pytest.fixture
def cases(store, assessment, keep):
    """Two cases that wait."""
    keep(store, assessment(b"one", disposition=POSITIVE), assessment(b"two", disposition=POSITIVE))
    first = next_case(store, "parts")
    return first, next_case(store, "parts", after=first.case_id)


def test_cases_stand_in_the_order_in_which_each_person_put_them_off(store, cases):
    first, second = (one.case_id for one in cases)
    for name in (first, second, first):
        skip_case(store, "ada", name)
    skip_case(store, "grace", second)
    assert list_skipped(store, "ada") == [second, first]
    assert list_skipped(store, "grace") == [second]
    end_skip(store, "ada", second)
    assert list_skipped(store, "ada") == [first]


def test_a_case_that_was_answered_or_put_off_long_ago_is_put_off_no_longer(store, cases):
    first, second = cases
    moment = now()
    skip_case(store, "ada", first.case_id, moment)
    skip_case(store, "ada", second.case_id, moment + timedelta(hours=1))
    assert reviews.review(store, second, POSITIVE, reviewer="grace")
    assert list_skipped(store, "ada", moment) == [first.case_id]
    assert list_skipped(store, "ada", moment + LASTS - timedelta(seconds=1)) == [first.case_id]
    assert list_skipped(store, "ada", moment + LASTS) == []
    # The clock was set back by a day since: the old time is not waited for.
    assert list_skipped(store, "ada", moment - timedelta(days=1)) == []


def test_a_kept_answer_comes_back_as_it_was_given_and_to_one_caller_alone(store, cases):
    first, second = cases
    assert take_kept(store, "ada") is None
    keep_answer(store, "ada", KeptAnswer(first, Disposition.NEGATIVE))
    last = KeptAnswer(second, POSITIVE, "dent|scratch", "at the rim")
    keep_answer(store, "ada", last)
    assert kept_answer(store, "ada") == last
    assert kept_answer(store, "grace") is None
    taken = []
    callers = [
        threading.Thread(target=lambda: taken.append(take_kept(store, "ada"))) for _ in range(4)
    ]
    for one in callers:
        one.start()
    for one in callers:
        one.join()
    assert sorted(taken, key=lambda one: one is None) == [last, None, None, None]
    assert kept_answer(store, "ada") is None


def test_neither_is_a_record_that_the_audit_log_covers(store, cases):
    before = audit.head(store)
    skip_case(store, "ada", cases[0].case_id)
    keep_answer(store, "ada", KeptAnswer(cases[0], POSITIVE))
    assert audit.head(store) == before
    assert audit.verify(store).faults == ()

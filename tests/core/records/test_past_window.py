"""Past decisions as arrays, on every engine."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from core.decision.back_test import CALLS_OUT, DEFERS, PASSES
from core.decision.subgroups import estimate_rate
from core.records import reviews
from core.records.past_window import read_window
from core.records.picture_origins import IN_BUNDLE, ComparedPictures, keep_origins
from core.records.store import new_decision, record
from core.records.worklist import case_detail, next_case
from core.types import Disposition, Finding, Reason

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
BUNDLE = "b" * 64


@pytest.fixture
def add(store, assessment):
    """Record one decision, made so many days before NOW."""

    def _add(content, days=0.0, *, audit=None, is_drawn=False, **given):
        made = assessment(content, **given)
        new = new_decision(made, pack="parts", name="a.png", at=NOW - timedelta(days=days))
        decision = replace(new.decision, audit_probability=audit)
        if is_drawn:
            decision = replace(decision, findings=(*decision.findings, Finding(Reason.AUDIT, "")))
        new = replace(new, decision=decision)
        record(store, [new])
        return new.case_id

    return _add


def window(store, weeks=2, **given):
    return read_window(store, "parts", "", BUNDLE, NOW - timedelta(weeks=weeks), **given)


def test_scores_verdicts_and_answers_are_those_of_the_store(store, add):
    passed = add(b"1", p=0.1, audit=0.25, is_drawn=True)
    unsure = add(b"2", p=0.5, reason=Reason.AMBIGUOUS)
    blurred = add(b"3", p=0.05, disposition=Disposition.DEFER, reason=Reason.POOR_QUALITY)
    unread = add(b"4", p=None, reason=Reason.UNREADABLE)
    for _ in range(2):  # the unscored one, then the drawn one or the others by urgency
        item = next_case(store, "parts")
        reviews.review(store, item, Disposition.POSITIVE, reviewer="Ada")
        answered = item.case_id
    past = window(store).past
    at = {name: place for place, name in enumerate(past.case_id)}
    picture = {past.case_id[case]: place for place, case in enumerate(past.case)}
    assert past.positive_probability[picture[passed]] == 0.1
    assert np.isnan(past.positive_probability[picture[unread]])
    assert past.gates_passed[[picture[passed], picture[unsure]]].all()
    assert not past.gates_passed[[picture[blurred], picture[unread]]].any()
    assert past.given[[at[passed], at[unsure], at[blurred]]].tolist() == [PASSES, DEFERS, DEFERS]
    assert past.is_drawn.tolist() == [name == passed for name in past.case_id]
    assert past.audit_probability[at[passed]] == 0.25
    assert np.isnan(past.audit_probability[at[unsure]])
    assert {name for name in past.case_id if past.answer[at[name]] == CALLS_OUT} == {
        unread, answered,
    }  # fmt: skip


def test_an_answer_taken_back_is_none(store, add):
    add(b"1", p=0.5)
    item = next_case(store, "parts")
    reviews.review(store, item, Disposition.POSITIVE, reviewer="Ada")
    assert window(store).past.answer.tolist() == [CALLS_OUT]
    reviews.undo(store, item.case_id, 1, reviewer="Ada")
    assert window(store).past.answer.tolist() == [-1]


def test_pictures_of_a_group_are_one_case_and_a_picture_judged_again_counts_once(store, add):
    add(b"1", 3, p=0.1, group="part 1")
    add(b"2", 2, p=0.9, group="part 1")
    add(b"1", 1, p=0.1, group="part 1", policy="policy-2", disposition=Disposition.DEFER)
    past = window(store).past
    assert past.case_id.size == 1
    assert sorted(past.verdict.tolist()) == [DEFERS, CALLS_OUT]


def test_only_the_window_is_read_and_at_most_so_many(store, add):
    for day in (1, 5, 20):
        add(str(day).encode(), day, p=0.5)
    found = window(store)
    assert found.past.case.size == 2
    assert (found.oldest, found.newest) == (NOW - timedelta(days=5), NOW - timedelta(days=1))
    assert not found.is_capped
    capped = window(store, weeks=4, most=2)
    assert capped.is_capped
    assert capped.oldest == NOW - timedelta(days=5)


def test_nothing_in_the_window_is_no_error(store):
    found = window(store)
    assert found.past.case_id.size == 0
    assert (found.oldest, found.newest, found.is_capped) == (None, None, False)


READ = (
    "INSERT INTO read_status (case_id, pack, product, state, since, first_reader, second_reader, "
    "disposition, label) VALUES (:case, 'parts', '', :state, '', 'Ada', '', :settled, '')"
)


@pytest.mark.parametrize(
    ("state", "settled", "answer", "is_hidden"),
    [
        ("read1", "", -1, True),
        ("disputed", "", -1, True),
        ("adjudicated", "negative", PASSES, False),
    ],
)
def test_where_two_people_read_their_common_answer_counts_and_none_before(
    store, add, execute, state, settled, answer, is_hidden
):
    case = add(b"1", p=0.5)
    reviews.review(store, next_case(store, "parts"), Disposition.POSITIVE, reviewer="Ada")
    execute(store, READ, case=case, state=state, settled=settled)
    past = window(store).past
    assert past.answer.tolist() == [answer]
    assert past.is_hidden.tolist() == [is_hidden]


@pytest.fixture
def answer(store):
    """Answer cases, each after the one before."""

    def _answer(**answers):
        for case, given in answers.items():
            item = case_detail(store, case).item
            assert reviews.review(store, item, given, reviewer="Ada")

    return _answer


def content_of(content):
    return hashlib.sha256(content).hexdigest()


def keep_copies(store, *sets):
    origins = {content_of(one): content_of(some[0]) for some in sets for one in some}
    assert keep_origins(store, BUNDLE, 0, ComparedPictures((), b""), origins)


def test_cases_of_one_origin_count_once_the_first_of_them(store, add, answer):
    drawn = {"p": 0.1, "audit": 1.0, "is_drawn": True, "reason": None}
    first, *copies = [add(f"{at}".encode(), 9 - at, **drawn) for at in range(6)]
    other = add(b"other", 1, **drawn)
    unread = add(b"unread", 1, **drawn)
    answer(**dict.fromkeys((first, *copies), Disposition.POSITIVE), **{other: Disposition.NEGATIVE})
    before = window(store)
    assert (before.copies, before.past.case_id.size) == (0, 8)
    keep_copies(store, [f"{at}".encode() for at in range(6)], [b"other"])
    after = window(store)
    assert after.copies == 5
    assert sorted(after.past.case_id) == sorted([first, other, unread])
    assert after.oldest == before.oldest
    rate = estimate_rate(after.past, after.past.given == PASSES, CALLS_OUT)
    # Of three that passed two were looked at: the third may be either.
    assert (rate.n, rate.total, rate.value) == (2, 3, 0.5)
    assert (rate.low, rate.high) == pytest.approx((1 / 3, 2 / 3))


def test_copies_that_people_answered_differently_on_have_no_answer(store, add, answer):
    one, two, alone = (add(content, 5 - at, p=0.5) for at, content in enumerate((b"1", b"2", b"3")))
    answer(**{one: Disposition.POSITIVE, two: Disposition.NEGATIVE, alone: Disposition.NEGATIVE})
    keep_copies(store, [b"1", b"2"], [b"3"])
    past = window(store).past
    found = dict(zip(past.case_id, past.answer.tolist(), strict=True))
    assert found == {one: -1, alone: PASSES}


def test_copies_of_what_the_bundle_was_made_of_do_not_count(store, add):
    add(b"1", p=0.5)
    kept = add(b"2", p=0.5)
    origins = {content_of(b"1"): IN_BUNDLE, content_of(b"2"): content_of(b"2")}
    assert keep_origins(store, BUNDLE, 0, ComparedPictures((), b""), origins)
    found = window(store)
    assert (found.copies, found.past.case_id.tolist()) == (1, [kept])

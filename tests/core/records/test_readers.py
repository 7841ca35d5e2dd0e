"""How well people read, from what they answered; leads and reviewers are given different views."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from core.decision.agreement import ONE_LABEL
from core.decision.second_read import ReadState
from core.errors import PermissionDenied
from core.people import Person, Role
from core.records import reviews, worklist
from core.records.read_plans import ReadPlan
from core.service.review import review
from core.service.review.read_plan import choose_known, set_plan, withdraw_known
from core.service.review.readers import double_reads, measure_readers
from core.service.review.second_read import next_read
from core.types import Disposition

NEGATIVE, POSITIVE = Disposition.NEGATIVE, Disposition.POSITIVE
ANN, BOB = (Person(name, name.title(), Role.REVIEWER) for name in ("ann", "bob"))
LEAD = Person("lena", "Lena", Role.LEAD)
PACKS = ("parts",)


def read_twice(store, keep, assessment, pairs):
    """Have Ann read cases first and Bob second, as each pair says."""
    wanted = {}
    for number, pair in enumerate(pairs):
        keep(store, assessment(b"%d" % number, p=0.9, group=f"part {number}"))
        item = worklist.next_case(store, "parts")
        wanted[item.case_id] = pair
        assert review.decide(store, item, pair[0], by=ANN)
    while (task := next_read(store, PACKS, BOB, None)) is not None:
        answer = wanted[task.detail.item.case_id][1]
        assert review.decide(store, task.detail.item, answer, by=BOB)


@pytest.fixture
def read(store, keep, assessment):
    set_plan(store, "parts", ReadPlan(1.0, 1.0, 1.0), LEAD)
    pairs = [(NEGATIVE, NEGATIVE)] * 5 + [(POSITIVE, POSITIVE)] * 3 + [(NEGATIVE, POSITIVE)] * 2
    read_twice(store, keep, assessment, pairs)
    return store


def test_a_lead_sees_everybodys_figures_and_a_reviewer_their_own(read):
    found = measure_readers(read, "parts", LEAD)
    assert found.agreement.cases == 10
    assert found.agreement.percent.value == pytest.approx(0.8)
    # Chance: 0.7 * 0.5 + 0.3 * 0.5.
    assert found.agreement.cohen.value == pytest.approx((0.8 - 0.5) / 0.5)
    assert dict(found.states) == {ReadState.AGREED: 8, ReadState.DISPUTED: 2}
    assert [(one.name, one.first, one.second) for one in found.readers] == [
        ("ann", 10, 0), ("bob", 0, 10)
    ]  # fmt: skip

    own = measure_readers(read, "parts", BOB)
    assert [one.reader for one in own.readers] == ["bob"]
    assert own.states == {}
    with pytest.raises(PermissionDenied):
        measure_readers(read, "parts", Person("vic", "Vic", Role.VIEWER))


def test_whose_answer_did_not_stand_is_counted_once_it_is_adjudicated(read):
    while (task := next_read(read, PACKS, LEAD, None)) is not None:
        review.decide(read, task.detail.item, POSITIVE, by=LEAD)
    ann, bob, lena = measure_readers(read, "parts", LEAD).readers
    assert (ann.overruled.k, ann.overruled.n) == (2, 10)
    assert (bob.overruled.k, bob.overruled.n) == (0, 10)
    assert lena.adjudicated == 2


def test_an_open_dispute_names_nobody_to_the_lead_who_may_decide_it(read):
    disputes = [one for one in double_reads(read, "parts", LEAD) if one.state == "disputed"]
    assert [(one.readers, one.categories, one.outcome) for one in disputes] == [
        (("", ""), ("", ""), None)
    ] * 2
    agreed = [one for one in double_reads(read, "parts", LEAD) if one.state == "agreed"]
    assert {one.readers for one in agreed} == {("ann", "bob")}
    with pytest.raises(PermissionDenied):
        double_reads(read, "parts", BOB)


def test_readers_who_use_one_label_have_no_kappa(store, keep, assessment):
    set_plan(store, "parts", ReadPlan(1.0, 1.0, 1.0), LEAD)
    read_twice(store, keep, assessment, [(NEGATIVE, NEGATIVE)] * 4)
    found = measure_readers(store, "parts", LEAD).agreement
    assert found.percent.value == 1.0
    assert (found.cohen.value, found.cohen.reason) == (None, ONE_LABEL)


def test_known_cases_measure_each_reader_and_only_leads_choose_them(
    store, keep, assessment, monkeypatch
):
    # One draw in fifty has fewer than six known cases come among four hundred.
    fixed = SimpleNamespace(token_hex=lambda size: "5e" * size)
    monkeypatch.setattr("core.records.read_plans.secrets", fixed)
    plan = set_plan(store, "parts", ReadPlan(gold=0.03), LEAD)
    truths = {}
    for number in range(6):
        keep(store, assessment(b"%d" % number, p=0.9, group=f"part {number}"))
        item = worklist.next_case(store, "parts")
        reviews.review(store, item, POSITIVE, reviewer="ann")
        truths[item.case_id] = (NEGATIVE, POSITIVE)[number < 4]
        with pytest.raises(PermissionDenied):
            choose_known(store, item.case_id, POSITIVE, BOB)
        choose_known(store, item.case_id, truths[item.case_id], LEAD)
    for number in range(400):
        keep(store, assessment(b"w%d" % number, p=0.5, group=f"waiting {number}"))
    missed = 0
    while (upcoming := worklist.next_case(store, "parts")) is not None:
        if (task := next_read(store, PACKS, BOB, upcoming)) is None:
            review.decide(store, upcoming, NEGATIVE, by=BOB)
            continue
        truth = truths[task.detail.item.case_id]
        answer = NEGATIVE if truth is POSITIVE and not missed else truth
        missed += answer is not truth
        review.decide(store, task.detail.item, answer, by=BOB)
    [bob] = measure_readers(store, "parts", BOB).readers
    assert (bob.sensitivity.k, bob.sensitivity.n) == (3, 4)
    assert (bob.specificity.k, bob.specificity.n) == (2, 2)
    assert bob.first == 400
    assert bob.alarms.more_needed == 36 - 4
    assert plan.target == 0.9
    with pytest.raises(PermissionDenied):
        withdraw_known(store, next(iter(truths)), BOB)


def test_fifty_answers_in_a_row_without_time_to_look_are_an_alarm(store, keep, assessment):
    start = datetime.now(UTC) - timedelta(hours=1)
    for number in range(60):
        keep(store, assessment(b"%d" % number, p=0.9))
        item = worklist.next_case(store, "parts")
        at = start + timedelta(milliseconds=300 * number)
        reviews.review(store, item, NEGATIVE, reviewer="ann", at=at)
    [ann] = measure_readers(store, "parts", ANN).readers
    assert ann.median_ms == pytest.approx(300)
    assert ann.alarms.is_too_fast
    assert measure_readers(store, "parts", ANN, days=0.001).readers[0].median_ms is None

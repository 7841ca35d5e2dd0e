"""What the list shows of a case, and what it takes to confirm many at once."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from math import comb

import numpy as np
import pytest

from core.errors import DataError, PermissionDenied
from core.packs import installed
from core.people import Person, Role
from core.records.case_filter import CaseFilter
from core.records.case_status import QueueState
from core.records.read_plans import ReadPlan, set_plan
from core.records.store import new_decision, record
from core.records.worklist import case_detail
from core.service.review.browse import browse, lines_by_id, visible_filter
from core.service.review.review import decide, next_matching
from core.service.review.spot_check import (
    MOST,
    confirm,
    draw_sample,
    plan_spot_check,
    sample_size,
    unfound_at_most,
)
from core.types import (
    Assessment,
    Disposition,
    Finding,
    Prediction,
    Provenance,
    Reason,
    Verdict,
)

ADA, BEN = Person.alone("Ada"), Person.alone("Ben")
NEGATIVE, POSITIVE, DEFER = Disposition.NEGATIVE, Disposition.POSITIVE, Disposition.DEFER
EVERY = CaseFilter(states=())


def an_assessment(name, disposition, p, reason=None):
    return Assessment(
        sample_id=name,
        group=name,
        sha256=hashlib.sha256(name.encode()).hexdigest(),
        verdict=Verdict(disposition, "", (Finding(reason, "why"),) if reason else ()),
        wording=disposition.value,
        classes=("ok", "scratch"),
        prediction=Prediction(np.array([1 - p, p]), p, 0.25),
        evidence=None,
        provenance=Provenance("widgets@0123456789ab", "b" * 64, "policy-1", "0.1.0", "cpu"),
        timing_ms={"decode": 1.0, "infer": 2.0, "total": 3.0},
    )


@pytest.fixture
def put(store):
    def _put(name, disposition=NEGATIVE, p=0.05, reason=None, pack="parts"):
        new = new_decision(an_assessment(name, disposition, p, reason), pack=pack, name=name)
        record(store, [replace(new, meta={"site": "North"})])
        return new.case_id

    return _put


@pytest.fixture
def passed(store, put):
    """Give the lines of twelve cases that passed."""
    ids = [put(f"good {n}") for n in range(12)]
    return lines_by_id(store, ids, ADA)


def answer_sample(store, check, by, but=None):
    for item in check.undecided(()):
        verdict = POSITIVE if item.case_id == but else check.disposition
        assert decide(store, item, verdict, by=by)


def standing(store, case_id):
    detail = case_detail(store, case_id)
    return [(one.kind, one.revision, one.disposition, one.reviewer) for one in detail.reviews]


def test_every_case_gets_a_review_of_its_own_once_the_spot_check_agrees(store, passed):
    check = plan_spot_check(passed, ADA, "seed")
    assert len(check.sample) == 5
    answer_sample(store, check, ADA)

    done = confirm(store, check, ADA)

    assert (done.written, done.changed) == (12, 0)
    for line in passed:
        assert standing(store, line.item.case_id) == [("review", 0, NEGATIVE, "Ada")]
    comments = {
        case_detail(store, line.item.case_id).reviews[0].comment
        for line in passed
        if line.item.case_id not in check.sample
    }
    assert comments == {"confirmed with 12 cases after a spot check of 5"}
    with pytest.raises(DataError, match="reviewed"):
        plan_spot_check(lines_by_id(store, [passed[0].item.case_id], ADA), ADA, "seed")


def test_one_that_is_decided_otherwise_refuses_the_whole(store, passed):
    check = plan_spot_check(passed, ADA, "seed")
    answer_sample(store, check, ADA, but=check.sample[-1])

    with pytest.raises(DataError, match="otherwise"):
        confirm(store, check, ADA)

    reviewed = [line for line in passed if standing(store, line.item.case_id)]
    assert {line.item.case_id for line in reviewed} == set(check.sample)


def test_a_spot_check_that_is_unfinished_or_anothers_confirms_nothing(store, passed):
    check = plan_spot_check(passed, ADA, "seed")
    with pytest.raises(DataError, match="not finished"):
        confirm(store, check, ADA)
    answer_sample(store, check, BEN)
    with pytest.raises(DataError, match="somebody else"):
        confirm(store, check, ADA)
    assert sum(bool(standing(store, line.item.case_id)) for line in passed) == 5


def test_a_case_that_changed_since_it_was_selected_stays_as_it_is(store, passed):
    check = plan_spot_check(passed, ADA, "seed")
    answer_sample(store, check, ADA)
    moved = next(item for item in check.items if item.case_id not in check.sample)
    assert decide(store, moved, POSITIVE, by=BEN)

    done = confirm(store, check, ADA)

    assert (done.written, done.changed) == (11, 1)
    assert standing(store, moved.case_id) == [("review", 0, POSITIVE, "Ben")]


def test_what_cannot_be_confirmed_at_once_is_refused_with_the_reason(store, put, passed):
    drawn = lines_by_id(store, [put("drawn", reason=Reason.AUDIT)], ADA)
    positive = lines_by_id(store, [put("bad", POSITIVE, 0.9)], ADA)
    open_ = lines_by_id(store, [put("maybe", DEFER, 0.5, Reason.AMBIGUOUS)], ADA)
    for lines, why in (
        ((), "0 cases"),
        (passed * (MOST // 12 + 1), "cases are selected"),
        (drawn + passed, "not shown"),
        (positive + passed, "one automatic verdict"),
        (open_, "one automatic verdict"),
    ):
        with pytest.raises(DataError, match=why):
            plan_spot_check(lines, ADA, "seed")
    viewer = Person("v", "Vera", Role.VIEWER)
    with pytest.raises(PermissionDenied):
        plan_spot_check(passed, viewer, "seed")
    with pytest.raises(PermissionDenied):
        confirm(store, plan_spot_check(passed, ADA, "seed"), viewer)


def test_the_sample_follows_from_the_seed_and_favours_no_case():
    ids = [f"case {n}" for n in range(50)]
    assert draw_sample(ids, "a") == draw_sample(ids[::-1], "a") != draw_sample(ids, "b")
    counts = dict.fromkeys(ids, 0)
    for seed in range(2000):
        for case_id in draw_sample(ids, str(seed)):
            counts[case_id] += 1
    # Binomial(2000, 5 / 50): mean 200, standard deviation 13.4; five of them either side.
    assert all(133 <= n <= 267 for n in counts.values())
    assert [sample_size(n) for n in (1, 5, 6, 51, 200)] == [1, 5, 5, 6, 20]


def test_the_bound_is_the_largest_lot_fault_that_a_sample_may_miss():
    for cases, sampled in ((12, 5), (60, 6), (200, 20), (5, 5)):
        most = unfound_at_most(cases, sampled)
        chance = [comb(cases - k, sampled) / comb(cases, sampled) for k in range(most + 2)]
        assert chance[most] >= 0.05 > chance[most + 1] or most == cases - sampled


def test_the_list_keeps_from_a_reader_what_they_are_to_decide_without(store, put):
    plain = put("plain", POSITIVE, 0.9)
    drawn = put("drawn", reason=Reason.AUDIT)

    page = browse(store, CaseFilter(), by=ADA)

    by_id = {line.item.case_id: line for line in page.lines}
    assert set(by_id) == {plain, drawn}
    assert (by_id[plain].item.disposition, by_id[plain].item.positive_probability) == (
        POSITIVE,
        0.9,
    )
    hidden = by_id[drawn]
    assert hidden.is_hidden
    assert (hidden.item.disposition, hidden.item.positive_probability) == (DEFER, None)
    assert hidden.reasons == ()
    assert (hidden.sites, hidden.name) == (("North",), "drawn")


def test_a_case_that_a_second_person_still_reads_shows_no_answer(store, put):
    set_plan(store, "parts", "", ReadPlan(positive=1.0), by="Lea")
    case_id = put("twice", POSITIVE, 0.9)
    decide(store, case_detail(store, case_id).item, POSITIVE, by=ADA)

    [line] = browse(store, EVERY, by=BEN).lines

    assert line.is_hidden
    assert (line.answer, line.item.disposition, line.item.positive_probability) == (
        None,
        DEFER,
        None,
    )
    for case_filter in (
        CaseFilter(states=(), verdicts=(POSITIVE,)),
        CaseFilter(states=(), reasons=(Reason.AUDIT,)),
    ):
        assert browse(store, case_filter, by=BEN).lines == ()


def test_an_answer_is_listed_until_it_is_taken_back(store, put):
    from core.records.reviews import undo

    case_id = put("one", POSITIVE, 0.9)
    decide(store, case_detail(store, case_id).item, NEGATIVE, by=ADA)
    [line] = browse(store, EVERY, by=ADA).lines
    assert (line.item.queue_state, line.answer) == (QueueState.REVIEWED, NEGATIVE)
    undo(store, case_id, 1, reviewer="Ada")
    [line] = browse(store, EVERY, by=ADA).lines
    assert (line.item.queue_state, line.answer) == (QueueState.WAITING, None)


def test_packs_that_decide_themselves_what_is_shown_are_not_in_the_shared_list():
    packs = installed()
    own = {name for name, pack in packs.items() if pack.has_own_review}
    assert "xray" in own
    assert set(visible_filter(EVERY, packs).packs) == set(packs) - own
    assert visible_filter(EVERY.of_pack("parts"), packs).packs == ("parts",)
    assert not set(visible_filter(EVERY.of_pack("xray"), packs).packs) & set(packs)


def test_the_queue_of_a_filter_ends_although_the_filter_names_reviewed_cases(store, put):
    names = [put(f"bad {n}", POSITIVE, 0.9 - n / 100) for n in range(3)]
    put("good")
    queue = CaseFilter(states=(), text="bad")
    for case_id in names:
        item = next_matching(store, queue)
        assert item.case_id == case_id
        assert decide(store, item, POSITIVE, by=ADA)
    assert next_matching(store, queue) is None
    assert next_matching(store, EVERY).queue_state is QueueState.NEGATIVE
    assert next_matching(store, CaseFilter(states=(QueueState.REVIEWED,))) is None

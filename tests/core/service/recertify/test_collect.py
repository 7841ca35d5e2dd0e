"""Which reviewed cases may join cal, which are kept for training, and what that takes."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from core.checking.split_membership import Assignment
from core.decision.splits import draw_split
from core.errors import DataError
from core.records.audit_draw import is_drawn
from core.records.reviewed_cases import reviewed_cases
from core.records.values import case_id_of, now
from core.service.bundles.archive import keep_recertified
from core.service.bundles.open import make_policy
from core.service.recertify.collect import collect, sort_out
from core.service.recertify.copies import Assigned
from core.service.recertify.recertify import evidence_of, propose_recertified, recertify
from core.service.summaries import summarise_policy
from core.types import Disposition, Targets
from tests.core.service.recertify.arrivals import answer_all, arrive
from tests.core.service.recertify.conftest import ADA

STRICT = Targets(escape=0.001, overkill=0.2)
"""Nothing the plates certify: whatever it judges goes to a person unless it is called out."""


@pytest.fixture
def census(deployed, settings):
    """A policy of the plates that passes nothing."""
    policy = make_policy(deployed, STRICT, 1)
    assert not policy.has_negatives
    keep_recertified(deployed, policy, None, settings)
    return policy


@pytest.fixture
def passing(deployed, tiny_product):
    policy = tiny_product.opened()[1]
    assert policy.has_negatives
    return policy


def split_of(number):
    return draw_split(f"plate-{number}")


def test_while_everything_goes_to_a_person_every_case_of_cal_counts_up_to_a_fixed_size(
    store, settings, deployed, census
):
    truth = arrive(store, deployed, census, 100)
    answer_all(store, truth)
    found = collect(store, settings, deployed, "left")
    cal = [number for number in range(100) if split_of(number) == "cal"]
    assert (found.complete, found.look.size) == (len(cal), 30)
    # Cases that came at one moment are in the order of their ids, which hash their names.
    in_order = sorted(case_id_of("parts", "left", f"plate-{number}") for number in cal)
    assert [one.case.case_id for one in found.counted] == in_order[:30]
    assert found.groups == 30
    positive = [truth[one.case.case_id] for one in found.counted]
    assert found.cases.positive.tolist() == positive
    assert len(found.train) == 100 - len(cal) == found.new_train_groups
    assert (found.unsuitable, found.waiting, found.refusal) == (0, (), "")


def test_a_case_that_waits_ends_the_row_however_many_came_after_it(
    store, settings, deployed, census
):
    truth = arrive(store, deployed, census, 100)
    cal = sorted(case for number, case in enumerate(truth) if split_of(number) == "cal")
    late = cal[12]
    answer_all(store, truth, [case for case in truth if case != late])
    found = collect(store, settings, deployed, "left")
    assert (found.complete, found.look.number, found.waiting) == (12, 0, (late,))
    assert "8 of 20 cases that count are still to come. 1 wait for a person now." in found.refusal
    with pytest.raises(DataError, match="8 of 20"):
        recertify(store, settings, deployed, census.targets, "left")
    answer_all(store, truth, [late])
    assert collect(store, settings, deployed, "left").look.size == 30


def test_once_something_passes_only_what_the_draw_chose_counts_whatever_its_verdict(
    store, settings, deployed, passing
):
    truth = arrive(store, deployed, passing, 400, share=0.5)
    waiting = {one.case_id for one in reviewed_cases(store, "parts", deployed.sha256)}
    assert len(waiting) < 400
    answer_all(store, truth, waiting)
    found = collect(store, settings, deployed, "left")
    counted = {one.case.case_id for one in found.counted}
    drawn = {
        case
        for number, case in enumerate(truth)
        if split_of(number) == "cal" and is_drawn(passing.id, case, 0.5)
    }
    # How many the draw chooses hangs on the policy's digits, and they on the machine that trained.
    assert found.complete == len(drawn)
    largest = max(size for size in (20, 30, 45, 68, 102, 153) if size <= len(drawn))
    assert found.look.size == len(counted) == largest
    assert counted <= drawn
    verdicts = {one.case.positive_probability <= passing.t_neg for one in found.counted}
    assert verdicts == {True, False}
    # Read all the same, because the policy deferred them or called them out.
    assert found.unsuitable > 20
    assert found.refusal == ""


def test_without_a_draw_nothing_counts_and_the_way_out_is_named(store, settings, deployed, passing):
    for share, start in ((None, 0), (0.0, 200)):
        truth = arrive(store, deployed, passing, 200, share=share, start=start)
        waiting = {one.case_id for one in reviewed_cases(store, "parts", deployed.sha256)}
        answer_all(store, truth, waiting & truth.keys())
    with pytest.raises(DataError, match="because of their verdict") as refused:
        recertify(store, settings, deployed, passing.targets, "left")
    assert "larger audit share" in refused.value.hint


def test_cases_of_another_product_or_bundle_and_before_an_alarm_do_not_count(
    store, settings, deployed, census
):
    truth = arrive(store, deployed, census, 60)
    answer_all(store, truth)
    elsewhere = arrive(store, deployed, census, 60, product="right", start=100)
    answer_all(store, elsewhere)
    other = arrive(store, replace(deployed, sha256="0" * 64), census, 60, start=200)
    answer_all(store, other)
    assert {one.case.case_id for one in collect(store, settings, deployed, "left").train} <= set(
        truth
    )
    later = now()
    again = arrive(store, deployed, census, 60, start=300)
    answer_all(store, again)
    since = collect(store, settings, deployed, "left", later)
    assert {one.case.case_id for one in since.counted} <= set(again)
    assert since.look.number == 1


def in_cal(cases):
    return [
        Assigned(one, Assignment("cal", f"{at:016x}", is_new=True)) for at, one in enumerate(cases)
    ]


def test_words_that_contradict_each_other_leave_the_newest_and_doubt_counts_for_neither(
    store, settings, deployed, census
):
    truth = arrive(store, deployed, census, 80)
    answer_all(store, truth)
    cases = reviewed_cases(store, "parts", deployed.sha256)
    cal = [one for one in cases if split_of(one.key.removeprefix("plate-")) == "cal"][:20]
    first = cal[0]
    other = Disposition.NEGATIVE if first.answer is Disposition.POSITIVE else Disposition.POSITIVE
    changed = [
        first,
        replace(cal[1], pictures=first.pictures, answer=other, reviewed_at="2999"),
        replace(cal[2], answer=Disposition.DEFER),
        replace(cal[3], positive_probability=None),
        *cal[4:],
    ]
    found = sort_out(in_cal(changed), lambda one: True)
    assert found.conflicts == (first.case_id,)
    assert (found.unclear, found.unscored, found.look.size) == (1, 1, 20)
    assert found.groups == len(found.cases.group) == 17
    agreed = replace(changed[1], answer=first.answer)
    same = sort_out(in_cal([first, agreed, *cal[2:]]), lambda one: True)
    assert (len(same.cases.group), same.groups, same.conflicts) == (20, 19, ())


def test_a_recertified_policy_asks_more_confidence_at_each_look_and_the_same_again_is_the_same(
    store, settings, deployed, census
):
    targets = replace(census.targets, escape=0.2)
    truth = arrive(store, deployed, census, 80)
    answer_all(store, truth)
    first = recertify(store, settings, deployed, targets, "left")
    again = recertify(store, settings, deployed, targets, "left")
    assert first.policy == again.policy
    assert first.policy.escape.n == 18 + first.collected.positive_groups
    assert first.policy.attempt == first.collected.look.number + 1
    more = arrive(store, deployed, census, 300, start=80)
    answer_all(store, more)
    second = recertify(store, settings, deployed, targets, "left")
    assert second.policy.attempt == second.collected.look.number + 1 > first.policy.attempt
    assert second.policy.escape.confidence > first.policy.escape.confidence
    # Another rate asked for on the same cases is one more chance, and has to show more.
    third = recertify(store, settings, deployed, replace(targets, escape=0.1), "left")
    assert third.policy.attempt == second.policy.attempt + 1


def test_a_proposal_shows_what_past_verdicts_would_change_and_both_certificates(
    store, settings, deployed, census
):
    targets = replace(census.targets, escape=0.2)
    truth = arrive(store, deployed, census, 100)
    answer_all(store, truth)
    found = recertify(store, settings, deployed, targets, "left")
    proposal = propose_recertified(store, settings, deployed, census, found, "left", by=ADA)
    evidence = proposal.evidence
    passes = [
        one for one in reviewed_cases(store, "parts", deployed.sha256)
        if one.positive_probability <= found.policy.t_neg
    ]  # fmt: skip
    flips = evidence["flips"]
    to_pass = [one["case"] for one in flips["listed"] if one["becomes"] == "negative"]
    assert sorted(to_pass) == sorted(one.case_id for one in passes)
    assert to_pass
    assert (flips["cases"], flips["total"]) == (100, len(flips["listed"]))
    wrong = [truth[one["case"]] and one["becomes"] == "negative" for one in flips["listed"]]
    assert wrong == sorted(wrong, reverse=True)
    assert not evidence["before"]["escape"]["certified"]
    assert evidence["after"]["escape"]["certified"]
    assert evidence["after"]["policy"] == found.policy.id
    assert evidence["reviewed"]["counted"] == 30
    assert evidence["after"]["text"] == summarise_policy(deployed.pack, found.policy)
    same = evidence_of(store, deployed, census, census, "left")
    assert same["flips"]["total"] == 0


def test_recertification_grows_no_faster_than_the_reviewed_cases(store, settings, deployed, census):
    spent = []
    for count, start in ((400, 0), (1600, 1000)):
        truth = arrive(store, deployed, census, count, start=start)
        answer_all(store, truth)
        begun = time.process_time()
        recertify(store, settings, deployed, census.targets, "left")
        spent.append(time.process_time() - begun)
    assert spent[1] < 12 * spent[0]


FIELDS = [f"field {number}" for number in range(6)]


def test_tiles_of_one_picture_count_as_one_group_and_join_one_split(
    store, settings, deployed, census
):
    truth = arrive(store, deployed, census, 300, tile_of=FIELDS)
    answer_all(store, truth)
    found = collect(store, settings, deployed, "left")
    cal = sum(draw_split(field) == "cal" for field in FIELDS)
    assert 0 < cal < len(FIELDS)
    assert found.complete == 50 * cal
    assert found.look.size > 50
    assert found.groups <= cal
    assert found.new_train_groups == len(FIELDS) - cal


def test_tiles_that_came_by_their_verdict_never_count_whatever_the_policy_passes(
    store, settings, deployed, census
):
    truth = arrive(store, deployed, census, 120, share=None, tile_of=FIELDS)
    answer_all(store, truth)
    found = collect(store, settings, deployed, "left")
    assert found.complete == 0
    assert found.unsuitable == 20 * sum(draw_split(field) == "cal" for field in FIELDS)

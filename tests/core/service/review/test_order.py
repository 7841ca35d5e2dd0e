"""The order of the worklist: what may move a case, and what may never."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.service.review.order import LONGEST_WAIT, OpenCase, Rank, arrange, first_unskipped
from core.types import Disposition

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
NEGATIVE, POSITIVE, DEFER = Disposition.NEGATIVE, Disposition.POSITIVE, Disposition.DEFER

open_cases = st.builds(
    OpenCase,
    case_id=st.integers(0, 10**6).map(str),
    arrived=st.integers(0, 600).map(lambda minutes: NOW - timedelta(minutes=minutes)),
    is_urgent=st.booleans(),
    disposition=st.sampled_from(Disposition),
    probability=st.none() | st.floats(0, 1),
    is_hidden=st.booleans(),
    is_cleared=st.booleans(),
    is_contradictory=st.booleans(),
)
lists = st.lists(open_cases, max_size=8, unique_by=lambda case: case.case_id).map(
    lambda cases: sorted(cases, key=lambda case: case.arrived)
)
quick = settings(max_examples=50, deadline=None)


def a_case(name: str, minutes: float, disposition=DEFER, probability=0.5, **more) -> OpenCase:
    arrived = NOW - timedelta(minutes=minutes)
    return OpenCase(name, arrived, disposition=disposition, probability=probability, **more)


def names(worklist) -> list[str]:
    return [case_id for case_id, _ in worklist.to_read]


def is_shown(cases) -> bool:
    return not all(case.is_hidden for case in cases)


def in_turn(cases) -> list[str]:
    return [one.case_id for one in sorted(cases, key=lambda one: (not one.is_urgent, one.arrived))]


def test_stat_then_overdue_then_positives_by_probability_then_deferred_then_likely_normal():
    cases = [
        a_case("old normal", 500, NEGATIVE, 0.01),
        a_case("older stat normal", 300, NEGATIVE, 0.02, is_urgent=True),
        a_case("old abnormal", 250, POSITIVE, 0.99),
        a_case("normal", 100, NEGATIVE, 0.05),
        a_case("deferred", 90, DEFER, 0.97),
        a_case("unscored abnormal", 80, POSITIVE, None),
        a_case("likely abnormal", 70, POSITIVE, 0.9),
        a_case("later deferred", 60, DEFER, None),
        a_case("most likely abnormal", 50, POSITIVE, 0.95),
        a_case("late stat abnormal", 1, POSITIVE, 0.9, is_urgent=True),
    ]
    assert names(arrange(cases, NOW)) == [
        "older stat normal", "late stat abnormal", "old normal", "old abnormal",
        "unscored abnormal", "most likely abnormal", "likely abnormal", "deferred",
        "later deferred", "normal",
    ]  # fmt: skip


@quick
@given(lists)
def test_every_case_is_listed_exactly_once(cases):
    found = arrange(cases, NOW)
    assert sorted([*names(found), *found.cleared]) == sorted(case.case_id for case in cases)


@quick
@given(lists, st.sampled_from(Disposition), st.none() | st.floats(0, 1))
def test_the_stat_come_first_in_the_order_received_whatever_their_verdict(
    cases, disposition, probability
):
    reported = [
        replace(case, disposition=disposition, probability=probability) if case.is_urgent else case
        for case in cases
    ]
    first = [case.case_id for case in cases if case.is_urgent]
    assert names(arrange(reported, NOW))[: len(first)] == first


@quick
@given(lists, st.randoms())
def test_no_verdict_touches_the_order_while_verdicts_are_hidden(cases, random):
    cases = [replace(case, is_hidden=True) for case in cases]
    verdicts = [(case.disposition, case.probability) for case in cases]
    random.shuffle(verdicts)
    other = [
        replace(case, disposition=result, probability=p)
        for case, (result, p) in zip(cases, verdicts, strict=True)
    ]
    found = arrange(cases, NOW)
    assert found == arrange(other, NOW)
    assert names(found) == in_turn(cases)


@quick
@given(lists.filter(is_shown))
def test_whoever_waits_too_long_comes_before_everything_but_stat_oldest_first(cases):
    found = arrange(cases, NOW)
    left = set(found.cleared)
    late = [
        case.case_id
        for case in cases
        if NOW - case.arrived > LONGEST_WAIT and not case.is_urgent and case.case_id not in left
    ]
    stats = sum(case.is_urgent for case in cases)
    assert names(found)[stats : stats + len(late)] == late


@quick
@given(lists, st.data())
def test_calling_a_case_stat_never_lowers_it(cases, data):
    if not cases:
        return
    case = data.draw(st.sampled_from(cases))
    raised = [replace(one, is_urgent=True) if one is case else one for one in cases]
    before = names(arrange(cases, NOW))
    after = names(arrange(raised, NOW))
    if case.case_id in before:
        assert after.index(case.case_id) <= before.index(case.case_id)
    else:
        assert case.case_id in after


@quick
@given(lists)
def test_a_person_reads_every_case_where_none_is_cleared(cases):
    assert arrange([replace(case, is_cleared=False) for case in cases], NOW).cleared == ()


@quick
@given(lists)
def test_only_a_certified_negative_that_is_neither_stat_nor_hidden_is_not_read(cases):
    apart = set(arrange(cases, NOW).cleared)
    for case in cases:
        needs_person = case.is_urgent or case.is_hidden or case.is_contradictory
        allowed = case.is_cleared and not needs_person
        assert (case.case_id in apart) == (allowed and case.disposition is NEGATIVE)


@quick
@given(lists, st.randoms())
def test_the_place_of_a_hidden_case_tells_nothing_of_its_verdict(cases, random):
    result = list(Disposition)
    other = [
        replace(case, disposition=random.choice(result), probability=random.random())
        if case.is_hidden
        else case
        for case in cases
    ]
    assert arrange(cases, NOW) == arrange(other, NOW)


@quick
@given(lists, open_cases, st.sampled_from(["no verdict", "nan", 1.5, "no zone"]))
def test_whatever_fact_is_missing_all_come_in_turn_and_nothing_is_left_out(cases, broken, fault):
    changed = {
        "no verdict": {"disposition": None},
        "nan": {"probability": math.nan},
        1.5: {"probability": 1.5},
        "no zone": {"arrived": broken.arrived.replace(tzinfo=None)},
    }[fault]
    broken = replace(broken, case_id="broken", is_hidden=False, is_contradictory=False, **changed)
    found = arrange([*cases, broken], NOW)
    assert not found.is_proposed
    assert found.failure
    assert found.cleared == ()
    reported = names(found)
    assert sorted(reported) == sorted([*(case.case_id for case in cases), broken.case_id])
    assert [one for one in reported if one != broken.case_id] == in_turn(cases)


def test_a_failure_inside_says_its_kind_and_quotes_nothing(caplog):
    class Broken(timedelta):
        def __lt__(self, other):
            raise KeyError("DOE^JANE")

    found = arrange([a_case("a", 1)], NOW, Broken(hours=1))
    assert (found.is_proposed, found.failure) == (False, "KeyError")
    assert "JANE" not in caplog.text


def test_places_say_why_a_case_is_where_it_is():
    cases = [a_case("b", 9, POSITIVE, 0.9), a_case("a", 5, is_urgent=True)]
    assert arrange(cases, NOW).to_read == (
        ("a", Rank.URGENT),
        ("b", Rank.POSITIVE),
    )
    hidden = [replace(case, is_hidden=True) for case in cases]
    assert arrange(hidden, NOW).to_read == (("a", Rank.URGENT), ("b", Rank.ARRIVAL))


def test_a_hidden_case_without_a_verdict_does_not_spoil_the_order_of_the_others():
    cases = [
        a_case("other site", 60, None, None, is_hidden=True),
        a_case("normal", 50, NEGATIVE, 0.1),
        a_case("abnormal", 40, POSITIVE, 0.9),
    ]
    assert names(arrange(cases, NOW)) == ["abnormal", "other site", "normal"]


@pytest.mark.parametrize("hours", [3.999, 4.001])
def test_the_cap_counts_from_the_moment_a_case_came(hours):
    cases = [a_case("normal", 60 * hours, NEGATIVE, 0.0), a_case("abnormal", 1, POSITIVE, 1.0)]
    first = names(arrange(cases, NOW))[0]
    assert first == ("normal" if hours > 4 else "abnormal")


def test_cases_passed_over_come_back_longest_ago_first_and_no_more_are_read_than_needed():
    items = {name: SimpleNamespace(case_id=name) for name in "abcd"}

    def waiting():
        for name in "abc":
            yield items[name]
        raise AssertionError("read beyond the case that comes next")

    assert first_unskipped(waiting(), ["b", "a"]).case_id == "c"
    assert first_unskipped([items["a"], items["b"]], ["x", "b", "a"]).case_id == "b"
    assert first_unskipped([], ["a"]) is None

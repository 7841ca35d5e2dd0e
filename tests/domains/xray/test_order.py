"""The order of the worklist: what may move a case, and what may never."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.records.releases import Stage
from core.types import Disposition
from domains.xray.worklist.order import LONGEST_WAIT, Facts, Place, arrange

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
NEGATIVE, POSITIVE, DEFER = Disposition.NEGATIVE, Disposition.POSITIVE, Disposition.DEFER
READ_BY_ALL = [Stage.AUDIT, Stage.SHADOW, Stage.SUPERVISED]
HIDDEN = [Stage.AUDIT, Stage.SHADOW]
SHOWN = [Stage.SUPERVISED, Stage.AUTOMATIC]

facts = st.builds(
    Facts,
    case_id=st.integers(0, 10**6).map(str),
    arrived=st.integers(0, 600).map(lambda minutes: NOW - timedelta(minutes=minutes)),
    stat=st.booleans(),
    disposition=st.sampled_from(Disposition),
    probability=st.none() | st.floats(0, 1),
    hidden=st.booleans(),
    cleared=st.booleans(),
)
lists = st.lists(facts, max_size=8, unique_by=lambda case: case.case_id).map(
    lambda cases: sorted(cases, key=lambda case: case.arrived)
)
stages = st.sampled_from(Stage)
quick = settings(max_examples=50, deadline=None)


def a_case(name: str, minutes: float, disposition=DEFER, probability=0.5, **more) -> Facts:
    arrived = NOW - timedelta(minutes=minutes)
    return Facts(name, arrived, disposition=disposition, probability=probability, **more)


def names(worklist) -> list[str]:
    return [case_id for case_id, _ in worklist.read]


def in_turn(cases) -> list[str]:
    return [one.case_id for one in sorted(cases, key=lambda one: (not one.stat, one.arrived))]


def test_stat_then_overdue_then_positives_by_probability_then_deferred_then_likely_normal():
    cases = [
        a_case("old normal", 500, NEGATIVE, 0.01),
        a_case("older stat normal", 300, NEGATIVE, 0.02, stat=True),
        a_case("old abnormal", 250, POSITIVE, 0.99),
        a_case("normal", 100, NEGATIVE, 0.05),
        a_case("deferred", 90, DEFER, 0.97),
        a_case("unscored abnormal", 80, POSITIVE, None),
        a_case("likely abnormal", 70, POSITIVE, 0.9),
        a_case("later deferred", 60, DEFER, None),
        a_case("most likely abnormal", 50, POSITIVE, 0.95),
        a_case("late stat abnormal", 1, POSITIVE, 0.9, stat=True),
    ]
    assert names(arrange(cases, Stage.SUPERVISED, NOW)) == [
        "older stat normal", "late stat abnormal", "old normal", "old abnormal",
        "unscored abnormal", "most likely abnormal", "likely abnormal", "deferred",
        "later deferred", "normal",
    ]  # fmt: skip


@quick
@given(lists, stages)
def test_every_case_is_listed_exactly_once(cases, stage):
    found = arrange(cases, stage, NOW)
    assert sorted([*names(found), *found.apart]) == sorted(case.case_id for case in cases)


@quick
@given(lists, stages, st.sampled_from(Disposition), st.none() | st.floats(0, 1))
def test_the_stat_come_first_in_the_order_received_whatever_their_verdict(
    cases, stage, disposition, probability
):
    told = [
        replace(case, disposition=disposition, probability=probability) if case.stat else case
        for case in cases
    ]
    first = [case.case_id for case in cases if case.stat]
    assert names(arrange(told, stage, NOW))[: len(first)] == first


@quick
@given(lists, st.sampled_from(HIDDEN), st.randoms())
def test_no_verdict_touches_the_order_while_verdicts_are_hidden(cases, stage, random):
    verdicts = [(case.disposition, case.probability) for case in cases]
    random.shuffle(verdicts)
    other = [
        replace(case, disposition=said, probability=p)
        for case, (said, p) in zip(cases, verdicts, strict=True)
    ]
    found = arrange(cases, stage, NOW)
    assert found == arrange(other, stage, NOW)
    assert names(found) == in_turn(cases)


@quick
@given(lists, st.sampled_from(SHOWN))
def test_whoever_waits_too_long_comes_before_everything_but_stat_oldest_first(cases, stage):
    found = arrange(cases, stage, NOW)
    left = set(found.apart)
    late = [
        case.case_id
        for case in cases
        if NOW - case.arrived > LONGEST_WAIT and not case.stat and case.case_id not in left
    ]
    stats = sum(case.stat for case in cases)
    assert names(found)[stats : stats + len(late)] == late


@quick
@given(lists, stages, st.data())
def test_calling_a_case_stat_never_lowers_it(cases, stage, data):
    if not cases:
        return
    case = data.draw(st.sampled_from(cases))
    raised = [replace(one, stat=True) if one is case else one for one in cases]
    before = names(arrange(cases, stage, NOW))
    after = names(arrange(raised, stage, NOW))
    if case.case_id in before:
        assert after.index(case.case_id) <= before.index(case.case_id)
    else:
        assert case.case_id in after


@quick
@given(lists, st.sampled_from(READ_BY_ALL))
def test_a_person_reads_every_case_below_automatic(cases, stage):
    assert arrange(cases, stage, NOW).apart == ()


@quick
@given(lists)
def test_only_a_certified_negative_that_is_neither_stat_nor_hidden_is_not_read(cases):
    apart = set(arrange(cases, Stage.AUTOMATIC, NOW).apart)
    for case in cases:
        allowed = case.cleared and not case.stat and not case.hidden
        assert (case.case_id in apart) == (allowed and case.disposition is NEGATIVE)


@quick
@given(lists, st.sampled_from(SHOWN), st.randoms())
def test_the_place_of_a_hidden_case_tells_nothing_of_its_verdict(cases, stage, random):
    said = list(Disposition)
    other = [
        replace(case, disposition=random.choice(said), probability=random.random())
        if case.hidden
        else case
        for case in cases
    ]
    assert arrange(cases, stage, NOW) == arrange(other, stage, NOW)


@quick
@given(lists, facts, st.sampled_from(SHOWN), st.sampled_from(["no verdict", "nan", 1.5, "no zone"]))
def test_whatever_fact_is_missing_all_come_in_turn_and_nothing_is_left_out(
    cases, broken, stage, fault
):
    changed = {
        "no verdict": {"disposition": None},
        "nan": {"probability": math.nan},
        1.5: {"probability": 1.5},
        "no zone": {"arrived": broken.arrived.replace(tzinfo=None)},
    }[fault]
    broken = replace(broken, case_id="broken", **changed)
    found = arrange([*cases, broken], stage, NOW)
    assert not found.proposed
    assert found.trouble
    assert found.apart == ()
    told = names(found)
    assert sorted(told) == sorted([*(case.case_id for case in cases), broken.case_id])
    assert [one for one in told if one != broken.case_id] == in_turn(cases)


def test_a_failure_inside_says_its_kind_and_quotes_nothing(caplog):
    class Broken(timedelta):
        def __lt__(self, other):
            raise KeyError("DOE^JANE")

    found = arrange([a_case("a", 1)], Stage.SUPERVISED, NOW, Broken(hours=1))
    assert (found.proposed, found.trouble) == (False, "KeyError")
    assert "JANE" not in caplog.text


def test_places_say_why_a_case_is_where_it_is():
    cases = [a_case("b", 9, POSITIVE, 0.9), a_case("a", 5, stat=True)]
    assert arrange(cases, Stage.SUPERVISED, NOW).read == (
        ("a", Place.STAT),
        ("b", Place.POSITIVE),
    )
    assert arrange(cases, Stage.AUDIT, NOW).read == (("a", Place.STAT), ("b", Place.IN_TURN))


@pytest.mark.parametrize("hours", [3.999, 4.001])
def test_the_cap_counts_from_the_moment_a_case_came(hours):
    cases = [a_case("normal", 60 * hours, NEGATIVE, 0.0), a_case("abnormal", 1, POSITIVE, 1.0)]
    first = names(arrange(cases, Stage.SUPERVISED, NOW))[0]
    assert first == ("normal" if hours > 4 else "abnormal")

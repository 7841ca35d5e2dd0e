"""The reading list: stages, bundles and certificates decide what may touch the order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.decision.certificate import upper_bound
from core.records.case_list import ListedCase
from core.records.case_status import QueueState
from core.records.cases import WorkItem
from core.records.deployment import Deployment, Stage
from core.service.review import autonomy_text
from core.service.review.order import Rank
from core.service.review.reading_list import ListEntry, is_hidden, reading_list, sites_of
from core.types import Certificate, Disposition, Finding, Policy, Reason, Targets
from domains.xray.worklist import notices, showing
from domains.xray.worklist.rules import RULES

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
NEGATIVE, POSITIVE, DEFER = Disposition.NEGATIVE, Disposition.POSITIVE, Disposition.DEFER
WORDS = {NEGATIVE: "NORMAL", POSITIVE: "ABNORMAL", DEFER: "READ"}


def a_case(
    name: str, p: float | None = 0.5, disposition=DEFER, *, minutes=30, bundle="b@1", policy="p1",
    findings=(), is_judged=True, images=1, **meta: str,
) -> ListedCase:  # fmt: skip
    queue_state = QueueState.NEGATIVE if disposition is NEGATIVE else QueueState.WAITING
    came = NOW - timedelta(minutes=minutes)
    item = WorkItem(name, "xray", name, came, queue_state, disposition, p, f"d-{name}", images, 0)
    headers = ({"institution": "North", **meta},)
    return ListedCase(item, bundle, "sha", policy, tuple(findings), is_judged, headers)


def a_release(stage: Stage, site="North", bundle="b@1", policy="p1") -> Deployment:
    return Deployment(
        1, "xray", site, bundle, "1" * 64, policy, stage, 0.02, "Grace", "", {}, "", NOW
    )


def at(stage: Stage, **given) -> dict[str, Deployment]:
    return {"North": a_release(stage, **given)}


def a_policy(
    *, certified: bool, k: int = 0, n: int = 60, alpha: float = 0.05, confidence: float = 0.95
) -> Policy:
    bound = upper_bound(k, n, confidence)
    escape = Certificate("escape", alpha, confidence, n, k, bound, certified, 0.2, 12, 0.05)
    overkill = Certificate("overkill", 0.05, 0.95, 60, 0, 0.049, True, 0.8, 0, 0.05)
    none = (0.0, 0.0, 1.0, 0)
    return Policy("b@1", Targets(), 0.2, 0.8, escape, overkill, none, none, 0.0)


def listing_of(cases, releases, *, certified=True, site=None):
    return reading_list(
        cases, releases, RULES, now=NOW, is_certified=lambda case: certified, site=site
    )


def names(lines) -> list[str]:
    return [line.case.item.case_id for line in lines]


CASES = [
    a_case("normal", 0.02, NEGATIVE, minutes=60),
    a_case("deferred", 0.5, minutes=50),
    a_case("abnormal", 0.9, POSITIVE, minutes=40),
    a_case("stat normal", 0.01, NEGATIVE, minutes=10, priority="STAT"),
]


@pytest.mark.parametrize("releases", [{}, at(Stage.SHADOW), at(Stage.SUPERVISED, site="South")])
def test_before_supervised_the_order_and_every_verdict_stay_out_of_sight(releases):
    releases = {one.product: one for one in releases.values()}
    found = listing_of(CASES, releases)
    assert names(found.to_read) == ["stat normal", "normal", "deferred", "abnormal"]
    assert all(line.is_hidden for line in found.to_read)
    assert (found.cleared, found.is_proposed) == ((), False)
    shown = showing.table(found.to_read, WORDS, NOW)
    assert not {"Verdict", "Probability"} & set(shown)
    text = " ".join(str(cell) for column in shown.values() for cell in column)
    assert not any(word in text for word in WORDS.values())


def test_supervised_shows_the_proposed_order_and_everybody_is_read():
    found = listing_of(CASES, at(Stage.SUPERVISED))
    assert names(found.to_read) == ["stat normal", "abnormal", "deferred", "normal"]
    assert (found.stages, found.is_proposed, found.cleared) == (
        {"North": Stage.SUPERVISED},
        True,
        (),
    )
    shown = showing.table(found.to_read, WORDS, NOW)
    assert shown["Verdict"] == ["NORMAL", "ABNORMAL", "READ", "NORMAL"]
    assert shown["Probability"] == [0.01, 0.9, 0.5, 0.02]
    assert shown["Why here"][0] == "STAT"


def test_automatic_lists_certified_negatives_apart_but_no_stat():
    found = listing_of(CASES, at(Stage.AUTOMATIC))
    assert names(found.cleared) == ["normal"]
    assert names(found.to_read) == ["stat normal", "abnormal", "deferred"]


@pytest.mark.parametrize(
    ("changed", "certified"),
    [({}, False), ({"policy": "p2"}, True), ({"bundle": "b@2"}, True)],
)
def test_without_a_certificate_of_the_released_policy_a_negative_is_read(changed, certified):
    case = a_case("normal", 0.02, NEGATIVE, **changed)
    found = listing_of([case], at(Stage.AUTOMATIC), certified=certified)
    assert (names(found.to_read), found.cleared) == (["normal"], ())


@pytest.mark.parametrize(
    "changed",
    [
        {"is_awaited": True},
        {"is_judged": False},
        {"makers": frozenset({("b@1", "p1"), ("b@2", "p1")})},
        {"makers": frozenset({("b@1", "p1"), ("b@1", "p2")})},
    ],
)
def test_a_negative_case_is_read_while_anything_of_it_is_not_judged_by_what_is_released(changed):
    case = a_case("normal", 0.02, NEGATIVE, images=2)
    whole = replace(case, makers=frozenset({("b@1", "p1")}))
    assert names(listing_of([whole], at(Stage.AUTOMATIC)).cleared) == ["normal"]
    found = listing_of([replace(case, **changed)], at(Stage.AUTOMATIC))
    assert (names(found.to_read), found.cleared) == (["normal"], ())


def test_a_case_of_a_bundle_that_is_not_released_is_placed_as_if_it_had_no_verdict():
    other = a_case("other", 0.99, POSITIVE, minutes=45, bundle="b@2")
    found = listing_of([*CASES[:2], other, CASES[2]], at(Stage.SUPERVISED))
    assert names(found.to_read) == ["abnormal", "deferred", "other", "normal"]
    assert [line.is_hidden for line in found.to_read] == [False, False, True, False]


def test_a_case_drawn_for_the_audit_is_placed_as_if_it_had_no_verdict():
    drawn = a_case("drawn", 0.01, NEGATIVE, findings=[Finding(Reason.AUDIT, "")])
    found = listing_of([drawn, *CASES[1:2]], at(Stage.AUTOMATIC))
    assert names(found.to_read) == ["deferred", "drawn"] or names(found.to_read) == [
        "drawn",
        "deferred",
    ]
    assert found.cleared == ()
    shown = showing.table(found.to_read, WORDS, NOW)
    place = names(found.to_read).index("drawn")
    assert (shown["Verdict"][place], shown["Probability"][place], shown["Why here"][place]) == (
        "", None, "",
    )  # fmt: skip


def test_each_case_is_ruled_by_the_stage_of_its_own_site():
    south = [
        a_case("south normal", 0.01, NEGATIVE, minutes=55, institution="South"),
        a_case("south abnormal", 0.99, POSITIVE, minutes=1, institution="South"),
    ]
    releases = {**at(Stage.AUTOMATIC), "South": a_release(Stage.SHADOW, site="South")}
    both = listing_of([*CASES, *south], releases)
    assert both.stages == {"North": Stage.AUTOMATIC, "South": Stage.SHADOW}
    assert names(both.to_read) == [
        "stat normal", "abnormal", "south normal", "deferred", "south abnormal",
    ]  # fmt: skip
    assert names(both.cleared) == ["normal"]
    assert {line.case.item.case_id for line in both.to_read if line.is_hidden} == {
        "south normal", "south abnormal",
    }  # fmt: skip
    shown = showing.table(both.to_read, WORDS, NOW)
    assert shown["Verdict"] == ["NORMAL", "ABNORMAL", "", "READ", ""]
    assert shown["Probability"] == [0.01, 0.9, None, 0.5, None]
    assert autonomy_text.stage_lines(both.stages) == [
        f"South: {autonomy_text.stage_text(Stage.SHADOW)}",
        f"North: {autonomy_text.stage_text(Stage.AUTOMATIC)}",
    ]
    assert "stand among those not judged" in showing.order_text(both)


def test_a_site_is_listed_alone_as_among_others():
    south = a_case("south", 0.99, POSITIVE, minutes=1, institution="South")
    releases = {**at(Stage.AUTOMATIC), "South": a_release(Stage.SHADOW, site="South")}
    north = listing_of([*CASES, south], releases, site="North")
    assert (names(north.cleared), north.stages) == (["normal"], {"North": Stage.AUTOMATIC})
    alone = listing_of([*CASES, south], releases, site="South")
    assert (names(alone.to_read), alone.is_proposed, alone.to_read[0].is_hidden) == (
        ["south"],
        False,
        True,
    )
    assert sites_of([*CASES, south], RULES) == ["North", "South"]
    assert listing_of([], releases).stages == {}
    assert autonomy_text.stage_lines({}) == [autonomy_text.stage_text(Stage.AUDIT)]


TWO = (
    {"institution": "North", "patient_name": "DOE^JANE", "patient_id": "7"},
    {"institution": "North", "patient_name": "ROE^ANN", "patient_id": "8"},
)


def test_a_study_that_names_two_patients_is_never_cleared_and_comes_behind_the_urgent():
    contradictory = replace(a_case("two", 0.01, NEGATIVE, minutes=20), headers=TWO)
    found = listing_of([*CASES, contradictory], at(Stage.AUTOMATIC))
    assert (names(found.to_read)[:3], names(found.cleared)) == (
        ["stat normal", "two", "abnormal"], ["normal"],
    )  # fmt: skip
    line = found.to_read[1]
    assert (line.contradictions, line.is_hidden, line.rank) == (
        ("number", "name"),
        True,
        Rank.CONTRADICTORY,
    )
    shown = showing.table(found.to_read, WORDS, NOW)
    assert shown["Patient"][1] == "DOE JANE / ROE ANN"
    assert notices.contradiction_lines(found) == [
        "One study, different patients (number, name): DOE JANE · 7 / ROE ANN · 8"
    ]
    assert (shown["Verdict"][1], shown["Probability"][1]) == ("", None)
    assert shown["Why here"][1] == "names different patients: number, name"
    unreleased = listing_of([*CASES, contradictory], {})
    assert names(unreleased.to_read) == [
        "stat normal",
        "normal",
        "deferred",
        "abnormal",
        "two",
    ]
    assert unreleased.to_read[-1].contradictions == ("number", "name")
    alone = listing_of([contradictory], at(Stage.SUPERVISED))
    assert (alone.is_proposed, alone.to_read[0].rank, alone.to_read[0].is_hidden) == (
        True,
        Rank.CONTRADICTORY,
        True,
    )
    unjudged = replace(contradictory, is_judged=False)
    assert names(listing_of([*CASES, unjudged], at(Stage.AUTOMATIC)).to_read) == names(
        found.to_read
    )


def test_an_old_study_is_no_new_work_at_any_stage_unless_it_is_stat():
    old = [
        a_case("prior", 0.9, POSITIVE, study_date="20191121"),
        a_case("stat prior", 0.9, POSITIVE, study_date="20191121", priority="STAT"),
        a_case("undated", 0.9, POSITIVE, study_date="yesterday", study_uid="1.2"),
    ]
    for releases in ({}, at(Stage.SUPERVISED), at(Stage.AUTOMATIC)):
        found = listing_of([*CASES, *old], releases)
        assert names(found.old) == ["prior"]
        assert {"stat prior", "undated"} <= set(names(found.to_read))
        assert len(found.to_read) + len(found.cleared) == 6
        undated = next(line for line in found.to_read if line.case.item.case_id == "undated")
        assert "no study date" in showing.rank_text(undated)
    assert notices.old_text(found.old).startswith("1 study was over 365 days old")


def test_an_image_without_a_verdict_makes_all_come_in_turn_and_the_page_says_so():
    waiting = a_case("waiting", None, is_judged=False, minutes=5)
    found = listing_of([*CASES[:3], waiting], at(Stage.AUTOMATIC))
    assert names(found.to_read) == ["normal", "deferred", "abnormal", "waiting"]
    assert "no verdict yet" in showing.order_text(found)


def test_a_site_without_a_name_has_a_stage_of_its_own():
    assert is_hidden((), "b@1", at(Stage.AUTOMATIC), RULES)
    assert not is_hidden((), "b@1", {"": a_release(Stage.SUPERVISED, "")}, RULES)


def test_whoever_waits_too_long_is_marked():
    late = a_case("late", 0.02, NEGATIVE, minutes=300)
    found = listing_of([late, *CASES[1:3]], at(Stage.SUPERVISED))
    assert names(found.to_read)[0] == "late"
    assert showing.rank_text(found.to_read[0]) == "waits over 4 h"


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(-5, "0 min"), (0.9, "0 min"), (59.9, "59 min"), (65, "1 h 05"), (2879, "47 h 59"),
     (3060, "2 d 03 h")],
)  # fmt: skip
def test_waiting_is_said_in_hours_and_minutes(minutes, words):
    assert showing.waiting_text(timedelta(minutes=minutes)) == words


def test_a_finding_is_said_with_its_check():
    line = ListEntry(
        a_case("x", findings=[Finding(Reason.WRONG_INPUT, "ViewPosition LL", "lateral")]),
        Rank.DEFERRED,
        is_hidden=False,
    )
    assert showing.rank_text(line) == "not the picture it judges (lateral)"
    assert showing.rank_text(ListEntry(line.case, line.rank, is_hidden=True)) == ""


def test_patient_and_study_are_said_as_the_files_say_them():
    headers = (
        {"patient_id": "7", "study_date": "20260102", "study_time": "1405"},
        {"patient_id": "7", "patient_name": "DOE^JANE", "patient_sex": "F", "accession": "A1"},
    )
    assert showing.patient_text(headers) == "DOE JANE · 7 · F"
    assert showing.study_text(headers) == "2026-01-02 14:05 · A1"
    assert showing.date_text_of(({"study_date": "<b>"},)) == "<b>"

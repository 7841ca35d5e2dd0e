"""Stages of autonomy: what reads and certificates allow a release."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from core.records.deployment import Deployment, Stage
from core.records.picture_origins import IN_BUNDLE
from core.records.read_list import Read
from core.service.review import autonomy, autonomy_text
from core.service.review.autonomy import blocking_reason
from core.service.review.read_evidence import evidence_of, figures_of
from domains.xray import pack
from domains.xray.worklist.rules import RULES
from tests.domains.xray.test_reading_list import (
    DEFER,
    NEGATIVE,
    NOW,
    POSITIVE,
    TWO,
    a_policy,
    a_release,
)


def a_read(number: int, verdict, first, last=None, *, patient="", at=NOW, **given) -> Read:
    text = {"bundle": "b@1", "policy_id": "p1", "at": at, **given}
    headers = ({"institution": "North", "patient_id": patient},)
    return Read(
        f"c{number}", verdict=verdict, first=first, last=last or first, headers=headers, **text
    )


READS = [
    a_read(1, NEGATIVE, NEGATIVE),
    a_read(2, NEGATIVE, POSITIVE, NEGATIVE),
    a_read(3, POSITIVE, POSITIVE),
    a_read(4, POSITIVE, NEGATIVE),
    a_read(5, DEFER, POSITIVE),
    a_read(6, None, POSITIVE),
    a_read(7, POSITIVE, NEGATIVE, bundle="b@2"),
    a_read(8, POSITIVE, NEGATIVE, policy_id="p2"),
]


def test_evidence_compares_first_answers_and_overrides_compare_last_ones():
    found = evidence_of(READS, RULES, "b@1", "p1")
    counted = {
        name: (share.k, share.n)
        for name, share in (
            ("deferred", found.deferred), ("agreement", found.agreement),
            ("missed", found.escape), ("alarm", found.overkill),
            ("overridden", found.overridden),
        )
    }  # fmt: skip
    assert found.reads == 5
    assert counted == {
        "deferred": (1, 5), "agreement": (2, 4), "missed": (1, 3), "alarm": (1, 2),
        "overridden": (1, 4),
    }  # fmt: skip
    assert evidence_of(READS, RULES, "b@1", "p1", "South").reads == 0


def test_copies_are_one_group_and_one_read_and_known_pictures_are_none():
    since = NOW - timedelta(days=1)
    rows = [(NEGATIVE, "a"), (POSITIVE, "b"), (POSITIVE, "c")] + [(NEGATIVE, "a")] * 40
    reads = [
        a_read(i, verdict, POSITIVE, patient=f"p{i}", origins=frozenset({origin}))
        for i, (verdict, origin) in enumerate(rows)
    ]
    known = [
        a_read(100 + i, NEGATIVE, POSITIVE, patient=f"k{i}", origins=frozenset({IN_BUNDLE}))
        for i in range(40)
    ]
    found = evidence_of([*reads, *known], RULES, "b@1", "p1", None, since)
    assert (found.positive_groups, found.escaped_groups, found.supervised) == (3, 1, 3)
    apart = [replace(read, origins=frozenset()) for read in reads]
    alone = evidence_of(apart, RULES, "b@1", "p1", None, since)
    assert (alone.positive_groups, alone.escaped_groups, alone.supervised) == (43, 41, 43)
    assert found.escape.high - found.escape.low > alone.escape.high - alone.escape.low


def test_one_patients_cases_join_those_of_another_through_a_copy():
    reads = [
        a_read(1, NEGATIVE, POSITIVE, patient="p1", origins=frozenset({"a"})),
        a_read(2, NEGATIVE, POSITIVE, patient="p1", origins=frozenset({"b"})),
        a_read(3, NEGATIVE, POSITIVE, patient="p2", origins=frozenset({"b"})),
    ]
    assert evidence_of(reads, RULES, "b@1", "p1").positive_groups == 1


def test_the_intervals_are_clopper_and_pearsons_and_widen_where_one_patient_comes_often():
    from scipy.stats import binomtest

    verdicts = [POSITIVE, NEGATIVE, POSITIVE, POSITIVE] * 5
    alone = [a_read(i, verdict, POSITIVE) for i, verdict in enumerate(verdicts)]
    exact = binomtest(15, 20).proportion_ci(method="exact")
    share = evidence_of(alone, RULES, "b@1", "p1").agreement
    assert (share.low, share.high) == pytest.approx((exact.low, exact.high), abs=1e-9)
    often = [
        a_read(i, verdict, POSITIVE, patient=f"p{verdict}{i % 2}")
        for i, verdict in enumerate(verdicts)
    ]
    wider = evidence_of(often, RULES, "b@1", "p1").agreement
    assert wider.low < share.low < share.high < wider.high


def test_a_read_of_a_study_that_names_two_patients_is_no_evidence():
    two = replace(a_read(9, NEGATIVE, POSITIVE), headers=TWO)
    assert evidence_of([*READS, two], RULES, "b@1", "p1") == evidence_of(READS, RULES, "b@1", "p1")


def test_evidence_is_kept_and_shown_with_its_counts():
    found = evidence_of(READS, RULES, "b@1", "p1")
    kept = figures_of(found, a_policy(certified=True))
    assert (kept["reads"], kept["escape_k"], kept["escape_n"]) == (5, 1, 3)
    assert kept["escape_certified"] is True
    assert figures_of(found, None)["escape_certified"] is False
    rows = autonomy_text.evidence_rows(pack, found)
    assert ("Missed abnormal (of what readers called abnormal)", "1 of 3", "33.3 %") in [
        row[:3] for row in rows
    ]
    assert "25 % (1 of 4; 95 % interval" in autonomy_text.override_text(found)


def reads_of(abnormal: int, missed: int, normal: int = 0, deferred: int = 0) -> list[Read]:
    """Reads of so many patients, a day after the release that starts the count."""
    verdicts = [NEGATIVE] * missed + [POSITIVE] * (abnormal - missed) + [DEFER] * deferred
    ill = [a_read(n, verdict, POSITIVE, patient=f"p{n}") for n, verdict in enumerate(verdicts)]
    well = [a_read(n, NEGATIVE, NEGATIVE, patient=f"n{n}") for n in range(normal)]
    return [*ill, *well]


@pytest.mark.parametrize(
    ("reads", "more_reads", "more_patients"),
    [
        (reads_of(2, 1, normal=1), 97, 44),  # what was released automatic by a typed name
        (reads_of(30, 0, normal=69), 1, 0),
        (reads_of(30, 0, normal=70), 0, 0),
        (reads_of(29, 0, normal=71), 0, 1),
        (reads_of(30, 1, normal=70), 0, 16),
        (reads_of(46, 1, normal=54), 0, 0),
        (reads_of(0, 0, normal=200), 0, 30),
        (reads_of(20, 0, normal=70, deferred=10), 0, 10),
    ],
)
def test_automatic_needs_reads_of_its_own_and_an_exact_bound_on_the_patients_missed(
    reads, more_reads, more_patients
):
    from scipy.stats import binomtest

    found = evidence_of(reads, RULES, "b@1", "p1", "North", NOW - timedelta(days=1))
    text = autonomy.missing_evidence(pack, Stage.AUTOMATIC, found)
    assert (f": {more_reads} more." in text) == bool(more_reads)
    assert (f": {more_patients} more without a miss." in text) == bool(more_patients)
    assert bool(text) == bool(more_reads or more_patients)
    assert all(not autonomy.missing_evidence(pack, one, found) for one in list(Stage)[:3])
    if not text:
        exact = (
            binomtest(found.escaped_groups, found.positive_groups).proportion_ci(0.9, "exact").high
        )
        assert (exact <= 0.1, found.supervised >= 100) == (True, True)
        assert any("at most" in row[3] for row in autonomy_text.evidence_rows(pack, found))


def test_what_counts_before_automatic_are_reads_since_supervised_and_patients():
    reads = [
        *reads_of(30, 0, normal=70),
        a_read(200, NEGATIVE, NEGATIVE, POSITIVE, patient="turned"),
        a_read(201, NEGATIVE, POSITIVE, patient="p1"),
    ]
    early = [replace(one, at=NOW - timedelta(days=9)) for one in reads[:50]]
    found = evidence_of([*early, *reads[50:]], RULES, "b@1", "p1", "North", NOW - timedelta(days=1))
    assert (found.reads, found.supervised) == (102, 52)
    # Another answer after the verdict was seen counts as a miss, and a patient counts once.
    assert (found.positive_groups, found.escaped_groups) == (31, 2)
    assert evidence_of(reads, RULES, "b@1", "p1", "North").supervised == 0
    kept = figures_of(found, None)
    assert (kept["supervised_reads"], kept["positive_groups"], kept["escaped_groups"]) == (
        52, 31, 2,
    )  # fmt: skip


def test_supervised_counts_from_the_release_that_stands_for_this_bundle_and_policy():
    def released(*stages, **given) -> list[Deployment]:
        return [
            replace(a_release(stage, **given), deployed_at=NOW + timedelta(days=day))
            for day, stage in enumerate(stages)
        ][::-1]

    audit, shadow, supervised, automatic = Stage
    since = autonomy.supervised_since
    up = released(shadow, supervised, supervised, automatic)
    assert since(up, "b@1", "p1") == NOW + timedelta(days=1)
    down = released(shadow, supervised, audit, shadow, supervised)
    assert since(down, "b@1", "p1") == NOW + timedelta(days=4)
    assert since(released(shadow, supervised, shadow), "b@1", "p1") is None
    assert since(up, "b@1", "p2") is None
    assert since([], "b@1", "p1") is None


def test_automatic_needs_a_certificate_and_no_other_stage_does():
    for stage in Stage:
        blocked = stage is Stage.AUTOMATIC
        assert bool(blocking_reason(pack, stage, None)) == blocked
        assert bool(blocking_reason(pack, stage, a_policy(certified=False))) == blocked
        assert blocking_reason(pack, stage, a_policy(certified=True)) == ""
    assert "12 more" in blocking_reason(pack, Stage.AUTOMATIC, a_policy(certified=False))


@pytest.mark.parametrize(
    ("k", "n", "alpha", "confidence", "more"),
    [
        (0, 2, 0.777, 0.95, 28),  # what a review budget gave two abnormal patients
        (0, 29, 0.1, 0.95, 1),
        (0, 30, 0.1, 0.95, 0),
        (2, 60, 0.2, 0.95, 1),
        (2, 61, 0.2, 0.95, 0),
        (1, 40, 0.1, 0.2, 6),
    ],
)
def test_automatic_holds_the_bound_against_the_ceiling_and_not_its_mere_existence(
    k, n, alpha, confidence, more
):
    policy = a_policy(certified=True, k=k, n=n, alpha=alpha, confidence=confidence)
    assert policy.escape.bound <= alpha
    text = blocking_reason(pack, Stage.AUTOMATIC, policy)
    assert bool(text) == bool(more)
    assert not more or f"needs {more} more without a miss" in text

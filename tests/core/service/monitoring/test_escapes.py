"""Which reads the escape test counts: one of each origin, and none of a picture that is known."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from core.records.picture_origins import IN_BUNDLE
from core.records.values import stamp
from core.records.watched_reads import WatchedRead
from core.service.monitoring.signals import PATIENCE, measure_escapes
from core.types import Disposition

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
LONG_AGO = stamp(NOW - timedelta(days=1))


def a_read(seq, verdict, *origins, at=LONG_AGO, answer=Disposition.POSITIVE):
    return WatchedRead(
        seq, f"d{seq}", verdict, 0.1, verdict is Disposition.NEGATIVE, frozenset(), answer, at,
        frozenset(origins),
    )  # fmt: skip


def passed(seq, *origins, **given):
    return a_read(seq, Disposition.NEGATIVE, *origins, **given)


def called(seq, *origins, **given):
    return a_read(seq, Disposition.POSITIVE, *origins, **given)


def counted(reads, alpha=0.05):
    found = measure_escapes(reads, alpha, 0.1, NOW)
    return found.estimate.escapes, found.estimate.found


def test_copies_count_once_whether_they_passed_or_were_called_out():
    alone = [called(1, "a"), called(2, "b"), passed(3, "c")]
    copies = [passed(4 + at, "c") for at in range(90)] + [called(100 + at, "a") for at in range(90)]
    assert counted([*alone, *copies]) == counted(alone) == (1, 3)
    few, many = (measure_escapes(some, 0.05, 0.1, NOW) for some in (alone, [*alone, *copies]))
    assert few == many


def test_cases_join_through_a_picture_that_they_share_with_a_third():
    assert counted([passed(1, "a"), passed(2, "b"), called(3, "a", "b")]) == (1, 1)


def test_of_an_origin_the_case_that_was_decided_first_counts():
    assert counted([called(1, "a"), passed(2, "a")]) == (0, 1)
    assert counted([passed(1, "a"), called(2, "a")]) == (1, 1)


def test_a_first_one_that_says_nothing_is_no_stand_in_for_a_copy_that_does():
    opened = replace(passed(1, "a"), is_drawn=False)
    refused = replace(passed(2, "a"), answer=Disposition.NEGATIVE)
    assert counted([opened, refused, passed(3, "a")]) == (1, 1)


def test_copies_of_pictures_that_the_bundle_was_made_of_do_not_count():
    assert counted([passed(1, IN_BUNDLE), called(2, IN_BUNDLE), called(3, "a")]) == (0, 1)


def test_a_read_waits_for_its_comparison_but_not_for_ever():
    fresh = passed(1, at=stamp(NOW - PATIENCE / 2))
    assert counted([fresh, called(2, "a")]) == (0, 1)
    late = replace(fresh, at=stamp(NOW - PATIENCE))
    assert counted([late, called(2, "a")]) == (1, 2)


def test_two_cases_of_equal_bytes_count_once_before_anything_was_compared():
    twice = replace(passed(2), decision_id="d1")
    assert counted([passed(1), twice, passed(3)]) == (2, 2)

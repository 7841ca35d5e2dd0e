"""Figures of stretches of time, counted by hand."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta

import pytest
from scipy.stats import binomtest

from core.records.over_time import AnsweredCase, HourOfCases
from core.service.quality.periods import (
    WorkHistory,
    changes_of,
    figures_of,
    this_week_and_last,
)
from core.types import Disposition

NEGATIVE, POSITIVE, DEFER = Disposition.NEGATIVE, Disposition.POSITIVE, Disposition.DEFER
MONDAY = datetime(2026, 6, 15, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def zone(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def came(verdict, count, at=MONDAY, product=""):
    return {HourOfCases(at, product, verdict): count}


def answer(verdict, given, *, drawn=False, by="Ada", at=MONDAY, product="", sites=("",), of=""):
    return AnsweredCase("c", product, sites, by, at, given, verdict, drawn, of)


def test_the_rates_are_of_what_they_say():
    found = figures_of(
        came(NEGATIVE, 70) | came(DEFER, 20) | came(POSITIVE, 10),
        [
            answer(NEGATIVE, POSITIVE, drawn=True),  # an escape that the draw found
            answer(NEGATIVE, NEGATIVE, drawn=True),
            answer(NEGATIVE, POSITIVE),  # opened by chance: an override, no drawn escape
            answer(POSITIVE, NEGATIVE),
            answer(POSITIVE, POSITIVE),
            answer(POSITIVE, DEFER),  # cannot judge: neither for nor against
            answer(DEFER, POSITIVE),
            answer(None, POSITIVE),
        ],
    )
    assert found.cases == 100
    assert found.verdicts == {NEGATIVE: 70, DEFER: 20, POSITIVE: 10}
    assert (found.deferred.k, found.deferred.n) == (20, 100)
    assert (found.overridden.k, found.overridden.n) == (3, 5)
    assert (found.escaped.k, found.escaped.n) == (1, 2)
    exact = binomtest(20, 100).proportion_ci(method="exact")
    assert (found.deferred.low, found.deferred.high) == pytest.approx((exact.low, exact.high))


def test_nothing_counted_is_no_rate():
    found = figures_of({}, [])
    assert [found.deferred.n, found.overridden.n, found.escaped.n] == [0, 0, 0]
    assert not changes_of(found, found).deferred.is_shown


def test_a_change_is_between_two_weeks_of_equal_length():
    start, middle, end = this_week_and_last(MONDAY + timedelta(minutes=20))
    assert end - middle == middle - start == timedelta(days=7)
    assert middle <= MONDAY < end
    history = WorkHistory(
        came(DEFER, 30, MONDAY)
        | came(NEGATIVE, 70, MONDAY)
        | came(DEFER, 10, MONDAY - timedelta(days=8))
        | came(NEGATIVE, 90, MONDAY - timedelta(days=8))
        | came(DEFER, 99, MONDAY - timedelta(days=15)),
        [],
    )
    later, earlier = history.between(middle, end), history.between(start, middle)
    moved = changes_of(*(figures_of(one.cases, one.answers) for one in (later, earlier)))
    assert moved.deferred.value == pytest.approx(0.2)
    assert moved.deferred.is_shown


def test_days_without_anything_are_part_of_the_axis():
    history = WorkHistory(
        came(NEGATIVE, 5, MONDAY),
        [answer(NEGATIVE, NEGATIVE, at=MONDAY + timedelta(days=3))],
    )
    days = history.by_day()
    assert list(days) == [date(2026, 6, 15) + timedelta(days=n) for n in range(4)]
    assert figures_of(days[date(2026, 6, 15)].cases, []).cases == 5
    assert [len(one.answers) for one in days.values()] == [0, 0, 0, 1]


def test_weeks_begin_on_a_monday():
    history = WorkHistory(
        came(NEGATIVE, 5, MONDAY - timedelta(days=1)) | came(NEGATIVE, 7, MONDAY), []
    )
    assert {day: figures_of(one.cases, []).cases for day, one in history.by_day(7).items()} == {
        date(2026, 6, 8): 5,
        date(2026, 6, 15): 7,
    }


def test_products_sites_and_people_are_taken_apart():
    history = WorkHistory(
        came(NEGATIVE, 5, product="left") | came(DEFER, 3, product="right"),
        [
            answer(DEFER, NEGATIVE, by="Ben", product="left", sites=("north", "south")),
            answer(DEFER, NEGATIVE, by="Ada", product="right", sites=("south",)),
            answer(DEFER, NEGATIVE, by="Ada", product="right", sites=("",)),
        ],
    )
    assert history.products == ["left", "right"]
    assert sum(history.of_product("right").cases.values()) == 3
    assert len(history.of_product("right").answers) == 2
    assert history.sites == ["", "north", "south"]
    assert len(history.of_site("south").answers) == 2
    assert {name: len(mine) for name, mine in history.by_reviewer().items()} == {"Ada": 2, "Ben": 1}
    assert list(history.by_reviewer()) == ["Ada", "Ben"]


def test_no_share_of_verdicts_counts_tiles_of_larger_pictures():
    tiles = {HourOfCases(MONDAY, "", DEFER, field): 30 for field in ("a", "b")}
    found = figures_of(came(NEGATIVE, 70) | came(DEFER, 20) | tiles, [])
    assert (found.deferred.k, found.deferred.n) == (20, 90)
    assert found.verdicts == {NEGATIVE: 70, DEFER: 20, POSITIVE: 0}
    assert (found.tiles, found.larger) == ({NEGATIVE: 0, DEFER: 60, POSITIVE: 0}, 2)


def test_answers_on_tiles_of_one_picture_are_one_group():
    # Two fields, one all wrong and one all right, tell as much as two pictures, not as forty.
    answers = [answer(POSITIVE, NEGATIVE, of="a")] * 20 + [answer(POSITIVE, POSITIVE, of="b")] * 20
    found = figures_of({}, answers).overridden
    alone = binomtest(1, 2).proportion_ci(method="exact")
    assert (found.k, found.n) == (20, 40)
    assert found.low <= alone.low + 1e-9
    assert found.high >= alone.high - 1e-9
    one_field = figures_of({}, answers[:20]).overridden
    assert (one_field.low, one_field.high) == (0.0, 1.0)

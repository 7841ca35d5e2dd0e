"""What came and was answered over time, on every engine."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import event

from core.records import reviews
from core.records.over_time import HourOfCases, answered_since, count_cases
from core.records.store import new_decision, record
from core.records.worklist import next_case
from core.types import Disposition, Finding, Reason, Tile

NOW = datetime(2026, 6, 15, 12, 30, tzinfo=UTC)
HOUR = NOW.replace(minute=0)


def add(store, assessment, content, hours, *, drawn=False, **given):
    new = new_decision(assessment(content, **given), pack="parts", name="a.png")
    if drawn:
        new = replace(new, decision=replace(new.decision, findings=(Finding(Reason.AUDIT, ""),)))
    record(store, [new], at=NOW - timedelta(hours=hours))
    return new.case_id


def test_cases_are_counted_by_hour_and_verdict(store, assessment):
    add(store, assessment, b"1", 0, p=0.1)
    add(store, assessment, b"2", 0, p=0.1)
    add(store, assessment, b"3", 0, p=0.5)
    add(store, assessment, b"4", 5, p=0.9)
    add(store, assessment, b"5", 50, p=0.9)
    assert count_cases(store, "parts", NOW - timedelta(hours=24)) == {
        HourOfCases(HOUR, "", Disposition.NEGATIVE): 2,
        HourOfCases(HOUR, "", Disposition.DEFER): 1,
        HourOfCases(HOUR - timedelta(hours=5), "", Disposition.POSITIVE): 1,
    }
    assert count_cases(store, "xray", NOW - timedelta(hours=24)) == {}


def test_the_pictures_of_a_case_are_counted_as_one(store, assessment):
    add(store, assessment, b"1", 1, p=0.1, group="part 1")
    add(store, assessment, b"2", 0, p=0.9, group="part 1")
    assert count_cases(store, "parts", NOW - timedelta(hours=24)) == {
        HourOfCases(HOUR - timedelta(hours=1), "", Disposition.POSITIVE): 1
    }


def test_tiles_are_counted_apart_and_their_answers_name_the_larger_picture(store, assessment):
    field = "f1e1d" * 12
    for number in range(2):
        made = replace(assessment(b"%d" % number, p=0.5), tile=Tile(field, number, 0))
        record(store, [new_decision(made, pack="parts", name="a.png")], at=NOW)
    add(store, assessment, b"whole", 0, p=0.5)

    assert count_cases(store, "parts", NOW - timedelta(hours=24)) == {
        HourOfCases(HOUR, "", Disposition.DEFER): 1,
        HourOfCases(HOUR, "", Disposition.DEFER, field): 2,
    }
    while item := next_case(store, "parts"):
        reviews.review(store, item, Disposition.NEGATIVE, reviewer="Ada", at=NOW)
    found = answered_since(store, "parts", NOW - timedelta(hours=2))
    assert sorted(one.tile_of for one in found) == ["", field, field]


def test_answers_that_stand_come_with_the_verdict_they_were_given_on(store, assessment):
    called = add(store, assessment, b"1", 3, p=0.9)
    drawn = add(store, assessment, b"2", 2, p=0.1, drawn=True)
    for answer, by, minutes in (
        (Disposition.NEGATIVE, "Ada", 60),
        (Disposition.POSITIVE, "Ben", 30),
    ):
        item = next_case(store, "parts")
        at = NOW - timedelta(minutes=minutes)
        reviews.review(store, item, answer, reviewer=by, at=at)
    newest, oldest = answered_since(store, "parts", NOW - timedelta(hours=2))
    assert (oldest.case_id, oldest.reviewer, oldest.is_drawn) == (called, "Ada", False)
    assert (oldest.verdict, oldest.answer) == (Disposition.POSITIVE, Disposition.NEGATIVE)
    assert oldest.is_override
    assert (newest.case_id, newest.is_drawn, newest.at) == (
        drawn,
        True,
        NOW - timedelta(minutes=30),
    )
    assert [one.case_id for one in answered_since(store, "parts", NOW - timedelta(minutes=45))] == [
        drawn
    ]
    assert answered_since(store, "parts", NOW - timedelta(hours=2), most=1) == [newest]
    reviews.undo(store, drawn, 1, reviewer="Ben")
    assert answered_since(store, "parts", NOW - timedelta(hours=2)) == [oldest]


def test_an_answer_keeps_the_verdict_it_was_given_on_when_the_case_is_judged_again(
    store, assessment
):
    again = add(store, assessment, b"1", 5, p=0.9)
    drawn = add(store, assessment, b"2", 4, p=0.1, drawn=True)
    pair = add(store, assessment, b"3", 3, p=0.5, group="part 1")
    add(store, assessment, b"4", 3, p=0.9, group="part 1")
    for _ in range(3):
        item = next_case(store, "parts")
        reviews.review(store, item, Disposition.NEGATIVE, reviewer="Ada", at=NOW)
    add(store, assessment, b"1", 1, p=0.5, policy="policy-2")
    add(store, assessment, b"2", 1, p=0.9, policy="policy-2")

    found = {one.case_id: one for one in answered_since(store, "parts", NOW - timedelta(hours=9))}

    assert {case: (one.verdict, one.is_drawn) for case, one in found.items()} == {
        again: (Disposition.POSITIVE, False),
        drawn: (Disposition.NEGATIVE, True),
        pair: (Disposition.POSITIVE, False),
    }


def test_a_case_that_two_people_read_counts_once_they_came_to_an_answer(store, assessment, execute):
    case = add(store, assessment, b"1", 3, p=0.9)
    item = next_case(store, "parts")
    reviews.review(store, item, Disposition.POSITIVE, reviewer="Ada", at=NOW)
    execute(
        store,
        "INSERT INTO read_status (case_id, pack, product, state, since, first_reader, "
        "second_reader, disposition, label) VALUES (:case, 'parts', '', 'disputed', '', 'Ada', "
        "'Ben', '', '')",
        case=case,
    )
    since = NOW - timedelta(hours=2)
    assert answered_since(store, "parts", since) == []
    execute(store, "UPDATE read_status SET state = 'adjudicated', disposition = 'negative'")
    (found,) = answered_since(store, "parts", since)
    assert found.answer is Disposition.NEGATIVE
    assert found.is_override


def test_answers_are_found_by_their_time_and_not_by_walking_every_case(sqlite_store):
    asked = []
    event.listen(
        sqlite_store.engine,
        "before_cursor_execute",
        lambda _, __, statement, values, *___: asked.append((statement, values)),
    )
    answered_since(sqlite_store, "parts", NOW)
    count_cases(sqlite_store, "parts", NOW)
    plans = []
    with sqlite_store.engine.connect() as connection:
        for statement, values in [one for one in asked if one[0].startswith("SELECT")]:
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
            plans.append([row[3] for row in rows])
    answers, cases = plans
    assert "USING COVERING INDEX ix_case_status_answers (pack=? AND answer_at>?)" in answers[0]
    assert not any("TEMP B-TREE" in step for step in answers)
    assert "USING COVERING INDEX ix_case_status_time (pack=? AND opened_at>?)" in cases[0]

"""What is new work, and which studies are earlier ones of the same person."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from core.records.case_list import ListedCase
from core.records.case_status import QueueState
from core.records.cases import WorkItem
from core.types import Disposition
from domains.xray.worklist.history import (
    NEWER,
    OLDEST_DAYS,
    OTHER_PERSON,
    UNDATED,
    earlier_studies,
    is_old,
    moment_of,
)

CAME = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
JOHN = {"patient_id": "7", "patient_name": "DOE^JOHN", "patient_birth_date": "19610203"}


def taken(days_ago: int) -> str:
    return f"{CAME.astimezone().date() - timedelta(days=days_ago):%Y%m%d}"


def a_study(name: str, day: str, time: str = "", **tags: str) -> ListedCase:
    item = WorkItem(name, "xray", name, CAME, QueueState.WAITING, Disposition.DEFER, 0.5, "", 1, 0)
    header = {**JOHN, "study_date": day, "study_time": time, **tags}
    return ListedCase(item, "b@1", "sha", "p1", (), True, ({k: v for k, v in header.items() if v},))


@pytest.mark.parametrize(
    ("days_ago", "oldest_days", "old"),
    [
        (0, "", False), (OLDEST_DAYS, "", False), (OLDEST_DAYS + 1, "", True), (-30, "", False),
        (31, "30", True), (30, "30", False), (9999, "0", False), (400, "many", True),
    ],
)  # fmt: skip
def test_a_study_is_old_by_its_age_when_it_came_and_by_what_its_site_says(
    days_ago, oldest_days, old
):
    assert is_old(({"study_date": taken(days_ago), "oldest_days": oldest_days},), CAME) is old


@pytest.mark.parametrize("day", ["", "yesterday", "20260230", "2019", "٢٠١٩٠١٠١"])
def test_a_study_without_a_day_is_new(day):
    assert moment_of(({"study_date": day},)) is None
    assert not is_old(({"study_date": day},), CAME)


def test_the_newest_picture_of_a_study_says_when_it_was_made():
    pictures = (
        {"study_date": "2019.03.04", "study_time": "1015"},
        {"study_date": "20190304", "study_time": "111213.5"},
        {},
    )
    assert moment_of(pictures) == (date(2019, 3, 4), "111213")
    assert moment_of(({"study_date": "20190304", "study_time": "noon"},)) == (date(2019, 3, 4), "")


def test_earlier_studies_are_older_ones_of_the_same_person_by_study_date_and_not_by_arrival():
    others = [
        a_study("of 2018", "20180304"),
        a_study("of 2020", "20200304"),
        a_study("that morning", "20261120", "080000"),
        a_study("that evening", "20261120", "200000"),
        a_study("that day", "20261120"),
        a_study("tomorrow", "20261122"),
        a_study("undated", ""),
        a_study("elsewhere", "20190304", patient_issuer="South"),
        a_study("another", "20190304", patient_birth_date="19900101"),
        a_study("number alone", "20190304", patient_name="", patient_birth_date=""),
    ]
    own = {**JOHN, "patient_issuer": "North", "study_date": "20261120", "study_time": "101500"}
    found = earlier_studies((own,), CAME, others)
    assert [one.item.case_id for one in found.studies] == ["that morning", "of 2020", "of 2018"]
    assert found.left_out == {OTHER_PERSON: 3, NEWER: 3, UNDATED: 1}


def test_a_study_without_a_day_counts_as_of_the_day_it_came():
    others = [a_study("yesterday", taken(1)), a_study("tomorrow", taken(-1))]
    found = earlier_studies((JOHN,), CAME, others)
    assert [one.item.case_id for one in found.studies] == ["yesterday"]
    assert found.left_out == {NEWER: 1}

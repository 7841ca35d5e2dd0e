"""What the monitor reads of people's answers, with what their pictures are copies of."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.records.case_list import list_cases
from core.records.connection import reading
from core.records.monitored import WatchedRows, answered_label_sets, head
from core.records.picture_origins import IN_BUNDLE, ComparedPictures, keep_origins
from core.records.reviews import review
from core.records.store import new_decision, record
from core.records.values import case_id_of
from core.records.watched_reads import reads
from core.records.worklist import case_detail
from core.types import Disposition

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
BUNDLE = "b" * 64
ROWS = WatchedRows("parts", "", frozenset(), BUNDLE, "policy-1", NOW - timedelta(days=1))
POSITIVE = Disposition.POSITIVE


@pytest.fixture
def add(store, assessment):
    """Record a picture that is called positive, with what its label may be."""

    def _add(content, labels=("ok",)):
        made = replace(assessment(content, p=0.9), label_set=labels)
        record(store, [new_decision(made, pack="parts", name="a.png", at=NOW)])
        return content_of(content)

    return _add


def content_of(content):
    return hashlib.sha256(content).hexdigest()


def answer(store, content, label):
    item = case_detail(store, case_id_of("parts", "", content)).item
    assert review(store, item, POSITIVE, reviewer="Ada", label=label)


def keep(store, origins):
    assert keep_origins(store, BUNDLE, 0, ComparedPictures((), b""), origins)


def test_a_read_names_its_origins_whether_it_was_answered_or_waits(store, add):
    answered, waiting, other = add(b"1"), add(b"2"), add(b"3")
    answer(store, answered, "ok")
    with reading(store) as connection:
        before = head(connection)
        found = reads(connection, ROWS)
    assert [one.origins for one in found] == [frozenset()] * 3
    assert [one.answer for one in found] == [POSITIVE, None, None]
    assert len(list_cases(store, "parts")) == 2
    keep(store, {answered: answered, waiting: answered, other: IN_BUNDLE})
    with reading(store) as connection:
        assert head(connection) != before
        after = reads(connection, ROWS)
    assert [one.origins for one in after] == [
        frozenset({answered}), frozenset({answered}), frozenset({IN_BUNDLE}),
    ]  # fmt: skip
    assert [replace(one, origins=frozenset()) for one in after] == found


def test_coverage_takes_the_first_picture_of_each_origin_and_no_copy_of_a_known_one(store, add):
    contents = [add(content, (content.decode(),)) for content in (b"1", b"2", b"3", b"4")]
    for content in contents:
        answer(store, content, "1")
    with reading(store) as connection:
        assert [found for *_, found in answered_label_sets(connection, ROWS)] == [
            ("1",), ("2",), ("3",), ("4",),
        ]  # fmt: skip
    one, two, three, four = contents
    keep(store, {one: one, two: one, three: three, four: IN_BUNDLE})
    with reading(store) as connection:
        assert [found for *_, found in answered_label_sets(connection, ROWS)] == [("1",), ("3",)]

"""Lists of many cases: the same as looking at each by itself, and quick."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

import pytest
from sqlalchemy import event

from core.records import quarantine, queue, reviews
from core.records.case_list import alike, list_cases
from core.records.case_status import QueueState
from core.records.connection import writing
from core.records.intake import receive
from core.records.picture_origins import ComparedPictures, keep_origins
from core.records.read_list import reads
from core.records.store import new_decision, record
from core.records.worklist import case_detail, next_case
from core.types import Disposition, Reason

NEGATIVE, POSITIVE, DEFER = Disposition.NEGATIVE, Disposition.POSITIVE, Disposition.DEFER
OPEN = (QueueState.WAITING, QueueState.NEGATIVE)


@pytest.fixture
def put(store, assessment):
    """Record one image of a case with what its file says."""

    def _put(content: bytes, pack: str = "xray", meta=None, **given):
        new = new_decision(assessment(content, **given), pack=pack, name=content.decode())
        return record(store, [replace(new, meta=meta or {})])[0]

    return _put


def test_a_list_says_of_each_case_what_the_case_itself_says(store, put):
    put(b"one", p=0.9, group="a", meta={"priority": "STAT"})
    put(b"two", p=0.1, group="a", meta={"view": "LL"})
    put(b"three", p=0.1, group="b")
    put(b"four", p=0.5, group="c", reason=Reason.AMBIGUOUS)
    put(b"five", p=0.9, group="d", pack="parts")

    found = list_cases(store, "xray", OPEN)

    assert [one.item.key for one in found] == ["a", "b", "c"]
    for one in found:
        detail = case_detail(store, one.item.case_id)
        assert one.item == detail.item
        assert one.headers == tuple(image.meta for image in detail.images if image.meta)
        made = next(i.decision for i in detail.images if i.decision.id == one.item.decision_id)
        assert (one.bundle, one.bundle_sha256, one.policy_id, one.findings) == (
            made.bundle, made.bundle_sha256, made.policy_id, made.findings,
        )  # fmt: skip
        assert one.is_judged


def test_a_read_says_what_the_pictures_of_its_case_are_copies_of(store, put):
    for content, group in ((b"one", "a"), (b"two", "a"), (b"three", "b")):
        put(content, p=0.9, group=group)
    for case in list_cases(store, "xray"):
        assert reviews.review(store, case.item, POSITIVE, reviewer="Ada")
    assert {one.origins for one in reads(store, "xray")} == {frozenset()}
    one, two, three = (sha256(content).hexdigest() for content in (b"one", b"two", b"three"))
    found = {one: one, two: two, three: one}
    assert keep_origins(store, "b" * 64, 0, ComparedPictures((), b""), found)
    assert keep_origins(store, "c" * 64, 0, ComparedPictures((), b""), {three: three})
    assert {read.origins for read in reads(store, "xray")} == {
        frozenset({one, two}), frozenset({one}),
    }  # fmt: skip


def test_only_the_lanes_asked_for_are_listed(store, put):
    put(b"abnormal", p=0.9, group="abnormal")
    put(b"normal", p=0.1, group="normal")
    put(b"done", p=0.9, group="done")
    done = next(one for one in list_cases(store, "xray") if one.item.key == "done").item
    reviews.review(store, done, POSITIVE, reviewer="Ada")

    assert [one.item.key for one in list_cases(store, "xray")] == ["abnormal"]
    assert [one.item.key for one in list_cases(store, "xray", (QueueState.NEGATIVE,))] == ["normal"]
    assert [one.item.key for one in list_cases(store, "xray", (QueueState.REVIEWED,))] == ["done"]


def test_a_case_with_an_image_that_has_no_decision_is_not_judged(store, put, execute):
    put(b"one", p=0.9, group="a")
    put(b"two", p=0.1, group="a")
    lost = put(b"three", p=0.1, group="b")
    execute(store, "DELETE FROM decisions WHERE id = :id", id=lost)

    assert {one.item.key: one.is_judged for one in list_cases(store, "xray", OPEN)} == {
        "a": True,
        "b": False,
    }


def test_a_case_is_awaited_while_a_job_names_its_group_among_those_it_may_be_of(store, put):
    put(b"one", p=0.1, group="1.2.3")
    put(b"two", p=0.1, group="1.2")

    def awaited():
        return {one.item.key for one in list_cases(store, "xray", OPEN) if one.is_awaited}

    assert awaited() == set()
    for key, groups in (("a", "9.9 1.2.3"), ("b", "1.2.34")):
        receive(store, pack="xray", key=key, sha256=key * 64, source="s", meta={"groups": groups})
    assert awaited() == {"1.2.3"}
    claimed = queue.claim(store, ["assess"], worker="w", lease_s=60, limit=2)
    assert awaited() == {"1.2.3"}
    with writing(store) as connection:
        queue.finish(connection, claimed)
    assert awaited() == set()


def test_a_case_is_awaited_while_nobody_has_decided_a_conflict_of_its_group(store, put):
    put(b"one", p=0.1, group="1.2.3")
    sent = {"pack": "xray", "key": "a", "source": "s", "meta": {"groups": "1.2.3"}}
    receive(store, sha256="a" * 64, **sent)
    claimed = queue.claim(store, ["assess"], worker="w", lease_s=60)
    with writing(store) as connection:
        queue.finish(connection, claimed)
    assert [one.is_awaited for one in list_cases(store, "xray", OPEN)] == [False]
    receive(store, sha256="b" * 64, **sent)
    assert [one.is_awaited for one in list_cases(store, "xray", OPEN)] == [True]
    (conflict,) = quarantine.conflicts(store, "xray")
    quarantine.decline(store, conflict.other.id, by="Ada")
    assert [one.is_awaited for one in list_cases(store, "xray", OPEN)] == [False]


def test_every_bundle_and_policy_that_stands_on_a_negative_case_is_told(store, put):
    put(b"one", p=0.1, group="a")
    assert [one.makers for one in list_cases(store, "xray", OPEN)] == [frozenset()]
    put(b"two", p=0.1, group="a", policy="other")
    (case,) = list_cases(store, "xray", OPEN)
    assert sorted(policy for _, policy in case.makers) == ["other", "policy-1"]
    put(b"one", p=0.1, group="a", policy="other")
    (case,) = list_cases(store, "xray", OPEN)
    assert {policy for _, policy in case.makers} == {"other"}


def test_cases_alike_are_those_whose_header_says_exactly_the_same(store, put):
    hostile = 'D%E_"\\ü'
    put(b"prior", group="2024", meta={"patient_id": hostile})
    put(b"other", group="other", meta={"patient_id": "DXEY"})
    put(b"quoted", group="quoted", meta={"accession": hostile, "patient_id": "7"})
    put(b"now", p=0.1, group="2026", meta={"patient_id": hostile})
    put(b"parts", group="parts", meta={"patient_id": hostile}, pack="parts")

    found = alike(store, "xray", "patient_id", hostile)

    assert [one.item.key for one in found] == ["2026", "2024"]
    assert [one.item.key for one in alike(store, "xray", "patient_id", hostile, most=1)] == ["2026"]
    assert alike(store, "xray", "patient_id", "") == []


def test_a_read_holds_the_first_answer_since_the_undo_and_the_last(store, put):
    put(b"one", p=0.9, group="a", meta={"institution": "North"})
    case = next_case(store, "xray").case_id
    for disposition in (DEFER, NEGATIVE, POSITIVE):
        reviews.review(store, case_detail(store, case).item, disposition, reviewer="Ada")
        if disposition is DEFER:
            reviews.undo(store, case, 1, reviewer="Ada")

    [read] = reads(store, "xray")

    assert (read.first, read.last, read.verdict) == (NEGATIVE, POSITIVE, POSITIVE)
    assert (read.case_id, read.bundle, read.policy_id) == (
        case,
        "widgets@0123456789ab",
        "policy-1",
    )
    assert read.headers == ({"institution": "North"},)


def test_what_was_taken_back_is_no_read(store, put):
    put(b"undone", p=0.9, group="undone")
    put(b"kept", p=0.5, group="kept")
    while item := next_case(store, "xray"):
        reviews.review(store, item, POSITIVE, reviewer="Ada")
    undone = next(one for one in reads(store, "xray") if one.verdict is POSITIVE)
    reviews.undo(store, undone.case_id, 1, reviewer="Ada")

    assert [one.verdict for one in reads(store, "xray")] == [DEFER]
    assert reads(store, "parts") == []
    assert reads(store, "xray", most=0) == []


def test_a_long_list_takes_no_more_statements_than_a_short_one(store, put):
    asked = []
    event.listen(
        store.engine, "before_cursor_execute", lambda c, cursor, text, *rest: asked.append(text)
    )
    counted = []
    for first, last in ((0, 2), (2, 60)):
        for number in range(first, last):
            put(b"%d" % number, p=0.5, group=str(number), meta={"patient_id": "7"})
        asked.clear()
        assert len(list_cases(store, "xray")) == last
        counted.append(len(asked))
    assert counted[0] == counted[1] <= 6

"""Objects in conflict: they wait for a person, whose word is on record and moves nothing else."""

import hashlib
import json
from dataclasses import replace

import pytest
from sqlalchemy import select

from core.errors import StoreError
from core.records import queue, reviews
from core.records.audit import head, verify
from core.records.case_list import alike, list_cases
from core.records.case_status import QueueState
from core.records.connection import reading
from core.records.intake import Receipt, receive
from core.records.quarantine import accept, conflicts, counts, decline, receipts, resolutions
from core.records.store import new_decision, record
from core.records.tables import IMAGES, JOBS
from core.records.worklist import case_detail, is_emptied, next_case, rebuild
from core.types import Disposition

OPEN = (QueueState.WAITING, QueueState.NEGATIVE)
NAME = "1.2.3"


def digest_of(letter):
    """Give the digest that an assessment of this one-letter content has."""
    return hashlib.sha256(letter).hexdigest()


@pytest.fixture
def come(store):
    """Receive an object whose content is one letter, under one name unless another is given."""

    def _come(letter, key=NAME, **given):
        return receive(
            store, pack="xray", key=key, sha256=digest_of(letter), source="c-store:PACS", **given
        )

    return _come


@pytest.fixture
def judge(store, assessment):
    """Record what a worker says of an object, and finish its job."""

    def _judge(letter, patient="", **given):
        new = new_decision(assessment(letter, **given), pack="xray", name=letter.decode())
        record(store, [replace(new, meta={"patient_id": patient} if patient else {})])

    return _judge


def waiting(store):
    """Give the digests of the objects that are to be judged."""
    with reading(store) as connection:
        query = select(JOBS.c.payload).where(JOBS.c.kind == "assess", JOBS.c.state == "waiting")
        return {json.loads(text)["sha256"] for text in connection.scalars(query)}


def open_letters(store):
    return [one.other.sha256 for one in conflicts(store, "xray")]


def test_a_conflict_names_both_objects_and_waits_until_somebody_decides(store, come):
    come(b"a", meta={"site": "NORTH"})
    assert come(b"b") is Receipt.CONFLICT
    (one,) = conflicts(store, "xray")
    assert (one.first.sha256, one.other.sha256) == (digest_of(b"a"), digest_of(b"b"))
    assert (one.first.meta, one.other.source) == ({"site": "NORTH"}, "c-store:PACS")
    assert conflicts(store, "parts") == []
    assert counts(store, "xray") == {"kept": 1, "conflict": 1}
    assert come(b"b") is Receipt.CONFLICT
    assert len(conflicts(store, "xray")) == 1


def test_an_accepted_correction_is_judged_and_stands_in_the_place_of_the_first(store, come, judge):
    come(b"a")
    judge(b"a", "TRAUMA-17", p=0.9, group="study")
    judge(b"x", "TRAUMA-17", p=0.1, group="study")
    come(b"b", meta={"priority": "STAT"})
    (one,) = conflicts(store, "xray")
    before = head(store)
    assert accept(store, one.other.id, by="Dr Adler")
    assert waiting(store) == {digest_of(b"a"), digest_of(b"b")}
    # Until it is judged the case is what is left of it.
    (case,) = list_cases(store, "xray", OPEN)
    assert (case.item.images, case.item.disposition) == (1, Disposition.NEGATIVE)
    judge(b"b", "4711", p=0.5, group="study")
    (case,) = list_cases(store, "xray", OPEN)
    assert [one["patient_id"] for one in case.headers] == ["TRAUMA-17", "4711"]
    assert {image.name for image in case_detail(store, case.item.case_id).images} == {"x", "b"}
    assert case.item.positive_probability == 0.5
    assert case.is_judged
    assert alike(store, "xray", "patient_id", "4711")[0].item == case.item
    # Everything is still there, and the log says who did it.
    with reading(store) as connection:
        assert len(connection.execute(select(IMAGES)).all()) == 3
    assert verify(store, before).faults == ()
    (stored,) = resolutions(store, "xray")
    assert (stored.receipt.id, stored.is_accepted, stored.resolved_by) == (
        one.other.id,
        True,
        "Dr Adler",
    )
    assert open_letters(store) == []
    rebuild(store)
    assert list_cases(store, "xray", OPEN) == [case]


def test_a_read_case_waits_again_when_its_image_was_corrected(store, come, judge):
    come(b"a")
    judge(b"a", p=0.9, group="study")
    reviews.review(store, next_case(store, "xray"), Disposition.NEGATIVE, reviewer="ann")
    assert next_case(store, "xray") is None
    come(b"b")
    (one,) = conflicts(store, "xray")
    accept(store, one.other.id, by="ann")
    judge(b"b", p=0.1, group="study")
    (case,) = list_cases(store, "xray", OPEN)
    assert case.item.queue_state is not QueueState.REVIEWED
    assert reviews.review(store, case.item, Disposition.NEGATIVE, reviewer="ann")
    assert list_cases(store, "xray", OPEN) == []


def test_a_case_whose_only_image_moved_to_another_case_is_listed_no_more(store, come, judge):
    come(b"a")
    judge(b"a", p=0.9, group="old study")
    come(b"b")
    (old,) = list_cases(store, "xray", OPEN)
    assert not is_emptied(store, old.item.case_id)
    accept(store, conflicts(store, "xray")[0].other.id, by="ann")
    assert list_cases(store, "xray", OPEN) == []
    assert is_emptied(store, old.item.case_id)
    assert not is_emptied(store, "no such case")
    judge(b"b", p=0.9, group="new study")
    assert [one.item.key for one in list_cases(store, "xray", OPEN)] == ["new study"]
    assert verify(store).faults == ()


def test_what_judged_a_replaced_image_is_no_maker_of_the_case(store, come, judge):
    come(b"a")
    for letter, policy in ((b"a", "old"), (b"x", "new"), (b"y", "new")):
        judge(letter, p=0.1, group="study", policy=policy)
    come(b"b")
    (case,) = list_cases(store, "xray", OPEN)
    assert {policy for _, policy in case.makers} == {"old", "new"}
    accept(store, conflicts(store, "xray")[0].other.id, by="ann")
    (case,) = list_cases(store, "xray", OPEN)
    assert {policy for _, policy in case.makers} == {"new"}


def test_a_declined_object_waits_no_more_and_changes_nothing(store, come, judge):
    come(b"a")
    judge(b"a", p=0.9, group="study")
    before = list_cases(store, "xray", OPEN)
    come(b"b")
    (one,) = conflicts(store, "xray")
    assert decline(store, one.other.id, by="ann")
    assert not decline(store, one.other.id, by="ann")
    assert open_letters(store) == []
    assert waiting(store) == {digest_of(b"a")}
    assert list_cases(store, "xray", OPEN) == before
    assert [one.is_accepted for one in resolutions(store, "xray")] == [False]
    assert (come(b"a"), come(b"b")) == ("known", "conflict")
    assert verify(store).faults == ()


def test_after_a_correction_the_first_object_is_the_one_in_conflict_until_it_is_taken_back(
    store, come, judge
):
    come(b"a")
    judge(b"a", p=0.9, group="study")
    come(b"b")
    (one,) = conflicts(store, "xray")
    assert accept(store, one.other.id, by="ann")
    assert not accept(store, one.other.id, by="ann")
    assert (come(b"a"), come(b"b")) == ("conflict", "known")
    judge(b"b", p=0.1, group="study")
    assert accept(store, one.first.id, by="bob")
    assert (come(b"a"), come(b"b")) == ("known", "conflict")
    (case,) = list_cases(store, "xray", OPEN)
    assert [image.name for image in case_detail(store, case.item.case_id).images] == ["a"]
    assert verify(store).faults == ()


def test_of_several_others_each_is_decided_by_itself(store, come):
    come(b"a")
    come(b"b")
    come(b"c")
    _, second = conflicts(store, "xray")
    accept(store, second.other.id, by="ann")
    (left,) = conflicts(store, "xray")
    assert (left.first.sha256, left.other.sha256) == (digest_of(b"c"), digest_of(b"b"))
    decline(store, left.other.id, by="ann")
    assert conflicts(store, "xray") == []
    assert come(b"d") is Receipt.CONFLICT
    (fresh,) = conflicts(store, "xray")
    assert fresh.first.sha256 == digest_of(b"c")


def test_another_encoding_is_compared_with_what_stands(store, come):
    come(b"a")
    come(b"b")
    accept(store, conflicts(store, "xray")[0].other.id, by="ann")
    asked = []

    def same(sha256, _is_own):
        asked.append(sha256)
        return True

    assert come(b"c", same=same) is Receipt.KNOWN
    assert asked == [digest_of(b"b")]
    assert (come(b"c"), come(b"a")) == ("known", "conflict")


def test_what_is_set_aside_stays_aside_when_it_is_corrected(store, come):
    come(b"a", is_judged=False)
    come(b"b", is_judged=False)
    (aside,) = receipts(store, "xray", "aside", limit=9)
    assert aside.sha256 == digest_of(b"a")
    assert accept(store, conflicts(store, "xray")[0].other.id, by="ann")
    assert waiting(store) == set()
    assert queue.waiting(store) == {}


def test_an_unknown_receipt_is_an_error(store):
    for decide in (accept, decline):
        with pytest.raises(StoreError, match="no receipt"):
            decide(store, "none", by="ann")

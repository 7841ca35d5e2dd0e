"""The outbox: a message is there if its verdict is, once, and its delivery is followed."""

from datetime import UTC, datetime, timedelta

import pytest

from core.records import blobs, outbox, queue
from core.records.connection import writing
from core.records.outbox import Part
from core.records.store import decisions, new_decision, record

AT = datetime(2026, 1, 1, tzinfo=UTC)


def put(store, key="d1", **body):
    with writing(store) as connection:
        given = {"pack": "welds", "subject": "case", "body": body, "at": AT, "priority": 3}
        return outbox.put(connection, "welds.line", key, **given)


def test_a_message_is_kept_once_and_delivered_by_one_job(store):
    first, again = put(store, wording="SOUND"), put(store, wording="FLAWED")
    assert first == again
    assert outbox.message(store, first).body == {"wording": "SOUND"}
    assert queue.waiting(store) == {("deliver", "waiting"): 1}
    (job,) = queue.claim(store, ["deliver"], worker="w", lease_s=60)
    assert (job.key, job.pack, job.priority) == (first, "welds", 3)
    with writing(store) as connection:
        queue.finish(connection, [job])
    put(store)
    assert queue.waiting(store) == {("deliver", "done"): 1}


def test_messages_about_a_case_are_listed_by_output(store):
    ids = {put(store, "d1"), put(store, "d2")}
    listed = outbox.messages(store, "welds", "welds.line", "case")
    assert {one.id for one in listed} == ids
    assert outbox.messages(store, "welds", "welds.mail", "case") == []


def test_a_verdict_and_its_message_are_kept_together_or_not_at_all(store, assessment):
    new = new_decision(assessment(), pack="welds", name="a.png")

    def message(connection, ids):
        outbox.put(connection, "welds.line", ids[0], pack="welds", subject="c", body={}, at=AT)
        if fails:
            raise ValueError("the disk is full")

    fails = True
    with pytest.raises(ValueError, match="disk"):
        record(store, [new], also=message)
    assert decisions(store) == []
    assert queue.waiting(store) == {}
    fails = False
    (decision,) = record(store, [new], also=message)
    assert [one.id for one in decisions(store)] == [decision]
    assert record(store, [new], also=message) == [decision]
    assert queue.waiting(store) == {("deliver", "waiting"): 1}


def test_what_is_refused_or_given_up_is_a_dead_letter_and_what_is_tried_again_is_not(store):
    ids = {key: put(store, key) for key in ("refused", "given up", "again")}
    for job in queue.claim(store, ["deliver"], worker="w", lease_s=60, limit=3):
        is_permanent = job.key == ids["refused"]
        max_tries = 1 if job.key == ids["given up"] else None
        given = {"wait_s": 60, "max_tries": max_tries, "is_permanent": is_permanent}
        queue.fail(store, job, "P", **given)
    dead = {message.id: failed.state for message, failed in outbox.dead_letters(store)}
    assert dead == {ids["refused"]: "failed", ids["given up"]: "given up"}


def test_each_receiver_has_a_message_of_its_own_and_parts_taken_stay_taken(store):
    given = {"pack": "welds", "subject": "case", "body": {}, "at": AT}
    names = blobs.put_many(store.blobs, [b"report", b"picture"])
    parts = [Part("report", names[0]), Part("picture", names[1])]
    with writing(store) as connection:
        ids = [
            outbox.put(connection, "welds.line", "d1", receiver=receiver, parts=parts, **given)
            for receiver in ("ADA", "GRACE")
        ]
    assert len(set(ids)) == 2
    for _ in range(2):
        outbox.mark_taken(store, ids[0], parts[0])
    ada, grace = (outbox.message(store, one) for one in ids)
    assert (ada.receiver, ada.parts, ada.missing) == ("ADA", tuple(parts), (parts[1],))
    assert (grace.receiver, grace.missing) == ("GRACE", tuple(parts))
    assert [ada.read(part) for part in ada.parts] == [b"report", b"picture"]


def test_a_message_that_is_sent_elsewhere_at_first_leaves_from_here_after_a_while(store):
    with writing(store) as connection:
        outbox.put(
            connection, "welds.line", "a", pack="welds", subject="s", body={}, at=AT, wait_s=10.0
        )
    soon, later = AT + timedelta(seconds=9.9), AT + timedelta(seconds=10)
    assert queue.claim(store, ["deliver"], worker="w", lease_s=60, at=soon) == []
    assert len(queue.claim(store, ["deliver"], worker="w", lease_s=60, at=later)) == 1


def test_what_its_receiver_has_already_is_not_sent_from_here(store):
    ids = [put(store, key) for key in ("a", "b")]
    with writing(store) as connection:
        outbox.confirm(connection, [ids[0], "never heard of"], AT)
    (left,) = queue.claim(store, ["deliver"], worker="w", lease_s=60, limit=9)
    assert left.key == ids[1]
    with writing(store) as connection:
        # Somebody is at it: that one ends by what becomes of it.
        outbox.confirm(connection, ids, AT)
    assert queue.waiting(store) == {("deliver", "done"): 1, ("deliver", "leased"): 1}


def test_what_is_not_true_any_more_does_not_leave(store):
    sent, withdrawn = put(store, "a"), put(store, "b")
    with writing(store) as connection:
        outbox.confirm(connection, [sent], AT)
        outbox.withdraw(connection, "welds", "welds.mail", "case", AT)
    assert queue.waiting(store) == {("deliver", "done"): 1, ("deliver", "waiting"): 1}
    with writing(store) as connection:
        outbox.withdraw(connection, "welds", "welds.line", "case", AT)
    assert queue.waiting(store) == {("deliver", "done"): 1, ("deliver", "cancelled"): 1}
    assert outbox.message(store, withdrawn).id == withdrawn

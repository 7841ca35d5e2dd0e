"""Receipts: nothing acknowledged is lost or doubled, and one name has one content."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from core.records import queue
from core.records.audit import verify
from core.records.connection import reading, writing
from core.records.intake import Receipt, contents_sent, receive, record_sent
from core.records.store import recorded_blobs
from core.records.tables import AUDIT_EVENTS, JOBS, RECEIPTS
from core.records.values import now


def send(store, key="1.2.3", sha256="a" * 64, source="peer", **given):
    return receive(store, pack="xray", key=key, sha256=sha256, source=source, **given)


def rows(store, table):
    with reading(store) as connection:
        return list(connection.execute(select(table)).mappings())


def test_a_new_object_has_a_receipt_and_a_job_that_knows_what_was_said_of_it(store):
    meta = {"priority": "STAT", "name": "thorax.dcm", "group": "study-1"}
    assert send(store, meta=meta) is Receipt.NEW
    (job,) = queue.claim(store, ["assess"], worker="w", lease_s=60)
    assert job.payload == {"sha256": "a" * 64, "source": "peer", **meta}
    assert (job.pack, job.priority) == ("xray", queue.URGENT)
    (receipt,) = rows(store, RECEIPTS)
    assert (receipt["key"], receipt["state"], receipt["source"]) == ("1.2.3", "kept", "peer")


def test_what_is_sent_again_is_known_and_makes_no_further_work(store):
    send(store)
    claimed = queue.claim(store, ["assess"], worker="w", lease_s=60)
    with writing(store) as connection:
        queue.finish(connection, claimed)
    assert send(store, source="another peer") is Receipt.KNOWN
    assert queue.waiting(store) == {("assess", "done"): 1}
    assert len(rows(store, RECEIPTS)) == 1


def test_other_bytes_under_a_known_name_are_a_conflict_on_record_and_not_judged(store):
    answers = [send(store, sha256=sha256 * 64) for sha256 in "abbab"]
    assert answers == ["new", "conflict", "conflict", "known", "conflict"]
    assert {r["sha256"][0]: r["state"] for r in rows(store, RECEIPTS)} == {
        "a": "kept",
        "b": "conflict",
    }
    assert queue.waiting(store) == {("assess", "waiting"): 1}


def test_other_bytes_of_the_same_object_are_known_and_compared_once(store):
    asked = []

    def same(sha256, is_own):
        asked.append((sha256[0], is_own))
        return True

    answers = [send(store, sha256=sha256 * 64, same=same) for sha256 in "abbab"]
    assert answers == ["new", "known", "known", "known", "known"]
    assert asked == [("a", False)]
    assert {r["sha256"][0]: r["state"] for r in rows(store, RECEIPTS)} == {
        "a": "kept",
        "b": "again",
    }
    assert send(store, sha256="c" * 64, same=lambda *_: False) is Receipt.CONFLICT
    assert queue.waiting(store) == {("assess", "waiting"): 1}
    assert verify(store).faults == ()


def test_an_object_that_came_while_another_was_compared_is_compared_too(store):
    def same(sha256, _is_own):
        return sha256[0] == "a"

    def slow(sha256, _is_own):
        with writing(store) as connection:
            connection.execute(delete(RECEIPTS))
        send(store, sha256="c" * 64)
        return same(sha256, False)

    send(store)
    asked = []
    answer = send(
        store,
        sha256="b" * 64,
        same=lambda sha, own: asked.append(sha[0]) or (slow if len(asked) == 1 else same)(sha, own),
    )
    assert (answer, asked) == (Receipt.CONFLICT, ["a", "c"])


def test_what_we_sent_is_own_when_it_comes_back_and_makes_no_work(store):
    with writing(store) as connection:
        for _ in range(2):
            record_sent(connection, "xray", {"1.2.3": "a" * 64}, now())
    assert contents_sent(store, "xray", ["1.2.3", "4"]) == {"a" * 64}
    assert send(store) is Receipt.OWN
    asked = []
    altered = send(store, sha256="b" * 64, same=lambda *both: asked.append(both) or True)
    assert (altered, asked) == (Receipt.OWN, [("a" * 64, True)])
    assert send(store, sha256="b" * 64) is Receipt.OWN
    assert send(store, sha256="c" * 64, same=lambda *_: False) is Receipt.CONFLICT
    assert queue.waiting(store) == {}
    assert contents_sent(store, "xray", ["1.2.3"]) == {"a" * 64, "b" * 64}
    assert verify(store).faults == ()


def test_one_content_under_two_names_is_two_objects(store):
    assert [send(store, key=key) for key in ("1", "2")] == ["new", "new"]
    assert queue.waiting(store) == {("assess", "waiting"): 2}


def test_the_bytes_of_every_receipt_have_to_be_there_before_anybody_judged_them(store):
    for key, content in ("1a", "1b", "2a"):
        send(store, key, content * 64)
    assert recorded_blobs(store) == ["a" * 64, "b" * 64]


@pytest.mark.parametrize(
    ("statement", "kind"),
    [
        ("UPDATE receipts SET source = 'me'", "row edited"),
        ("UPDATE receipts SET sha256 = 'f'", "row edited"),
        ("DELETE FROM receipts", "row missing"),
    ],
)
def test_the_audit_finds_an_altered_receipt(store, execute, statement, kind):
    send(store)
    assert verify(store).faults == ()
    execute(store, statement)
    assert [fault.kind for fault in verify(store).faults] == [kind]


def test_working_on_a_job_leaves_the_audit_log_alone(store):
    send(store)
    (job,) = queue.claim(store, ["assess"], worker="w", lease_s=60)
    queue.fail(store, job, "P", wait_s=0, max_tries=1)
    assert verify(store).faults == ()
    assert len(rows(store, AUDIT_EVENTS)) == 1


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(sent=st.lists(st.tuples(st.sampled_from("123"), st.sampled_from("ab")), max_size=12))
def test_the_first_content_of_a_name_stands_whatever_follows(store, sent):
    with writing(store) as connection:
        for table in (RECEIPTS, JOBS, AUDIT_EVENTS):
            connection.execute(delete(table))
    first = {}
    for key, content in sent:
        known = key in first
        expected = "known" if first.setdefault(key, content) == content else "conflict"
        assert send(store, key, content * 64) == (expected if known else "new")
    kept = {r["key"]: r["sha256"][0] for r in rows(store, RECEIPTS) if r["state"] == "kept"}
    assert kept == first
    assert len(rows(store, RECEIPTS)) == len(set(sent))
    assert len(rows(store, JOBS)) == len(first)
    assert verify(store).faults == ()

"""A part is on record with its decision before it leaves, once, and its number is used once."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from time import monotonic

import pytest

from core.errors import StoreError
from core.records import audit
from core.records.store import decisions
from domains.parts.station.part import CapturedFrame, Trigger
from domains.parts.station.records.parts import Draft, PartRecorder, parts_of, unrecorded
from domains.parts.station.result import LineReason, LineResult, LineVerdict
from tests.domains.parts.station.judging.test_rule import an_assessment

FAIL = LineVerdict.because(LineReason.DEFECT)


def a_frame(content: bytes) -> CapturedFrame:
    digest = hashlib.sha256(content).hexdigest()
    return CapturedFrame("top", content, 1, 0.0, None, digest, 1, "1.jpg")


def a_draft(number: int, verdict=FAIL, *, content=b"", challenge="") -> Draft:
    content = content or str(number).encode()
    judged = replace(an_assessment(), sha256=hashlib.sha256(content).hexdigest())
    trigger = Trigger(number, monotonic(), part_seq=number % 7, recipe=3, challenge=challenge)
    return Draft(trigger, verdict, f"P{number}", "welds", [a_frame(content)], [judged])


def test_a_part_comes_back_as_it_was_committed(store):
    recorder = PartRecorder(store, "line 1")
    assert recorder.start() == 1
    committed = recorder.commit(a_draft(1, LineVerdict.passed()))
    (found,) = parts_of(store, "line 1")
    assert found == replace(committed, trigger=replace(committed.trigger, at=0.0))
    assert (found.result, found.score, found.product) == (LineResult.PASS, 0.1, "welds")
    (decision,) = decisions(store)
    assert found.decisions == (decision.id,)
    assert audit.verify(store).faults == ()


def test_one_picture_shown_twice_is_one_decision_and_two_parts(store):
    recorder = PartRecorder(store, "line 1")
    first, second = (recorder.commit(a_draft(n, content=b"same")) for n in (1, 2))
    assert first.decisions == second.decisions
    assert [part.trigger.number for part in parts_of(store, "line 1")] == [2, 1]


def test_what_left_late_counts_and_what_was_judged_stays_on_record(store):
    recorder = PartRecorder(store, "line 1")
    passed = recorder.commit(a_draft(1, LineVerdict.passed()))
    late = LineVerdict.because(LineReason.LATE)
    recorder.correct(passed, late)
    recorder.correct(passed, late)
    (found,) = parts_of(store, "line 1")
    assert (found.result, found.reasons) == (LineResult.FAIL, (LineReason.LATE,))
    assert found.decisions == passed.decisions
    assert parts_of(store, "line 1", results=[LineResult.PASS]) == []
    assert audit.verify(store).faults == ()


def test_a_number_is_never_used_again_also_after_a_crash(store):
    recorder = PartRecorder(store, "line 1")
    first = recorder.start()
    recorder.commit(a_draft(first))
    again = PartRecorder(store, "line 1").start()
    once_more = PartRecorder(store, "line 1").start()
    assert first < again < once_more
    assert again > first + 8
    assert PartRecorder(store, "line 2").start() == 1
    with pytest.raises(StoreError):
        recorder.commit(a_draft(first))
    assert [part.trigger.number for part in parts_of(store, "line 1")] == [first]


def test_reference_parts_are_no_parts_of_the_line(store):
    recorder = PartRecorder(store, "line 1")
    recorder.commit(a_draft(1, challenge="bad 1"))
    assert parts_of(store, "line 1") == []
    assert recorder.start() > 1


def test_messages_are_written_with_the_part_or_neither_is(store):
    def fail(connection, part):
        raise ValueError("the outbox refuses")

    with pytest.raises(ValueError, match="refuses"):
        PartRecorder(store, "line 1", fail).commit(a_draft(1))
    assert parts_of(store, "line 1") == []
    assert decisions(store) == []


def test_nothing_passes_that_is_not_on_record():
    assert unrecorded(a_draft(1)).result is LineResult.FAIL
    with pytest.raises(ValueError, match="got PASS"):
        unrecorded(a_draft(1, LineVerdict.passed()))

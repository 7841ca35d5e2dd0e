"""The audit draw: a share of the automatic negatives waits for a person, whatever the verdict."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.records import worklist
from core.records.audit_draw import draw, is_drawn
from core.records.case_status import QueueState
from core.records.store import cases_of, decision, new_decision, record
from core.types import Disposition, Reason


def made(assessment, content, share, **given):
    new = new_decision(assessment(content, **given), pack="parts", name="a.png")
    return draw(new, share)


def test_the_share_drawn_is_the_share_asked_for_and_the_same_each_time():
    cases = [f"case {number}" for number in range(20_000)]
    drawn = [case for case in cases if is_drawn("policy-1", case, 0.02)]
    # Five standard deviations of a binomial count around 400.
    assert 300 < len(drawn) < 500
    assert drawn == [case for case in cases if is_drawn("policy-1", case, 0.02)]
    assert set(drawn) < {case for case in cases if is_drawn("policy-1", case, 0.1)}
    assert drawn != [case for case in cases if is_drawn("policy-2", case, 0.02)]
    assert not any(is_drawn("policy-1", case, 0.0) for case in cases)
    assert all(is_drawn("policy-1", case, 1.0) for case in cases)


def test_a_drawn_negative_waits_for_a_person_and_its_verdict_and_probability_stay_on_record(
    store, assessment
):
    drawn, passed = made(assessment, b"one", 1.0, p=0.1), made(assessment, b"two", 0.0, p=0.1)
    ids = record(store, [drawn, passed])
    one, two = (decision(store, name) for name in ids)
    assert [one.disposition, two.disposition] == [Disposition.NEGATIVE] * 2
    assert [finding.reason for finding in one.findings] == [Reason.AUDIT]
    assert (two.findings, two.message) == ((), "")
    assert (one.audit_probability, two.audit_probability) == (1.0, 0.0)
    waiting = worklist.next_case(store, "parts")
    assert (waiting.case_id, waiting.queue_state) == (drawn.case_id, QueueState.WAITING)
    assert worklist.next_case(store, "parts", after=waiting.case_id) is None
    assert cases_of(store, one) == [drawn.case_id]


@pytest.mark.parametrize("p", [0.5, 0.9, None])
def test_the_chance_stands_with_every_verdict_and_only_a_negative_is_marked(assessment, p):
    new = new_decision(assessment(b"one", p=p), pack="parts", name="a.png")
    drawn = draw(new, 0.25)
    assert drawn.decision == replace(new.decision, audit_probability=0.25)
    assert replace(drawn, decision=new.decision) == new


def test_all_images_of_a_case_are_drawn_or_none_is(assessment):
    for number in range(50):
        pair = [made(assessment, c, 0.5, p=0.1, group=f"part {number}") for c in (b"one", b"two")]
        assert len({len(new.decision.findings) for new in pair}) == 1

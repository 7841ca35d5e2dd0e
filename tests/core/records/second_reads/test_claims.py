"""Second reads of several people at once, put off and taken back, on every engine."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest

from core.decision.second_read import ReadState
from core.errors import PermissionDenied
from core.people import Person, Role
from core.records import audit, reviews, worklist
from core.records.final_reads import count_states, final_reads
from core.records.read_claims import LASTS, claim_case, claims_of
from core.service.review import review, second_read, undo
from core.service.review.second_read import next_read, put_off
from tests.core.records.second_reads.reads import (
    ANN,
    BOB,
    CLEO,
    LEAD,
    NEGATIVE,
    PACKS,
    POSITIVE,
    START,
    answer,
    read_first,
)


def test_ten_presses_of_two_people_at_once_keep_one_second_read(cases):
    read_first(cases)
    task = next_read(cases, PACKS, BOB, None)
    gate = Barrier(10)

    def press(number):
        gate.wait()
        by = (BOB, CLEO)[number % 2]
        return review.decide(cases, task.detail.item, POSITIVE, by=by)

    with ThreadPoolExecutor(10) as pool:
        kept = list(pool.map(press, range(10)))
    assert sum(kept) == 1
    assert kept.index(True) % 2 == 0
    assert count_states(cases, "parts") == {ReadState.AGREED: 1}


def test_a_claim_keeps_others_away_for_ten_minutes_and_longer_while_its_person_works(cases):
    read_first(cases)
    task = next_read(cases, PACKS, BOB, None, START)
    assert next_read(cases, PACKS, CLEO, None, START + LASTS / 2) is None
    [claim] = claims_of(cases, "parts", START)
    assert (claim.name, claim.kind, claim.case_id) == ("Bob", "second", task.detail.item.case_id)

    again = next_read(cases, PACKS, BOB, None, START + timedelta(minutes=6))
    assert again.detail.item.case_id == task.detail.item.case_id
    assert next_read(cases, PACKS, CLEO, None, START + timedelta(minutes=15)) is None
    late = next_read(cases, PACKS, CLEO, None, START + timedelta(minutes=17))
    assert late.claim.person == "cleo"
    assert not review.decide(cases, task.detail.item, POSITIVE, by=BOB)
    assert review.decide(cases, late.detail.item, POSITIVE, by=CLEO)


def test_two_people_never_get_the_same_first_case_unawares(cases):
    item = worklist.next_case(cases, "parts")
    own = claim_case(cases, item.case_id, "parts", ANN, START)
    other = claim_case(cases, item.case_id, "parts", BOB, START + timedelta(minutes=5))
    assert (own.person, other.person, other.expires_at) == ("ann", "ann", START + LASTS)
    renewed = claim_case(cases, item.case_id, "parts", ANN, START + timedelta(minutes=5))
    assert renewed.expires_at == START + timedelta(minutes=5) + LASTS
    assert (
        claim_case(cases, item.case_id, "parts", BOB, START + timedelta(minutes=16)).person == "bob"
    )


def test_a_claim_by_a_clock_that_was_set_back_since_keeps_nobody_away(cases):
    item = worklist.next_case(cases, "parts")
    ahead = START + timedelta(hours=3)
    assert claim_case(cases, item.case_id, "parts", ANN, ahead).person == "ann"
    assert claim_case(cases, item.case_id, "parts", BOB, ahead).person == "ann"
    assert claims_of(cases, "parts", START) == []
    assert claim_case(cases, item.case_id, "parts", BOB, START).person == "bob"
    early = START - timedelta(seconds=30)  # of another server
    assert claim_case(cases, item.case_id, "parts", ANN, early).person == "bob"


def test_later_is_no_answer_and_keeps_the_case_away_for_a_while(cases):
    read_first(cases)
    task = next_read(cases, PACKS, BOB, None, START)
    put_off(cases, task.detail.item, BOB, START)
    assert next_read(cases, PACKS, BOB, None, START) is None
    assert count_states(cases, "parts") == {ReadState.READ1: 1}
    assert next_read(cases, PACKS, CLEO, None, START).claim.person == "cleo"


def test_a_reader_takes_a_read_back_until_another_is_built_on_it(cases):
    case_id = read_first(cases)
    answer(cases, BOB, POSITIVE)
    last = undo.last_review(cases, PACKS, BOB)
    assert (last.case_id, last.disposition) == (case_id, POSITIVE)
    assert undo.undo(cases, last, BOB)
    assert count_states(cases, "parts") == {ReadState.READ1: 1}
    again = answer(cases, BOB, NEGATIVE)  # the same case, again before the same person
    assert again.detail.item.case_id == case_id

    task = next_read(cases, PACKS, LEAD, None)
    review.decide(cases, task.detail.item, NEGATIVE, by=LEAD)
    assert not undo.undo(cases, undo.last_review(cases, PACKS, BOB), BOB)
    assert [r.disposition for r in final_reads(cases, "parts")] == [NEGATIVE]
    assert audit.verify(cases).faults == ()


def test_undo_takes_reads_and_first_answers_back_in_the_order_of_writing(cases):
    read_first(cases)
    task = next_read(cases, PACKS, BOB, None)
    earlier = task.claim.claimed_at - timedelta(hours=3)  # the clock is set back
    assert second_read.answer(cases, task.detail.item, POSITIVE, by=BOB, at=earlier)
    first = worklist.next_case(cases, "parts")
    assert reviews.review(cases, first, NEGATIVE, reviewer="bob", at=earlier - timedelta(hours=1))
    order = []
    while (last := undo.last_review(cases, PACKS, BOB)) is not None:
        order.append(last.case_id)
        assert undo.undo(cases, last, BOB)
    assert order == [first.case_id, task.claim.case_id]
    assert audit.verify(cases).faults == ()


def test_a_first_reader_who_corrects_themselves_opens_an_agreed_case_again(cases):
    case_id = read_first(cases)
    answer(cases, BOB, POSITIVE)
    item = worklist.case_detail(cases, case_id).item
    assert review.decide(cases, item, NEGATIVE, by=ANN)
    assert count_states(cases, "parts") == {ReadState.DISPUTED: 1}
    assert final_reads(cases, "parts") == []
    assert undo.undo(cases, undo.last_review(cases, PACKS, ANN), ANN)
    assert count_states(cases, "parts") == {}


def test_a_viewer_is_given_nothing_and_a_reviewer_may_not_adjudicate(cases):
    read_first(cases)
    assert next_read(cases, PACKS, Person("vic", "Vic", Role.VIEWER), None) is None
    answer(cases, BOB, NEGATIVE)
    task = next_read(cases, PACKS, LEAD, None)
    with pytest.raises(PermissionDenied):
        review.decide(cases, task.detail.item, NEGATIVE, by=CLEO)

"""Second reads and adjudications as the store keeps them, on every engine."""

from __future__ import annotations

from core.decision.second_read import BAD_PICTURE, CANNOT_TELL, ReadState
from core.people import Person, Role
from core.records import audit, worklist
from core.records.case_filter import CaseFilter
from core.records.case_search import find_cases
from core.records.final_reads import count_states, final_reads
from core.service.review import review
from core.service.review.blind import blind_cases
from core.service.review.second_read import next_read, open_read
from core.types import Reason
from tests.core.records.second_reads.reads import (
    ANN,
    BOB,
    CLEO,
    DEFER,
    LEAD,
    NEGATIVE,
    PACKS,
    POSITIVE,
    answer,
    read_first,
)


def test_nothing_is_read_twice_until_a_lead_asks_for_it(store, assessment, keep):
    keep(store, assessment(b"one", p=0.9))
    read_first(store)
    assert next_read(store, PACKS, BOB, None) is None
    assert [one.disposition for one in final_reads(store, "parts")] == [POSITIVE]


def test_two_equal_answers_are_agreed_and_two_unlike_ones_go_to_a_third_person(cases):
    one, two = read_first(cases), read_first(cases, disposition=NEGATIVE)
    assert final_reads(cases, "parts") == []
    assert count_states(cases, "parts") == {ReadState.READ1: 2}

    answer(cases, BOB, POSITIVE)
    answer(cases, BOB, POSITIVE)

    assert count_states(cases, "parts") == {ReadState.AGREED: 1, ReadState.DISPUTED: 1}
    assert [(r.case_id, r.disposition) for r in final_reads(cases, "parts")] == [(one, POSITIVE)]
    assert next_read(cases, PACKS, CLEO, None) is None  # a reviewer does not adjudicate
    task = next_read(cases, PACKS, LEAD, None)
    assert task.detail.item.case_id == two
    assert {a.disposition for a in task.answers} == {NEGATIVE, POSITIVE}
    assert [a.reader for a in task.answers] == ["", ""]
    assert review.decide(cases, task.detail.item, POSITIVE, by=LEAD, label="scratch")
    found = {r.case_id: (r.disposition, r.label) for r in final_reads(cases, "parts")}
    assert found == {one: (POSITIVE, ""), two: (POSITIVE, "scratch")}
    assert count_states(cases, "parts") == {ReadState.AGREED: 1, ReadState.ADJUDICATED: 1}
    assert audit.verify(cases).faults == ()


def test_nobody_reads_a_case_twice_or_adjudicates_their_own(cases):
    lead_too = Person("ann", "Ann", Role.LEAD)
    read_first(cases, lead_too)
    assert next_read(cases, PACKS, lead_too, None) is None
    assert next_read(cases, PACKS, Person("ANN ", "Ann", Role.ADMIN), None) is None
    lead_reads = answer(cases, LEAD, NEGATIVE)
    assert next_read(cases, PACKS, LEAD, None) is None
    assert next_read(cases, PACKS, lead_too, None) is None
    item = lead_reads.detail.item
    assert not review.decide(cases, item, POSITIVE, by=lead_too)
    assert open_read(cases, item.case_id, LEAD) is None


def test_what_a_second_reader_is_given_holds_nothing_of_any_answer(cases):
    case_id = read_first(cases, label="dent", comment="at the rim")
    task = next_read(cases, PACKS, BOB, None)

    given = repr(task)
    for hidden in ("ann", "dent", "at the rim", "0.9", "POSITIVE", "REVIEW"):
        assert hidden not in given
    item = task.detail.item
    assert (item.revision, item.positive_probability, item.disposition) == (0, None, DEFER)
    assert task.detail.reviews == ()
    [image] = task.detail.images
    assert (image.decision.probabilities, image.decision.logits) == ((), b"")
    assert [f.reason for f in image.decision.findings] == [Reason.AUDIT]
    assert image.decision.id == worklist.case_detail(cases, case_id).images[0].decision.id


def test_a_search_finds_no_word_of_an_answer_until_the_reads_are_closed(cases):
    case_id = read_first(cases, label="dent", comment="chipped rim")
    words = [CaseFilter(states=(), text=text) for text in ("dent", "chipped")]
    assert [find_cases(cases, one).items for one in words] == [(), ()]

    answer(cases, BOB, POSITIVE)

    found = [[item.case_id for item in find_cases(cases, one).items] for one in words]
    assert found == [[case_id], [case_id]]


def test_a_case_is_blind_to_all_but_its_readers_until_its_reads_are_closed(cases):
    case_id = read_first(cases)
    assert blind_cases(cases, BOB, [case_id]) == {case_id}
    assert blind_cases(cases, LEAD, [case_id]) == {case_id}
    assert blind_cases(cases, ANN, [case_id, "another"]) == frozenset()
    answer(cases, BOB, POSITIVE)
    assert blind_cases(cases, LEAD, [case_id]) == frozenset()


def test_cannot_tell_is_an_answer(cases):
    read_first(cases, disposition=DEFER)
    answer(cases, BOB, DEFER)
    assert count_states(cases, "parts") == {ReadState.UNCLEAR: 1}
    [found] = final_reads(cases, "parts")
    assert (found.disposition, found.label) == (DEFER, CANNOT_TELL)

    read_first(cases, disposition=NEGATIVE)
    answer(cases, BOB, DEFER, BAD_PICTURE)
    assert count_states(cases, "parts")[ReadState.DISPUTED] == 1

"""Cases that nobody is to look at any more: no answer, no wait, and back again."""

from __future__ import annotations

from dataclasses import replace

from core.records import audit, reviews
from core.records.case_answers import case_answers
from core.records.case_filter import CaseFilter, is_hidden
from core.records.case_status import QueueState
from core.records.reviewed_cases import reviewed_cases
from core.records.store import new_decision, record
from core.records.tiles import waiting_tiles
from core.records.withdrawals import ask_again, withdraw
from core.records.worklist import case_detail, counts, next_matching
from core.types import Disposition, Reason, Tile

BUNDLE = "b" * 64
FIELD, OTHER = "f1e1d" * 12, "07e12" * 12


def tiles(store, assessment, parent, number=3):
    made = [
        new_decision(
            replace(assessment(b"%s %d" % (parent.encode(), at)), tile=Tile(parent, at, 0)),
            pack="parts",
            name="a.png",
        )
        for at in range(number)
    ]
    record(store, made)
    return [one.case_id for one in made]


def waits(store):
    found, after = set(), None
    while one := next_matching(store, CaseFilter(packs=("parts",)), after=after):
        after = one.case_id
        found.add(after)
    return found


def test_only_what_waits_is_withdrawn_and_counts_as_no_answer(store, assessment):
    first, second, third = tiles(store, assessment, FIELD)
    other = tiles(store, assessment, OTHER)
    item = case_detail(store, first).item
    assert reviews.review(store, item, Disposition.NEGATIVE, reviewer="Ada")
    assert waiting_tiles(store, "parts", "", FIELD) == sorted((second, third))
    assert waiting_tiles(store, "parts", "another", FIELD) == []

    assert withdraw(store, [first, second, third, "none"], reason="Cut anew.", by="assay") == 2
    assert withdraw(store, [second], reason="Cut anew.", by="assay") == 0

    assert waits(store) == {*other}
    assert counts(store, "parts").waiting[Disposition.DEFER] == len(other)
    assert case_answers(store, [second])[second].answer is None
    assert case_detail(store, second).item.queue_state is QueueState.WITHDRAWN
    assert case_detail(store, second).reviews[-1].comment == "Cut anew."
    assert {one.case_id for one in reviewed_cases(store, "parts", BUNDLE)} == {first, *other}
    assert audit.verify(store).faults == ()


def test_what_was_withdrawn_waits_again_and_may_be_answered(store, assessment):
    first, second, third = tiles(store, assessment, FIELD)
    withdraw(store, [first, second], reason="Cut anew.", by="assay")

    assert ask_again(store, [first, third], by="assay") == 1

    assert waits(store) == {first, third}
    item = case_detail(store, second).item
    assert reviews.review(store, item, Disposition.POSITIVE, reviewer="Ada")
    assert case_answers(store, [second])[second].answer is Disposition.POSITIVE
    assert audit.verify(store).faults == ()


def test_that_a_withdrawn_case_was_drawn_stays_hidden():
    assert is_hidden([Reason.AUDIT], QueueState.WITHDRAWN)
    assert not is_hidden([Reason.AUDIT], QueueState.REVIEWED)

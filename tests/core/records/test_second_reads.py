"""Second reads, adjudications and known cases as the store keeps them, on every engine."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest

from core.decision.second_read import BAD_PICTURE, CANNOT_TELL, ReadState
from core.errors import ConfigError, PermissionDenied
from core.people import Person, Role
from core.records import audit, case_list, over_time, past_window, worklist
from core.records.case_filter import CaseFilter
from core.records.case_search import find_cases
from core.records.final_reads import count_states, final_reads
from core.records.gold_answers import choose_gold, list_gold, withdraw_gold
from core.records.read_claims import LASTS, claim_case, claims_of
from core.records.read_plans import ReadPlan, plan_of, set_plan
from core.records.reviewed_cases import reviewed_cases
from core.service.review import review
from core.service.review.blind import blind_cases
from core.service.review.second_read import next_read, open_read, put_off
from core.types import Disposition, Reason

NEGATIVE, POSITIVE, DEFER = Disposition.NEGATIVE, Disposition.POSITIVE, Disposition.DEFER
START = datetime(2026, 1, 1, tzinfo=UTC)
ANN, BOB, CLEO = (Person(name, name.title(), Role.REVIEWER) for name in ("ann", "bob", "cleo"))
LEAD = Person("lena", "Lena", Role.LEAD)
ALL = ReadPlan(negative=1.0, positive=1.0, defer=1.0)
PACKS = ("parts",)


@pytest.fixture
def cases(store, assessment, keep):
    """Two cases that wait, of which every review is drawn for a second read."""
    set_plan(store, "parts", "", ALL, by="lena")
    for name, p in (("one", 0.9), ("two", 0.5)):
        keep(store, assessment(name.encode(), p=p, group=name))
    return store


def read_first(store, by=ANN, disposition=POSITIVE, label="", comment=""):
    item = worklist.next_case(store, "parts")
    assert review.decide(store, item, disposition, by=by, label=label, comment=comment)
    return item.case_id


def answer(store, by, disposition, label=""):
    task = next_read(store, PACKS, by, None)
    assert review.decide(store, task.detail.item, disposition, by=by, label=label)
    return task


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


def test_later_is_no_answer_and_keeps_the_case_away_for_a_while(cases):
    read_first(cases)
    task = next_read(cases, PACKS, BOB, None, START)
    put_off(cases, task.detail.item, BOB, START)
    assert next_read(cases, PACKS, BOB, None, START) is None
    assert count_states(cases, "parts") == {ReadState.READ1: 1}
    assert next_read(cases, PACKS, CLEO, None, START).claim.person == "cleo"


def test_cannot_tell_is_an_answer(cases):
    read_first(cases, disposition=DEFER)
    answer(cases, BOB, DEFER)
    assert count_states(cases, "parts") == {ReadState.UNCLEAR: 1}
    [found] = final_reads(cases, "parts")
    assert (found.disposition, found.label) == (DEFER, CANNOT_TELL)

    read_first(cases, disposition=NEGATIVE)
    answer(cases, BOB, DEFER, BAD_PICTURE)
    assert count_states(cases, "parts")[ReadState.DISPUTED] == 1


def test_a_reader_takes_a_read_back_until_another_is_built_on_it(cases):
    case_id = read_first(cases)
    answer(cases, BOB, POSITIVE)
    last = review.last_review(cases, PACKS, BOB)
    assert (last.case_id, last.disposition) == (case_id, POSITIVE)
    assert review.undo(cases, last, BOB)
    assert count_states(cases, "parts") == {ReadState.READ1: 1}
    again = answer(cases, BOB, NEGATIVE)  # the same case, again before the same person
    assert again.detail.item.case_id == case_id

    task = next_read(cases, PACKS, LEAD, None)
    review.decide(cases, task.detail.item, NEGATIVE, by=LEAD)
    assert not review.undo(cases, review.last_review(cases, PACKS, BOB), BOB)
    assert [r.disposition for r in final_reads(cases, "parts")] == [NEGATIVE]
    assert audit.verify(cases).faults == ()


def test_a_first_reader_who_corrects_themselves_opens_an_agreed_case_again(cases):
    case_id = read_first(cases)
    answer(cases, BOB, POSITIVE)
    item = worklist.case_detail(cases, case_id).item
    assert review.decide(cases, item, NEGATIVE, by=ANN)
    assert count_states(cases, "parts") == {ReadState.DISPUTED: 1}
    assert final_reads(cases, "parts") == []
    assert review.undo(cases, review.last_review(cases, PACKS, ANN), ANN)
    assert count_states(cases, "parts") == {}


def test_a_second_read_of_fewer_pictures_counts_no_more(cases, assessment, keep):
    case_id = read_first(cases)
    task = next_read(cases, PACKS, BOB, None)
    keep(cases, assessment(b"more", p=0.9, group="one"))
    assert not review.decide(cases, task.detail.item, POSITIVE, by=BOB)
    item = worklist.case_detail(cases, case_id).item
    assert review.decide(cases, item, POSITIVE, by=ANN)
    assert answer(cases, BOB, POSITIVE).detail.item.images == 2


def test_reads_for_the_stages_of_autonomy_are_what_the_readers_came_to(cases):
    one, two = read_first(cases, disposition=NEGATIVE), read_first(cases)
    assert case_list.reads(cases, "parts") == []
    answer(cases, BOB, POSITIVE)
    answer(cases, BOB, POSITIVE)
    found = {r.case_id: (r.first, r.last) for r in case_list.reads(cases, "parts")}
    assert found == {two: (POSITIVE, POSITIVE)}
    task = next_read(cases, PACKS, LEAD, None)
    review.decide(cases, task.detail.item, POSITIVE, by=LEAD)
    found = {r.case_id: (r.first, r.last) for r in case_list.reads(cases, "parts")}
    assert found == {one: (POSITIVE, POSITIVE), two: (POSITIVE, POSITIVE)}


def test_the_share_of_a_verdict_is_drawn_and_the_draw_stays_when_the_share_grows(
    store, assessment, keep
):
    set_plan(store, "parts", "", ReadPlan(positive=0.2), by="lena")
    seed = plan_of(store, "parts").seed
    keep(store, *(assessment(b"%d" % n, p=0.9) for n in range(150)))
    keep(store, *(assessment(b"d%d" % n, p=0.5) for n in range(20)))
    while (item := worklist.next_case(store, "parts")) is not None:
        review.decide(store, item, POSITIVE, by=ANN)
    drawn = count_states(store, "parts")[ReadState.READ1]
    assert 17 <= drawn <= 45  # 30 expected; no deferred one is among them
    wider = set_plan(store, "parts", "", ReadPlan(positive=0.5), by="lena")
    assert wider.seed == seed != ""
    assert plan_of(store, "parts", "another product") == wider
    assert audit.verify(store).faults == ()


@pytest.mark.parametrize(
    "plan", [ReadPlan(negative=1.1), ReadPlan(defer=-0.1), ReadPlan(gold=0.2), ReadPlan(target=1.0)]
)
def test_a_share_that_is_none_is_refused(store, plan):
    with pytest.raises(ConfigError):
        set_plan(store, "parts", "", plan, by="lena")


def test_a_known_case_comes_among_the_others_and_changes_nothing_of_its_own(cases):
    set_plan(cases, "parts", "", ReadPlan(gold=0.03), by="lena")
    case_id = read_first(cases)
    before = worklist.case_detail(cases, case_id)
    choose_gold(cases, case_id, NEGATIVE, by="lena")
    upcoming = worklist.next_case(cases, "parts")

    found = {}
    for n in range(400):
        somebody = Person(f"reader {n}", "R", Role.REVIEWER)
        if (task := next_read(cases, PACKS, somebody, upcoming)) is not None:
            found[somebody] = task
    assert 4 <= len(found) <= 24  # 12 expected
    somebody, task = next(iter(found.items()))
    assert (task.kind, task.detail.item.case_id) == ("gold", case_id)
    assert review.decide(cases, task.detail.item, POSITIVE, by=somebody)
    assert not review.decide(cases, task.detail.item, POSITIVE, by=somebody)
    assert next_read(cases, PACKS, somebody, upcoming) is None
    assert worklist.case_detail(cases, case_id) == before
    assert [r.disposition for r in final_reads(cases, "parts")] == [POSITIVE]
    assert audit.verify(cases).faults == ()
    withdraw_gold(cases, case_id, by="lena")
    assert list_gold(cases, "parts") == []
    other, waiting = list(found.items())[1]
    assert not review.decide(cases, waiting.detail.item, POSITIVE, by=other)
    with pytest.raises(ConfigError):
        choose_gold(cases, case_id, DEFER, by="lena")


def test_whoever_read_a_case_first_is_not_measured_on_it(cases):
    set_plan(cases, "parts", "", ReadPlan(gold=0.03), by="lena")
    readers = [Person(f"reader {n}", "R", Role.REVIEWER) for n in range(400)]
    case_id = read_first(cases, ANN)
    choose_gold(cases, case_id, POSITIVE, by="lena")
    upcoming = worklist.next_case(cases, "parts")
    chosen = next(r for r in readers if next_read(cases, PACKS, r, upcoming) is not None)
    item = worklist.case_detail(cases, case_id).item
    review.decide(cases, item, POSITIVE, by=chosen)
    put_off(cases, next_read(cases, PACKS, chosen, upcoming).detail.item, chosen)
    assert next_read(cases, PACKS, chosen, upcoming) is None


def test_a_viewer_is_given_nothing_and_a_reviewer_may_not_adjudicate(cases):
    read_first(cases)
    assert next_read(cases, PACKS, Person("vic", "Vic", Role.VIEWER), None) is None
    answer(cases, BOB, NEGATIVE)
    task = next_read(cases, PACKS, LEAD, None)
    with pytest.raises(PermissionDenied):
        review.decide(cases, task.detail.item, NEGATIVE, by=CLEO)


def test_an_altered_state_of_reads_is_found(cases, execute):
    read_first(cases)
    execute(cases, "UPDATE read_status SET state = 'agreed', disposition = 'negative'")
    assert [f.kind for f in audit.verify(cases).faults] == ["read status differs"]


def test_every_figure_takes_the_reads_for_what_they_came_to_and_open_ones_for_none(cases):
    one, two = read_first(cases, disposition=NEGATIVE, label="ok"), read_first(cases)
    bundle = worklist.case_detail(cases, one).images[0].decision.bundle_sha256

    def answers():
        past = past_window.read_window(cases, "parts", "", bundle, START).past
        names = dict(zip(past.case_id.tolist(), past.answer.tolist(), strict=True))
        return {
            "recertification": {
                c.case_id: (c.answer, c.label)
                for c in reviewed_cases(cases, "parts", bundle)
                if c.answer is not None
            },
            "quality": {name for name, place in names.items() if place >= 0},
            "overview": {
                c.case_id: c.answer for c in over_time.answered_since(cases, "parts", START)
            },
        }

    nothing = {"recertification": {}, "quality": set(), "overview": {}}
    assert answers() == nothing
    answer(cases, BOB, POSITIVE)
    assert answers() == nothing  # they differ
    answer(cases, BOB, POSITIVE, "scratch")
    task = next_read(cases, PACKS, LEAD, None)
    assert review.decide(cases, task.detail.item, POSITIVE, by=LEAD, label="dent")
    found = answers()
    assert found["recertification"] == {one: (POSITIVE, "dent"), two: (POSITIVE, "scratch")}
    assert found["quality"] == {one, two}
    assert found["overview"] == {one: POSITIVE, two: POSITIVE}

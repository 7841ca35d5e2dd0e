"""Which cases are read twice, known cases, and what figures make of reads, on every engine."""

from __future__ import annotations

import pytest

from core.decision.second_read import ReadState
from core.errors import ConfigError
from core.people import Person, Role
from core.records import audit, over_time, past_window, read_list, worklist
from core.records.final_reads import count_states, final_reads
from core.records.gold_answers import choose_gold, list_gold, withdraw_gold
from core.records.read_plans import ReadPlan, plan_of, set_plan
from core.records.reviewed_cases import reviewed_cases
from core.service.review import review
from core.service.review.second_read import next_read, put_off
from tests.core.records.second_reads.reads import (
    ANN,
    BOB,
    DEFER,
    LEAD,
    NEGATIVE,
    PACKS,
    POSITIVE,
    START,
    answer,
    read_first,
)


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
    assert read_list.reads(cases, "parts") == []
    answer(cases, BOB, POSITIVE)
    answer(cases, BOB, POSITIVE)
    found = {r.case_id: (r.first, r.last) for r in read_list.reads(cases, "parts")}
    assert found == {two: (POSITIVE, POSITIVE)}
    task = next_read(cases, PACKS, LEAD, None)
    review.decide(cases, task.detail.item, POSITIVE, by=LEAD)
    found = {r.case_id: (r.first, r.last) for r in read_list.reads(cases, "parts")}
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

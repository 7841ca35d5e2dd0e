from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest

from core.records import audit, worklist
from core.records.case_status import QueueState
from core.records.final_reads import final_reads
from core.records.reviews import review, undo
from core.types import Disposition

NEGATIVE, POSITIVE = Disposition.NEGATIVE, Disposition.POSITIVE
START = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def item(store, assessment, keep):
    keep(store, assessment(b"one", p=0.9, group="part 1"))
    return worklist.next_case(store, "parts")


def test_ten_presses_at_once_write_one_review(store, item):
    gate = Barrier(10)

    def press(n):
        gate.wait()
        return review(store, item, POSITIVE, reviewer=f"hand {n}")

    with ThreadPoolExecutor(10) as pool:
        won = list(pool.map(press, range(10)))

    assert sum(won) == 1
    [stored] = final_reads(store, "parts")
    assert stored.reviewer == f"hand {won.index(True)}"
    assert audit.verify(store).events == 2


def test_a_reviewed_case_leaves_the_queue_and_an_undone_one_comes_back(store, item):
    assert review(store, item, NEGATIVE, reviewer="ann")
    assert worklist.next_case(store, "parts") is None

    assert undo(store, item.case_id, 1, reviewer="bob")

    back = worklist.next_case(store, "parts")
    assert (back.case_id, back.revision) == (item.case_id, 2)
    assert final_reads(store, "parts") == []


def test_an_undo_is_a_row_of_its_own_that_supersedes_the_review(store, item):
    review(store, item, NEGATIVE, reviewer="ann", at=START)
    undo(store, item.case_id, 1, reviewer="bob", at=START + timedelta(hours=1))

    stored, undone = worklist.case_detail(store, item.case_id).reviews

    assert (stored.kind, stored.disposition, stored.reviewer) == ("review", NEGATIVE, "ann")
    assert (undone.kind, undone.disposition, undone.reviewer) == ("undo", None, "bob")
    assert (stored.supersedes, undone.supersedes) == ("", f"{item.case_id}-0")


def test_an_undo_pressed_twice_undoes_once(store, item):
    review(store, item, NEGATIVE, reviewer="ann")

    assert [undo(store, item.case_id, 1, reviewer="ann") for _ in range(3)] == [True, False, False]
    assert not undo(store, item.case_id, 2, reviewer="ann")


@pytest.mark.parametrize("revision", [0, 1, 7, -1])
def test_there_is_nothing_to_undo_before_the_first_review(store, item, revision):
    assert not undo(store, item.case_id, revision, reviewer="ann")
    assert not undo(store, "nope", revision, reviewer="ann")


def test_a_second_thought_supersedes_the_first(store, item):
    review(store, item, NEGATIVE, reviewer="ann")
    shown = worklist.case_detail(store, item.case_id).item

    assert review(store, shown, POSITIVE, reviewer="ann")

    [stored] = final_reads(store, "parts")
    assert (stored.revision, stored.disposition) == (1, POSITIVE)
    assert stored.supersedes == f"{item.case_id}-0"


def test_a_page_shown_before_another_image_came_reviews_nothing(store, assessment, keep, item):
    keep(store, assessment(b"two", p=0.1, group="part 1"))

    assert not review(store, item, NEGATIVE, reviewer="ann")
    fresh = worklist.next_case(store, "parts")
    assert (fresh.images, fresh.decision_id) == (2, item.decision_id)
    assert review(store, fresh, NEGATIVE, reviewer="ann")


def test_a_page_shown_before_a_new_verdict_came_reviews_nothing(store, assessment, keep, item):
    keep(store, assessment(b"one", p=0.5, group="part 1", policy="new"))

    assert not review(store, item, NEGATIVE, reviewer="ann")


def test_a_reviewed_case_waits_again_when_another_image_comes(store, assessment, keep, item):
    review(store, item, NEGATIVE, reviewer="ann")
    keep(store, assessment(b"two", p=0.3, group="part 1"))

    again = worklist.next_case(store, "parts")

    assert (again.case_id, again.revision, again.images) == (item.case_id, 1, 2)


def test_a_reviewed_case_stays_reviewed_when_its_image_is_judged_anew(
    store, assessment, keep, item
):
    review(store, item, NEGATIVE, reviewer="ann")
    keep(store, assessment(b"one", p=0.95, group="part 1", policy="new"))

    assert worklist.next_case(store, "parts") is None
    assert worklist.case_detail(store, item.case_id).item.queue_state == QueueState.REVIEWED


def test_recent_reviews_come_newest_first_and_per_pack(store, assessment, keep):
    for n in range(4):
        keep(store, assessment(b"%d" % n, p=0.9), pack="crops" if n == 3 else "parts")
    for n, pack in enumerate(["parts", "crops", "parts", "parts"]):
        observed = worklist.next_case(store, pack)
        review(store, observed, POSITIVE, reviewer=str(n), at=START + timedelta(hours=n))

    assert [one.reviewer for one in final_reads(store, "parts")] == ["3", "2", "0"]
    assert [one.reviewer for one in final_reads(store, "parts", limit=1)] == ["3"]
    assert [one.reviewer for one in final_reads(store, "crops", limit=None)] == ["1"]


def test_hostile_text_from_a_form_is_kept(store, item):
    assert review(store, item, NEGATIVE, reviewer="a\x00", label="\udcff", comment="=1+1\x00")

    assert audit.verify(store).faults == ()

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from core.errors import StoreError
from core.records import audit, worklist
from core.records.case_status import QueueState
from core.records.cases import Counts
from core.records.reviews import review
from core.records.store import decision
from core.types import Disposition, Reason

START = datetime(2026, 1, 1, tzinfo=UTC)
SCORES = st.none() | st.sampled_from([0.0, 0.1, 0.2, 0.3, 0.5, 0.9, 1.0])


def queue(store, pack="parts", **given):
    found, after = [], None
    while item := worklist.next_case(store, pack, after=after, **given):
        found.append(item)
        after = item.case_id
    return found


def expected_order(cases):
    """Sort (name, scores) by hand: limits are 0.2 and 0.8, None was never scored."""
    waiting = [c for c in cases if any(p is None or p > 0.2 for p in c[1])]
    negative = [c for c in cases if c not in waiting]

    def worst_first(case):
        return -2.0 if None in case[1] else -max(case[1])

    return [name for part in (waiting, negative) for name, _ in sorted(part, key=worst_first)]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(scores=st.lists(st.lists(SCORES, min_size=1, max_size=3), max_size=8))
def test_the_queue_is_worst_first_and_first_come_first_served_among_equals(
    store, assessment, keep, scores
):
    pack = "p" + uuid4().hex
    cases = [(f"case {n}", some) for n, some in enumerate(scores)]
    for n, (name, some) in enumerate(cases):
        contents = [f"{pack} {n} {i}".encode() for i in range(len(some))]
        images = [assessment(c, p=p, group=name) for c, p in zip(contents, some, strict=True)]
        keep(store, *images, pack=pack, at=START + timedelta(seconds=n))

    asked = queue(store, pack, negatives=True)

    assert [item.key for item in asked] == expected_order(cases)
    assert queue(store, pack) == [item for item in asked if item.queue_state == QueueState.WAITING]


@pytest.mark.parametrize(
    ("scores", "worst", "probability"),
    [
        ((0.1, 0.5, 0.9), Disposition.POSITIVE, 0.9),
        ((0.1, 0.5), Disposition.DEFER, 0.5),
        ((0.1, 0.0), Disposition.NEGATIVE, 0.1),
        ((0.1, None), Disposition.DEFER, None),
        ((0.9, None), Disposition.POSITIVE, None),
    ],
)
def test_the_verdict_of_a_case_is_the_worst_of_its_images(
    store, assessment, keep, scores, worst, probability
):
    ids = keep(store, *(assessment(str(p).encode(), p=p, group="part 1") for p in scores))

    [item] = queue(store, negatives=True)

    assert (item.disposition, item.positive_probability) == (worst, probability)
    assert (item.images, item.revision) == (len(scores), 0)
    assert item.decision_id in ids
    assert decision(store, item.decision_id).disposition == worst


def test_the_latest_decision_of_each_image_is_the_one_that_counts(store, assessment, keep):
    keep(store, assessment(p=0.9, policy="old"))
    [new] = keep(store, assessment(p=0.1, policy="new"))

    [item] = queue(store, negatives=True)

    assert (item.decision_id, item.queue_state) == (new, QueueState.NEGATIVE)


def test_a_new_decision_reaches_every_case_that_holds_the_content(store, assessment, keep):
    keep(store, assessment(p=0.1, group="part 1"))
    keep(store, assessment(p=0.1, group="part 2"))
    keep(store, assessment(p=0.9, group="part 1", policy="new"))

    assert {item.key for item in queue(store)} == {"part 1", "part 2"}


def test_a_negative_drawn_for_the_audit_waits_for_a_person(store, assessment, keep):
    keep(store, assessment(b"drawn", p=0.1, reason=Reason.AUDIT))
    keep(store, assessment(b"other", p=0.1))

    [item] = queue(store)

    assert (item.disposition, item.queue_state) == (Disposition.NEGATIVE, QueueState.WAITING)


def test_nothing_of_a_waiting_case_tells_that_it_was_drawn(store, assessment, keep):
    ordinary = [b"ordinary %d" % number for number in range(40)]
    drawn = [b"drawn %d" % number for number in range(40)]
    keep(store, *(assessment(one, p=0.3 + number / 80) for number, one in enumerate(ordinary)))
    keep(store, *(assessment(one, p=0.01, reason=Reason.AUDIT) for one in drawn))
    items = queue(store)
    is_drawn = [item.disposition is Disposition.NEGATIVE for item in items]
    assert sum(is_drawn) == 40
    places = np.flatnonzero(is_drawn)
    # By their own probability they would all be behind the others, at 40 to 79.
    assert 25 < places.mean() < 55
    assert places.min() < 10
    assert {
        item.positive_probability for item in items if item.disposition is Disposition.NEGATIVE
    } == {None}
    assert audit.verify(store).faults == ()


def test_packs_have_queues_of_their_own(store, assessment, keep):
    keep(store, assessment(b"one"), pack="parts")
    keep(store, assessment(b"two"), pack="crops")

    assert [len(queue(store, pack)) for pack in ("parts", "crops", "xray")] == [1, 1, 0]


def test_an_image_without_a_decision_of_its_pack_is_never_negative(store, assessment, keep):
    keep(store, assessment(p=0.1), pack="parts")
    keep(store, assessment(p=0.1), pack="crops")

    [item] = queue(store, "crops")

    assert (item.disposition, item.positive_probability) == (Disposition.DEFER, None)
    assert worklist.case_detail(store, item.case_id).images[0].decision is None


def test_counts_add_up_over_waiting_negative_and_reviewed(store, assessment, keep):
    for n, p in enumerate([0.9, 0.95, 0.5, 0.1, 0.15, None]):
        keep(store, assessment(b"%d" % n, p=p))
    keep(store, assessment(b"drawn", p=0.1, reason=Reason.AUDIT))
    worst = worklist.next_case(store, "parts")
    review(store, worst, Disposition.POSITIVE, reviewer="ann")

    found = worklist.counts(store, "parts")

    negative, positive, defer = Disposition.NEGATIVE, Disposition.POSITIVE, Disposition.DEFER
    assert found == Counts(
        waiting={negative: 1, positive: 2, defer: 1},
        negative=2,
        reviewed={negative: 0, positive: 0, defer: 1},
    )


def test_a_case_shows_its_images_with_their_decisions_and_its_reviews(store, assessment, keep):
    one, two = keep(
        store, assessment(b"one", p=0.9, group="part 1"), assessment(b"two", p=0.3, group="part 1")
    )
    item = worklist.next_case(store, "parts")
    review(store, item, Disposition.NEGATIVE, reviewer="ann", label="ok", comment="dust", at=START)

    detail = worklist.case_detail(store, item.case_id)

    assert (detail.item.revision, detail.item.queue_state) == (1, QueueState.REVIEWED)
    assert {image.decision.id for image in detail.images} == {one, two}
    assert {image.name for image in detail.images} == {"a.png"}
    [stored] = detail.reviews
    assert (stored.key, stored.reviewer, stored.label, stored.comment) == (
        "part 1",
        "ann",
        "ok",
        "dust",
    )
    assert (stored.disposition, stored.reviewed_at) == (Disposition.NEGATIVE, START)
    assert (stored.decision_id, stored.images, stored.supersedes) == (one, 2, "")


@pytest.mark.parametrize(
    "ask",
    [
        lambda store: worklist.case_detail(store, "nope"),
        lambda store: worklist.next_case(store, "parts", after="nope"),
    ],
)
def test_an_unknown_case_is_a_store_error_that_names_it(store, ask):
    with pytest.raises(StoreError, match="no case 'nope'"):
        ask(store)


def steps(store, ask):
    """Count the steps that SQLite's virtual machine takes for a question."""
    counted = 0

    def count():
        nonlocal counted
        counted += 1

    def watch(raw, *_):
        raw.set_progress_handler(count, 1)

    event.listen(store.engine, "checkout", watch)
    ask()
    event.remove(store.engine, "checkout", watch)
    return counted


def test_the_next_case_takes_no_more_steps_however_many_cases_there_are(
    sqlite_store, assessment, keep
):
    store = sqlite_store

    def fill_and_measure(first, last):
        keep(store, *(assessment(b"%d" % n, p=n / 3000) for n in range(first, last, 3)))
        top = worklist.next_case(store, "parts")
        review(store, top, Disposition.NEGATIVE, reviewer="ann")
        deep = queue(store)[-2].case_id
        return [
            steps(store, lambda: worklist.next_case(store, "parts")),
            steps(store, lambda: worklist.next_case(store, "parts", after=deep)),
            steps(store, lambda: worklist.next_case(store, "parts", after=deep, negatives=True)),
        ]

    few = fill_and_measure(1200, 1260)
    many = fill_and_measure(0, 3000)

    assert all(few)
    assert max(n / f for n, f in zip(many, few, strict=True)) < 1.2

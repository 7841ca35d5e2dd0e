from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select

from core.errors import StoreError
from core.records import audit, blobs
from core.records.connection import reading
from core.records.store import (
    decision,
    decisions,
    new_decision,
    open_store,
    record,
    record_decisions,
    recorded_blobs,
)
from core.records.tables import AUDIT_EVENTS, CASE_STATUS, CASES, DECISIONS, HEADERS, IMAGES
from core.types import Disposition, Reason


def sizes(store):
    with reading(store) as connection:
        return [
            connection.scalar(select(func.count()).select_from(table))
            for table in (CASES, IMAGES, DECISIONS, CASE_STATUS, AUDIT_EVENTS)
        ]


def test_recording_the_same_batch_again_adds_nothing(store, assessment, keep):
    batch = [assessment(b"one"), assessment(b"two")]

    first = keep(store, *batch)
    before = sizes(store)
    second = keep(store, *reversed(batch))

    assert second == first[::-1]
    assert sizes(store) == before == [2, 2, 2, 2, 1]


def test_what_was_decided_first_stands_when_the_same_content_is_judged_again(
    store, assessment, keep
):
    [kept] = keep(store, assessment(p=0.9))
    [again] = keep(store, assessment(p=0.1))

    assert kept == again
    assert decision(store, kept).positive_probability == 0.9


def test_ids_come_in_the_order_of_the_batch_with_repeats(store, assessment, keep):
    ids = keep(store, assessment(b"b"), assessment(b"a"), assessment(b"b"))

    assert ids[0] == ids[2] != ids[1]
    assert [d.id for d in decisions(store)] == [ids[1], ids[0]]


def test_one_content_in_two_cases_is_one_decision_and_two_images(store, assessment, keep):
    keep(store, assessment(group="part 1"))
    keep(store, assessment(group="part 2"))

    assert sizes(store) == [2, 2, 1, 2, 2]


def test_a_new_policy_is_a_new_decision_on_the_same_image(store, assessment, keep):
    keep(store, assessment(policy="policy-1"))
    keep(store, assessment(policy="policy-2"))

    assert sizes(store) == [1, 1, 2, 1, 2]


def test_a_batch_that_fails_half_way_leaves_nothing(store, assessment, keep):
    good = new_decision(assessment(b"one"), pack="parts", name="a.png")
    spoilt = replace(good, decision=replace(good.decision, policy_id="p2", wording="\udcff"))

    with pytest.raises(UnicodeEncodeError):
        record(store, [good, spoilt])

    assert sizes(store) == [0, 0, 0, 0, 0]


def test_decisions_are_filtered_by_every_field_offered(store, assessment, keep):
    early, late = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    record(
        store,
        [
            new_decision(assessment(b"one", p=0.9), pack="parts", name="1", at=early),
            new_decision(assessment(b"two", p=0.1), pack="parts", name="2", at=late),
            new_decision(
                assessment(b"six", p=0.1, policy="other"), pack="crops", name="3", at=late
            ),
        ],
    )

    def found(**filters):
        return [d.positive_probability for d in decisions(store, **filters)]

    assert found() == [0.1, 0.1, 0.9]
    assert found(pack="parts") == [0.1, 0.9]
    assert found(policy_id="other", bundle_sha256="b" * 64) == [0.1]
    assert found(bundle_sha256="c" * 64) == []
    assert found(disposition=Disposition.POSITIVE) == [0.9]
    assert found(since=late, pack="parts") == [0.1]
    assert found(limit=2) == [0.1, 0.1]


def test_the_decisions_that_hold_are_returned_as_they_are_on_record(store, assessment):
    def new(content, **given):
        return new_decision(assessment(content, **given), pack="parts", name="a.png")

    ((earlier, first),) = record_decisions(store, [new(b"one", p=0.9)])
    stalled = new(b"six", p=None, reason=Reason.FAULT)
    ((provisional, _),) = record_decisions(store, [stalled])

    kept = record_decisions(store, [new(b"one", p=0.1), new(b"two", p=-0.0), new(b"six", p=0.3)])

    assert kept == [(name, decision(store, name)) for name, _ in kept]
    assert kept[0] == (earlier, first)
    assert str(kept[1][1].positive_probability) == "0.0"
    assert kept[2][1].supersedes == provisional
    assert [one.positive_probability for _, one in kept] == [0.9, 0.0, 0.3]


def test_a_header_that_comes_late_is_kept_with_the_image_that_is_there(store, assessment):
    bare = new_decision(assessment(b"one"), pack="parts", name="a.png")
    record(store, [bare])
    record(store, [replace(bare, meta={"format": "PNG"})])

    with reading(store) as connection:
        assert connection.execute(select(HEADERS)).one() == (bare.image_id, '{"format": "PNG"}')
    assert audit.verify(store).faults == ()


def test_an_unknown_decision_is_a_store_error_that_names_it(store):
    with pytest.raises(StoreError, match="no decision 'nope'"):
        decision(store, "nope")


def test_recorded_blobs_names_every_picture_but_those_never_read(store, assessment, keep):
    keep(store, assessment(b"one"), assessment(b"one", group="g"), assessment(b"", p=None))

    assert recorded_blobs(store) == blobs.put_many(store.blobs, [b"one"])


def start(script, *arguments):
    command = [sys.executable, str(script), *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_processes_that_open_and_fill_a_new_store_at_once_neither_fail_nor_repeat(
    address, tmp_path, ingest_script
):
    folder = tmp_path / "blobs"
    workers = [start(ingest_script, address, folder, 0, 96) for _ in (1, 2, 3)]
    outcomes = [worker.communicate() for worker in workers]

    assert [worker.returncode for worker in workers] == [0, 0, 0], outcomes
    assert len({out for out, _ in outcomes}) == 1
    store = open_store(address, folder)
    assert sizes(store)[:4] == [96, 96, 96, 96]
    assert audit.verify(store).faults == ()
    assert blobs.verify(folder, recorded_blobs(store)) == blobs.BlobReport(96, (), ())
    store.close()


def test_a_killed_process_loses_nothing_that_it_acknowledged(address, tmp_path, ingest_script):
    folder = tmp_path / "blobs"
    rng = random.Random(11)
    acknowledged: set[str] = set()
    for round_ in (0, 1):
        # Two at a time over overlapping pictures, far more than they will ever reach.
        workers = [
            start(ingest_script, address, folder, 9000 * round_ + n, 9000 * round_ + 9000)
            for n in (0, 16)
        ]
        first = [worker.stdout.readline() for worker in workers]
        for worker in workers:
            time.sleep(rng.random() / 4)
            worker.send_signal(signal.SIGKILL)
        for line, worker in zip(first, workers, strict=True):
            rest, errors = worker.communicate()
            assert line, errors
            acknowledged |= set((line + rest[: rest.rfind("\n") + 1]).split())

    store = open_store(address, folder)
    kept = decisions(store)
    assert acknowledged <= {d.id for d in kept}
    assert len({d.content_key for d in kept}) == len(kept)
    assert blobs.verify(folder, recorded_blobs(store)).missing == ()
    assert blobs.verify(folder).altered == ()
    assert audit.verify(store).faults == ()
    store.close()

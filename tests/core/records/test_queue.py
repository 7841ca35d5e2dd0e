"""The queue against a model of it, on every engine, and among several processes."""

import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from core.packs import priorities_of
from core.records import failed_jobs, queue
from core.records.connection import writing
from core.records.store import open_store
from core.records.tables import JOBS

START = datetime(2026, 1, 1, tzinfo=UTC)
LEASE = 10


def at(seconds):
    return START + timedelta(seconds=seconds)


def ask(store, key, *, kind="assess", pack="parts", seconds=0, priority=0, payload=None):
    with writing(store) as connection:
        return queue.add(
            connection,
            kind,
            key,
            pack=pack,
            payload=payload or {},
            at=at(seconds),
            priority=priority,
        )


def claim(store, *, kinds=("assess",), worker="w", seconds=0, limit=10, packs=None):
    return queue.claim(
        store, kinds, worker=worker, lease_s=LEASE, limit=limit, packs=packs, at=at(seconds)
    )


def finish(store, done, seconds=0):
    with writing(store) as connection:
        queue.finish(connection, done, at=at(seconds))


def fail(store, job, *, wait_s=5, max_tries=None, seconds=0):
    return queue.fail(store, job, "P", wait_s=wait_s, max_tries=max_tries, at=at(seconds))


def test_priority_comes_before_first_come_and_a_batch_is_no_longer_than_asked(store):
    for seconds, (key, priority) in enumerate([("a", 0), ("b", 5), ("c", 0), ("d", 5)]):
        ask(store, key, seconds=seconds, priority=priority)
    order = [job.key for _ in range(2) for job in claim(store, seconds=9, limit=3)]
    assert order == ["b", "d", "a", "c"]


def test_a_worker_gets_only_the_kinds_and_packs_it_can_do(store):
    ask(store, "a", kind="assess", pack="parts")
    ask(store, "b", kind="assess", pack="crops")
    ask(store, "c", kind="xray.send", pack="xray")
    assert [job.key for job in claim(store, packs=["crops"])] == ["b"]
    assert [job.key for job in claim(store, kinds=["xray.send", "xray.answer"])] == ["c"]
    assert claim(store, kinds=[]) == []
    assert [(job.key, job.pack) for job in claim(store)] == [("a", "parts")]


def test_the_payload_comes_back_as_it_was_given_and_text_no_engine_keeps_is_spelt_out(store):
    ask(store, "a\x00b", payload={"sha256": "f" * 64, "name": "pla\x00te\udcff Ä.dcm"})
    (job,) = claim(store)
    assert job.key == "a\\x00b"
    assert job.payload == {"sha256": "f" * 64, "name": "pla\\x00te\\udcff Ä.dcm"}


def test_a_job_asked_for_while_it_is_under_way_is_done_once_more_with_the_newer_payload(store):
    ask(store, "a", payload={"n": "1"})
    (first,) = claim(store)
    assert ask(store, "a", payload={"n": "2"})
    assert claim(store, seconds=1) == []
    finish(store, [first], seconds=2)
    (second,) = claim(store, seconds=2)
    assert (second.payload, second.tries) == ({"n": "2"}, 1)
    finish(store, [second], seconds=3)
    assert claim(store, seconds=100) == []


def test_news_of_a_job_that_is_given_up_meanwhile_opens_it_instead(store):
    ask(store, "a")
    (job,) = claim(store)
    ask(store, "a")
    assert not fail(store, job, max_tries=1)
    assert failed_jobs.failed_jobs(store)[0].state is queue.State.WAITING


def test_a_job_whose_lease_ran_out_belongs_to_the_next_worker_alone(store):
    ask(store, "a")
    (late,) = claim(store, worker="late")
    (early,) = claim(store, worker="early", seconds=LEASE)
    assert (late.tries, early.tries) == (1, 2)
    finish(store, [late], seconds=LEASE)
    queue.renew(store, [late], 1e6, at=at(LEASE))
    assert not fail(store, late, max_tries=1, seconds=LEASE)
    assert queue.waiting(store) == {("assess", "leased"): 1}
    finish(store, [early], seconds=LEASE + 1)
    assert queue.waiting(store) == {("assess", "done"): 1}


def test_holding_on_to_a_job_keeps_it_from_others(store):
    ask(store, "a")
    leased = claim(store)
    queue.renew(store, leased, LEASE, at=at(LEASE - 1))
    assert claim(store, worker="other", seconds=2 * LEASE - 2) == []
    assert len(claim(store, worker="other", seconds=2 * LEASE - 1)) == 1


YEARS = 4 * 365 * 86_400


def test_a_job_asked_for_or_held_by_a_clock_that_was_years_ahead_is_done_today(store):
    ask(store, "asked", seconds=YEARS)
    ask(store, "held")
    ask(store, "failed")
    leased, failed = (job for job in claim(store, seconds=YEARS) if job.key != "asked")
    queue.renew(store, [leased], LEASE, at=at(YEARS))
    assert not fail(store, failed, seconds=YEARS)
    assert {job.key for job in claim(store, worker="other")} == {"asked", "held", "failed"}
    assert claim(store, worker="third") == []


def test_clocks_of_two_machines_that_differ_by_minutes_do_not_take_each_others_jobs(store):
    ask(store, "a")
    assert len(claim(store, seconds=1800)) == 1
    assert claim(store, worker="other") == []


def test_a_job_that_is_put_back_was_not_tried(store):
    ask(store, "a")
    queue.release(store, claim(store), wait_s=3, at=at(0))
    assert claim(store, seconds=2) == []
    (job,) = claim(store, seconds=3)
    assert job.tries == 1


def test_three_tries_then_quarantine_until_a_person_opens_it_again(store):
    ask(store, "a")
    outcomes = [
        fail(store, *claim(store, seconds=10 * n), max_tries=3, seconds=10 * n) for n in range(3)
    ]
    assert outcomes == [False, False, True]
    assert claim(store, seconds=1000) == []
    assert not ask(store, "a", seconds=1000)
    (failed,) = failed_jobs.failed_jobs(store)
    assert (failed.state, failed.problem, failed.job.tries) == ("given up", "P", 3)
    assert failed_jobs.reopen(store, failed.job.id, at=at(1000))
    (again,) = claim(store, seconds=1000)
    assert (again.key, again.tries) == ("a", 1)
    assert not failed_jobs.reopen(store, again.id)
    assert not failed_jobs.reopen(store, "nothing")


def test_a_job_that_waits_for_its_next_try_is_listed_with_its_problem_and_can_be_hurried(store):
    ask(store, "a")
    fail(store, *claim(store), wait_s=600)
    assert claim(store, seconds=599) == []
    (failed,) = failed_jobs.failed_jobs(store)
    assert (failed.state, failed.problem) == ("waiting", "P")
    assert failed.not_before == at(600)
    assert failed_jobs.reopen(store, failed.job.id, at=at(10))
    finish(store, claim(store, seconds=10), seconds=11)
    assert failed_jobs.failed_jobs(store) == []


@pytest.mark.parametrize(
    ("got", "expected"), [("STAT", 20), ("stat", 20), ("HIGH", 10), ("ROUTINE", 0), ("", 0)]
)
def test_priority_is_read_from_what_a_file_says(got, expected):
    assert queue.priority_of({"priority": got}, priorities_of("xray")) == expected


@dataclass
class Modelled:
    """One job as it should be."""

    added: int
    turn: int
    priority: int
    since: int
    state: str = "waiting"
    tries: int = 0
    holder: str = ""
    news: bool = False


class Model:
    """The queue in plain Python, with whole seconds."""

    def __init__(self):
        self.jobs = {}
        self.turn = 0

    def add(self, key, priority, now):
        self.turn += 1
        job = self.jobs.get(key)
        if job is None or job.state == "done":
            self.jobs[key] = Modelled(now, self.turn, priority, now)
            return True
        if job.state == "waiting":
            job.priority = max(job.priority, priority)
        elif job.state == "leased":
            job.priority, job.news, job.added, job.turn = priority, True, now, self.turn
        return job.state == "leased"

    def claim(self, limit, holder, now):
        ready = [
            (-job.priority, job.added, job.turn, key)
            for key, job in self.jobs.items()
            if job.state in {"waiting", "leased"} and job.since <= now
        ]
        taken = [key for *_, key in sorted(ready)[:limit]]
        for key in taken:
            job = self.jobs[key]
            job.state, job.tries, job.since, job.news = "leased", job.tries + 1, now + LEASE, False
            job.holder = holder
        return taken

    def leased(self, claimed):
        job = self.jobs[claimed.key]
        return job if (job.state, job.holder) == ("leased", claimed.worker) else None

    def finish(self, claimed, now):
        if job := self.leased(claimed):
            job.state = "waiting" if job.news else "done"
            if job.news:
                job.tries, job.since = 0, now

    def fail(self, claimed, most, now):
        if not (job := self.leased(claimed)):
            return False
        job.state, job.since = "waiting", now + 5
        if most is not None and job.tries >= most and not job.news:
            job.state = "given up"
        return job.state == "given up"


class Pair:
    """The queue and its model, side by side; every step says whether they agreed."""

    def __init__(self, store):
        self.store, self.model, self.claimed = store, Model(), []
        self.now = self.steps = 0

    def sleep(self, seconds):
        self.now += seconds

    def add(self, key, priority):
        # Within one second the order of asking counts: a microsecond for every step.
        moment = self.now + self.steps * 1e-6
        got = ask(self.store, key, seconds=moment, priority=priority)
        assert got == self.model.add(key, priority, self.now)

    def claim(self, limit):
        holder = f"w{self.steps}"
        got = claim(self.store, worker=holder, seconds=self.now + 1e-4, limit=limit)
        assert [job.key for job in got] == self.model.claim(limit, holder, self.now)
        self.claimed += got

    def finish(self, which):
        for job in self.picked(which):
            finish(self.store, [job], self.now)
            self.model.finish(job, self.now)

    def renew(self, which):
        for job in self.picked(which):
            queue.renew(self.store, [job], LEASE, at=at(self.now))
            if modelled := self.model.leased(job):
                modelled.since = self.now + LEASE

    def release(self, which):
        for job in self.picked(which):
            queue.release(self.store, [job], wait_s=3, at=at(self.now))
            if modelled := self.model.leased(job):
                modelled.state, modelled.since = "waiting", self.now + 3
                modelled.tries -= 1

    def fail(self, which, most):
        for job in self.picked(which):
            got = fail(self.store, job, max_tries=most, seconds=self.now)
            assert got == self.model.fail(job, most, self.now)

    def picked(self, which):
        return [self.claimed[which % len(self.claimed)]] if self.claimed else []


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("add"), st.sampled_from("abcd"), st.integers(0, 2)),
        st.tuples(st.just("claim"), st.integers(1, 3)),
        st.tuples(st.just("finish"), st.integers(0, 9)),
        st.tuples(st.just("fail"), st.integers(0, 9), st.sampled_from([None, 1, 2])),
        st.tuples(st.sampled_from(["renew", "release"]), st.integers(0, 9)),
        st.tuples(st.just("sleep"), st.sampled_from([1, 4, LEASE])),
    ),
    max_size=25,
)


@settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS)
def test_whatever_is_done_to_it_the_queue_is_where_its_model_is(store, steps):
    with writing(store) as connection:
        connection.execute(delete(JOBS))
    pair = Pair(store)
    for what, *words in steps:
        pair.steps += 1
        getattr(pair, what)(*words)
        expected = Counter(("assess", job.state) for job in pair.model.jobs.values())
        assert queue.waiting(store) == expected


WORKERS = """
import sys
from pathlib import Path
from core.records import queue
from core.records.connection import writing
from core.records.store import open_store
store = open_store(sys.argv[1], Path(sys.argv[2]))
while got := queue.claim(store, ["assess"], worker=sys.argv[3], lease_s=60, limit=3):
    print(*(job.key for job in got), flush=True)
    with writing(store) as connection:
        queue.finish(connection, got)
"""


def test_three_processes_do_every_job_once(address, tmp_path):
    opened = open_store(address, tmp_path / "blobs")
    with writing(opened) as connection:
        for n in range(60):
            queue.add(connection, "assess", f"{n}", pack="parts", payload={}, at=at(n))
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", WORKERS, address, str(tmp_path / "blobs"), f"w{n}"],
            stdout=subprocess.PIPE,
            text=True,
        )
        for n in range(3)
    ]
    done = [key for worker in workers for key in worker.communicate(timeout=120)[0].split()]
    assert sorted(done, key=int) == [f"{n}" for n in range(60)]
    assert queue.waiting(opened) == {("assess", "done"): 60}
    opened.close()

"""Kinds of job and their lanes: progress, cancelling, deadlines, and kill -9 at any point."""

import json
import os
import signal
import subprocess
import sys
from time import monotonic

import pytest
from sqlalchemy import text

from core.cli.worker import cancel, show_queue, worker
from core.errors import ConfigError
from core.jobs import lease
from core.records import outbox, queue
from core.records.connection import writing
from core.records.job import State
from core.records.values import now
from core.settings import Settings
from tests.core.jobs.patient import PATIENT, ask, is_alive, pid, status, until_begun
from tests.core.jobs.running import installed_pack, until, work_once, working, write_pack
from tests.core.records.conftest import ENGINES, empty_store

pytestmark = pytest.mark.slow


@pytest.fixture(params=ENGINES)
def settings(request, tmp_path, monkeypatch):
    """A home, and its store, for the commands too."""
    settings = Settings(home=tmp_path / "home", store_url=empty_store(request.param))
    monkeypatch.setenv("ASSAY_HOME", str(settings.home))
    monkeypatch.setenv("ASSAY_STORE_URL", settings.store_url)
    return settings


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return write_pack(tmp_path_factory.mktemp("patient") / "site", "patient", PATIENT)


@pytest.fixture(autouse=True)
def installed(site):
    with installed_pack(site, "patient"):
        yield


def test_a_job_has_progress_while_it_runs_and_a_result_when_it_is_done(store, settings):
    job = ask(store, "patient.count", steps="60")
    with working(store, settings):
        until(lambda: (one := status(store, job).progress) is not None and one.done > 0)
        running = status(store, job)
        until(lambda: status(store, job).state is State.DONE)
    assert running.state is State.LEASED
    assert running.heartbeat_at
    assert running.progress.total == 60
    assert running.progress.sentence == "Counting"
    assert running.progress.figures == {"half": running.progress.done / 2}
    assert status(store, job).result == {"counted": 60, "lane": "patient.count"}


def test_lanes_run_side_by_side_and_jobs_of_one_lane_wait_for_each_other(store, settings):
    slow, behind = ask(store, "patient.deaf"), ask(store, "patient.count", steps="1")
    with working(store, settings):
        until(lambda: status(store, slow).progress is not None)
        quick = ask(store, "patient.quick", steps="1")
        until(lambda: status(store, quick).state is State.DONE)
        assert status(store, slow).state is State.LEASED
        assert status(store, behind).state is State.WAITING
        queue.request_cancel(store, slow)
        until(lambda: status(store, behind).state is State.DONE)


def test_a_worker_may_be_started_for_some_lanes_alone(store, settings):
    slow, quick = ask(store, "patient.count", steps="1"), ask(store, "patient.quick", steps="1")
    work_once(store, settings, lanes=["quick"])
    assert (status(store, slow).state, status(store, quick).state) == (State.WAITING, State.DONE)
    with pytest.raises(ConfigError, match="has the lane fast; there are: assess, "):
        work_once(store, settings, lanes=["fast"])


def test_the_command_names_the_lanes_when_one_is_wrong(settings):
    with pytest.raises(ConfigError, match="has the lane fast; there are: assess, "):
        worker([], lane=["fast"], once=True)


@pytest.mark.parametrize("kind", ["patient.count", "patient.deaf"])
def test_a_job_that_is_cancelled_ends_whether_or_not_it_listens(store, settings, kind):
    job = ask(store, kind, steps="100000")
    with working(store, settings):
        until(lambda: status(store, job).progress is not None)
        number = pid(settings, kind)
        cancel(job)
        asked = monotonic()
        until(lambda: status(store, job).state is State.CANCELLED)
        took = monotonic() - asked
        until(lambda: kind == "patient.count" or not is_alive(number))
    # Five seconds on a quiet machine: one for the beat, two of grace, and as much again for others.
    assert took < 20
    assert lease._BEAT_S + 2 < 5
    assert queue.waiting(store) == {(kind, "cancelled"): 1}


def test_a_job_that_waits_is_cancelled_at_once_and_may_be_asked_for_again(store, settings):
    job = ask(store, "patient.count", steps="1")
    assert queue.request_cancel(store, job)
    assert not queue.request_cancel(store, job)
    work_once(store, settings)
    assert status(store, job).state is State.CANCELLED
    assert ask(store, "patient.count", steps="1") == job
    work_once(store, settings)
    assert status(store, job).state is State.DONE


def test_a_kind_has_its_own_deadline_and_its_own_number_of_tries(store, settings):
    late, done = ask(store, "patient.late"), ask(store, "patient.quick", steps="1")
    work_once(store, settings)
    assert status(store, late).state is State.GIVEN_UP
    assert status(store, late).problem == "No end within 0.5 s."
    assert status(store, done).state is State.DONE


def test_a_result_that_is_too_large_fails_with_a_reason(store, settings):
    job = ask(store, "patient.large")
    work_once(store, settings)
    assert status(store, job).state is State.FAILED
    assert "expected at most" in status(store, job).problem


def test_same_key_same_job(store, settings):
    first, second = ask(store, "patient.quick", steps="1"), ask(store, "patient.quick", steps="2")
    assert first == second
    work_once(store, settings)
    assert status(store, first).result["counted"] == 2
    assert queue.waiting(store) == {("patient.quick", "done"): 1}


def test_a_killed_process_is_started_again_and_the_job_given_up_after_its_tries(
    store, settings, monkeypatch
):
    monkeypatch.setattr(lease, "_FIRST_WAIT_S", 0.1)
    job = ask(store, "patient.deaf")
    killed = set()
    with working(store, settings):
        for _ in range(2):
            until(lambda: pid(settings, "patient.deaf") not in {0, *killed})
            killed.add(pid(settings, "patient.deaf"))
            os.kill(pid(settings, "patient.deaf"), signal.SIGKILL)
        until(lambda: status(store, job).state is State.GIVEN_UP)
    assert len(killed) == 2
    assert status(store, job).problem == "The process that did it crashed (SIGKILL)."


WORKER = """
import sys, threading
from core.jobs import lease
from core.jobs.worker import work
from core.service.store import open_store
from core.settings import Settings

settings = Settings()
work([], open_store(settings), settings, stop=threading.Event(), idle_s=0.05)
"""


def lapse(store):
    """Let the leases run out, as thirty seconds would."""
    with writing(store) as connection:
        connection.execute(
            text("UPDATE jobs SET leased_until = '2000-01-01' WHERE state = 'leased'")
        )


@pytest.mark.parametrize("after", ["claim", "progress"])
def test_kill_9_of_the_worker_ends_its_child_and_the_job_is_resumed_then_given_up(
    store, settings, site, after
):
    environment = {**os.environ, "PYTHONPATH": str(site)}
    job = ask(store, "patient.deaf")
    children = set()
    for tries in (1, 2):
        process = subprocess.Popen([sys.executable, "-c", WORKER], env=environment)
        try:
            until_begun(store, job, tries)
            if after == "progress":
                until(lambda: pid(settings, "patient.deaf") not in {0, *children})
                children.add(pid(settings, "patient.deaf"))
        finally:
            process.kill()
            process.wait()
        until(lambda: not any(map(is_alive, children)))
        assert status(store, job).state is State.LEASED
        lapse(store)
    work_once(store, settings)
    assert status(store, job).state is State.GIVEN_UP
    assert status(store, job).problem == "No worker survived it, in 2 tries."
    assert len(children) == (2 if after == "progress" else 0)


def test_a_job_whose_worker_died_and_that_was_cancelled_is_not_begun_again(store, settings):
    job = ask(store, "patient.count", steps="1")
    queue.claim(store, ["patient.count"], worker="killed", lease_s=60)
    assert queue.request_cancel(store, job)
    assert status(store, job).state is State.LEASED
    lapse(store)
    work_once(store, settings)
    assert status(store, job).state is State.CANCELLED
    assert pid(settings, "patient.count") == 0


def test_a_message_is_sent_again_under_its_id_and_one_that_is_refused_waits_for_a_person(
    store, settings, monkeypatch, capsys
):
    monkeypatch.setattr(lease, "_FIRST_WAIT_S", 0.1)
    ids = []
    for seam in (1, 2):
        with writing(store) as connection:
            given = {"pack": "patient", "subject": "case", "body": {"seam": seam}, "at": now()}
            ids.append(outbox.put(connection, "patient.line", str(seam), receiver="ADA", **given))
    with working(store, settings, lanes=["deliver"]):
        until(lambda: queue.waiting(store) == {("deliver", "done"): 1, ("deliver", "failed"): 1})
    sent = (settings.home / "line.txt").read_text().splitlines()
    assert sorted(sent) == sorted([f"{ids[0]} 1", f"{ids[0]} 1", f"{ids[1]} 2"])
    ((dead, failed),) = outbox.dead_letters(store)
    assert (dead.id, dead.body, failed.problem) == (ids[1], {"seam": 2}, "No such seam.")
    show_queue()
    assert f"message {ids[1]} to patient.line (ADA), case case" in capsys.readouterr().out


def test_the_queue_shows_what_runs(store, settings, capsys):
    job = ask(store, "patient.deaf")
    with working(store, settings):
        until(lambda: status(store, job).progress is not None)
        show_queue()
        show_queue(json=True)
        queue.request_cancel(store, job)
        # A worker that stops waits longer for a job than one that cancels it.
        until(lambda: status(store, job).state is State.CANCELLED)
    shown, machine = capsys.readouterr().out.rsplit("\n", 2)[:2]
    assert f"running      {job} patient.deaf: Sleeping, 3 of 8" in shown
    (running,) = json.loads(machine)["running"]
    assert running["progress"]["done"] == 3

"""Kinds of job and their lanes: progress, cancelling, deadlines, and kill -9 at any point."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from time import monotonic

import pytest
from sqlalchemy import text

from core.cli.worker import cancel, show_queue, worker
from core.errors import ConfigError
from core.jobs import kinds, lease
from core.jobs.use_cases import EvaluateSpec, ExportSpec, RecertifySpec, submit
from core.packs import JobKind
from core.records import failed_jobs, outbox, queue
from core.records.connection import writing
from core.records.job import State
from core.records.values import now
from core.service.bundles.open import open_bundle, policy_of
from core.service.store import open_store
from core.service.training.train import TrainSpec
from core.types import Targets
from tests.core.jobs import running
from tests.core.jobs.running import installed_pack, until, work_once, working, write_pack

pytestmark = pytest.mark.slow

PATIENT = '''
"""Parts, with jobs that last."""

import json
import os
import time
from dataclasses import replace

from core.errors import PermanentFailure
from core.packs import JobKind, MessageOutput
from domains.parts import pack as parts


def count(context):
    note(context)
    total = int(context.job.payload["steps"])
    for done in range(total):
        context.progress(done, total, "Counting", {"half": done / 2})
        time.sleep(0.05)
    return {"counted": total, "lane": context.job.kind}


def deaf(context):
    note(context)
    context.progress(3, 8, "Sleeping")
    time.sleep(600)


def large(context):
    return {"text": "x" * 600_000}


def send(message, settings):
    """Tell the line; the first message is lost on its way once, one is refused."""
    with open(settings.home / "line.txt", "a+") as file:
        file.seek(0)
        is_first = not file.read()
        file.write(f"{message.id} {message.body['seam']}\\n")
    if message.body["seam"] == 2:
        raise PermanentFailure("No such seam.")
    if is_first:
        raise ConnectionError("CANARY^JANE")


def note(context):
    with open(context.settings.home / "pids.txt", "a") as file:
        file.write(f"{context.job.kind} {os.getpid()}\\n")


pack = replace(
    parts,
    name="patient",
    outputs=(MessageOutput("patient.line", "patient_pack:send"),),
    jobs=(
        JobKind("patient.count", "patient_pack:count", max_tries=2, lane="slow"),
        JobKind("patient.quick", "patient_pack:count", lane="quick"),
        JobKind("patient.deaf", "patient_pack:deaf", max_tries=2, lane="slow"),
        JobKind("patient.late", "patient_pack:deaf", deadline_s=0.5, max_tries=1, lane="slow"),
        JobKind("patient.large", "patient_pack:large", lane="quick"),
    ),
)
'''


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    return write_pack(tmp_path_factory.mktemp("patient") / "site", "patient", PATIENT)


@pytest.fixture(autouse=True)
def installed(site):
    with installed_pack(site, "patient"):
        yield


def ask(store, kind, key="it", **payload):
    return running.ask(store, "patient", kind, key, **payload)


def status(store, job):
    found = failed_jobs.job_status(store, job)
    assert found is not None
    return found


def until_begun(store, job, tries):
    until(lambda: status(store, job).job.tries == tries)


def pid(settings, kind):
    """Return the process that runs a kind; 0 before it has begun."""
    with suppress(FileNotFoundError):
        for line in reversed((settings.home / "pids.txt").read_text().splitlines()):
            name, number = line.split()
            if name == kind:
                return int(number)
    return 0


def is_alive(number):
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


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


def test_the_command_names_the_lanes_when_one_is_wrong(settings, monkeypatch):
    monkeypatch.setenv("ASSAY_HOME", str(settings.home))
    with pytest.raises(ConfigError, match="has the lane fast; there are: assess, "):
        worker([], lane=["fast"], once=True)


@pytest.mark.parametrize("kind", ["patient.count", "patient.deaf"])
def test_a_job_that_is_cancelled_ends_whether_or_not_it_listens(store, settings, monkeypatch, kind):
    monkeypatch.setenv("ASSAY_HOME", str(settings.home))
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
    environment = {**os.environ, "ASSAY_HOME": str(settings.home), "PYTHONPATH": str(site)}
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
    monkeypatch.setenv("ASSAY_HOME", str(settings.home))
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


def test_two_that_claim_one_kind_are_refused_by_name():
    one = JobKind("weld.mail", "weld:mail")
    with pytest.raises(ConfigError, match=r"'weld\.mail' is declared by parts and by welds"):
        kinds.unite({"core": kinds.CORE, "parts": [one], "welds": [one]})
    with pytest.raises(ConfigError, match="'train' is declared by core and by welds"):
        kinds.unite({"core": kinds.CORE, "welds": [JobKind("train", "weld:train")]})


def test_a_kind_that_cannot_run_is_refused_with_all_that_is_wrong():
    with pytest.raises(ConfigError, match="no module:function; deadline_s is -1; max_tries is 0"):
        JobKind("weld.mail", "weld", -1.0, 0)


def test_every_kind_that_is_installed_imports():
    for kind in kinds.installed_kinds().values():
        assert callable(kinds.function_of(kind))


def test_the_queue_shows_what_runs(store, settings, monkeypatch, capsys):
    monkeypatch.setenv("ASSAY_HOME", str(settings.home))
    job = ask(store, "patient.deaf")
    with working(store, settings):
        until(lambda: status(store, job).progress is not None)
        show_queue()
        show_queue(json=True)
        queue.request_cancel(store, job)
    shown, machine = capsys.readouterr().out.rsplit("\n", 2)[:2]
    assert f"running      {job} patient.deaf: Sleeping, 3 of 8" in shown
    (running,) = json.loads(machine)["running"]
    assert running["progress"]["done"] == 3


def test_core_trains_evaluates_exports_and_recertifies_as_jobs(tiny_product, tmp_path):
    settings = tiny_product.settings_at(tmp_path / "home")
    store, out = open_store(settings), tmp_path / "new-bundle"
    data = tiny_product.data
    trained = submit(store, TrainSpec("parts", data, out), "parts")
    work_once(store, settings, lanes=["train"])
    assert status(store, trained).problem == ""
    bundle = open_bundle(out, settings)
    assert status(store, trained).result["bundle"] == bundle.label
    targets = Targets(overkill=0.3)
    jobs = {
        "evaluate": submit(store, EvaluateSpec(out, data), "parts"),
        "export": submit(store, ExportSpec(out, "onnx", tmp_path / "graph.onnx"), "parts"),
        "recertify": submit(store, RecertifySpec(out, targets), "parts"),
        "refused": submit(store, TrainSpec("parts", tmp_path / "none", out), "parts"),
    }
    work_once(store, settings)
    assert status(store, jobs["evaluate"]).result["n"] == len(tiny_product.pictures("test"))
    assert (tmp_path / "graph.onnx").is_file()
    assert policy_of(bundle).targets == targets
    assert status(store, jobs["recertify"]).result["policy"] == policy_of(bundle).id
    assert status(store, jobs["refused"]).state is State.FAILED
    assert "none" in status(store, jobs["refused"]).problem

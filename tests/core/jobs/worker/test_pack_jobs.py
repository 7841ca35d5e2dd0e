"""The worker does a pack's jobs, which may fail as they like, and says what became of them."""

import json
import subprocess
from collections import Counter

import pytest

from core.cli.worker import show_queue
from core.errors import StoreError
from core.jobs import process
from core.records import failed_jobs
from core.records import queue as records_queue
from core.records.store import decisions
from core.records.tables import JOBS
from tests.commands import ASSAY
from tests.core.jobs.running import ask, until, work_once, working
from tests.core.jobs.worker.sending import claim, done, later, rows, send, send_pictures


def test_a_packs_function_may_fail_as_it_likes_and_the_next_job_is_done(
    frail_bundle, store, settings
):
    for how in ("raise", "exit", "hang", "die", "well"):
        ask(store, "frail", "frail.task", how, how=how)
    work_once(store, settings, frail_bundle)
    assert "frail.task well" in done(settings)
    assert {t.job.key: t.problem for t in failed_jobs.failed_jobs(store)} == {
        "raise": "ValueError",
        "exit": "The process that did it crashed (exit code 3).",
        "hang": "No end within 4 s.",
        "die": "The process that did it crashed (SIGABRT).",
    }
    assert {t.state for t in failed_jobs.failed_jobs(store)} == {records_queue.State.WAITING}
    later(store)
    for how in ("raise", "exit", "hang", "die"):
        ask(store, "frail", "frail.task", how, how="well")
    work_once(store, settings, frail_bundle)
    assert records_queue.waiting(store) == {("frail.task", "done"): 5}


def test_a_job_that_hangs_delays_no_verdict_and_no_stop(
    tiny_product, frail_bundle, store, settings, monkeypatch
):
    monkeypatch.setattr(process, "_STOP_GRACE_S", 1.0)
    ask(store, "frail", "frail.stuck", "stuck", how="hang")
    with working(store, settings, frail_bundle):
        until(lambda: (settings.home / "done.txt").exists())
        send_pictures(store, tiny_product.pictures("test")[:1], "frail")
        until(lambda: len(decisions(store)) == 1)
    counts = records_queue.waiting(store)
    assert counts["frail.stuck", "waiting"] == 1
    assert {r["tries"] for r in rows(store, JOBS) if r["key"] == "stuck"} == {0}


def test_the_queue_is_shown_to_people_with_what_went_wrong(store, settings, capsys):
    for key in ("one", "two", "three"):
        ask(store, "frail", "frail.task", key)
    first, second = records_queue.claim(store, ["frail.task"], worker="w", lease_s=60, limit=2)
    records_queue.fail(store, first, "No peer.", wait_s=600, max_tries=None)
    records_queue.fail(store, second, "SIGABRT.", wait_s=600, max_tries=1)
    show_queue(retry=second.id)
    records_queue.fail(store, *claim(store, "frail.task", 1), "SIGSEGV.", wait_s=0, max_tries=1)
    capsys.readouterr()
    show_queue()
    assert capsys.readouterr().out.splitlines() == [
        "2 waiting, 0 under way, 0 done, 0 failed, 1 given up, 0 cancelled.",
        f"given up     {second.id} frail.task, 1 tries: SIGSEGV.",
        f"waiting      {first.id} frail.task, 1 tries: No peer.",
    ]
    with pytest.raises(StoreError, match="No job"):
        show_queue(retry="nothing")


def test_the_worker_logs_nothing_of_untrusted_files_even_with_debug(
    tiny_product, frail_bundle, site, store, settings, monkeypatch
):
    monkeypatch.setenv("PYTHONPATH", str(site))
    ask(store, "frail", "frail.task", "CANARY^JOHN", how="raise")
    send(store, b"CANARY^DOE", "CANARY^DOE", "frail", name="CANARY.png", patient_name="CANARY")
    ran = subprocess.run(
        [*ASSAY, "--debug", "worker", frail_bundle.path, "--once"],
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert ran.returncode == 0, ran.stderr
    assert "CANARY" not in ran.stdout + ran.stderr
    events = [json.loads(line) for line in ran.stderr.splitlines()]
    assert Counter(e["event"] for e in events) == {
        "started": 1,
        "judged": 1,
        "tried again": 1,
        "done": 1,
        "stopped": 1,
    }
    (again,) = [e for e in events if e["event"] == "tried again"]
    assert (again["error"], again["kind"]) == ("ValueError", "frail.task")
    assert "2 done, 0 failed, 0 given up" in ran.stdout
    listed = subprocess.run(
        [*ASSAY, "queue", "--retry", again["job"], "--json"],
        capture_output=True,
        text=True,
        timeout=240,
    )
    shown = json.loads(listed.stdout)
    (failed,) = shown["failed"]
    assert (failed["id"], failed["tries"], failed["problem"]) == (again["job"], 0, "ValueError")
    assert "CANARY" not in listed.stdout

"""The worker, on real pictures, a real store, and a pack that fails in every way there is."""

import json
import shutil
import subprocess
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, text

from core.cli.worker import show_queue
from core.decision.policy import to_json
from core.errors import AssayError, BundleError, ConfigError, StoreError
from core.jobs import lease
from core.records import blobs, failed_jobs
from core.records import queue as records_queue
from core.records.connection import reading, writing
from core.records.intake import receive
from core.records.store import decisions
from core.records.tables import CASES, HEADERS, IMAGES, JOBS
from core.records.values import stamp
from core.service.audit import check
from core.service.bundles.archive import take
from core.service.bundles.open import certify_bundle, open_bundle, policy_of
from core.types import Disposition, Reason, Targets
from tests.ceilings import certify_above
from tests.changed_bundles import copy_bundle
from tests.commands import ASSAY
from tests.core.jobs.running import ask, installed_pack, until, work_once, working, write_pack
from tests.core.records.conftest import ENGINES, empty_store

FRAIL = '''
"""Parts, read by a reader that dies of a marker, with jobs that fail as their payload asks."""

import os
import time
from dataclasses import replace
from datetime import UTC, datetime

from core.packs import JobKind
from domains.parts import pack as parts


def read(data, max_pixels, min_side):
    if data.endswith(b"ABORT"):
        os.abort()
    return parts.read(data, max_pixels, min_side)


def task(context):
    job, settings = context.job, context.settings
    with open(settings.home / "done.txt", "a") as file:
        file.write(f"{job.kind} {job.key}\\n")
    how = job.payload.get("how", "well")
    if how == "raise":
        raise ValueError("CANARY^JANE cannot be read")
    if how == "hang":
        time.sleep(600)
    if how == "die":
        os.abort()
    if how == "exit":
        raise SystemExit(3)


pack = replace(
    parts,
    name="frail",
    outputs=(),
    read=read,
    jobs=(
        JobKind("frail.after", "frail_pack:task"),
        JobKind("frail.task", "frail_pack:task", deadline_s=4.0),
        JobKind("frail.stuck", "frail_pack:task"),
    ),
    after_decision="frail.after",
)
'''


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with the frail pack, as pip would have installed it."""
    return write_pack(tmp_path_factory.mktemp("frail") / "site", "frail", FRAIL)


@pytest.fixture
def frail(site):
    with installed_pack(site, "frail"):
        yield


@pytest.fixture(autouse=True)
def no_second_try_unless_time_passes(monkeypatch):
    monkeypatch.setattr(lease, "_FIRST_WAIT_S", 600.0)


@pytest.fixture(params=ENGINES)
def settings(request, tiny_product, tmp_path, monkeypatch):
    """A home, and its store, for the commands too."""
    url = empty_store(request.param)
    settings = tiny_product.settings_at(tmp_path / "home", store_url=url)
    monkeypatch.setenv("ASSAY_HOME", str(settings.home))
    monkeypatch.setenv("ASSAY_STORE_URL", url)
    return settings


@pytest.fixture
def bundle(tiny_product, tmp_path):
    copy = shutil.copytree(tiny_product.bundle, tmp_path / "bundle")
    return open_bundle(copy, tiny_product.settings)


@pytest.fixture
def frail_bundle(tiny_product, tmp_path, frail):
    """The tiny bundle as if it had been trained for the frail pack."""
    path = copy_bundle(tiny_product.bundle, tmp_path / "frail", pack="frail")
    certify_bundle(open_bundle(path, tiny_product.settings), Targets(escape=0.2, overkill=0.2))
    return open_bundle(path, tiny_product.settings)


def send(store, data, key, pack="parts", **meta):
    (sha256,) = blobs.put_many(store.blobs, [data])
    receive(store, pack=pack, key=key, sha256=sha256, source="a test", meta=meta)
    return sha256


def send_pictures(store, paths, pack="parts"):
    for path in paths:
        send(store, path.read_bytes(), path.stem, pack, name=path.name, group=path.stem[:-1])


def later(store):
    """Let the time of waiting and of leases pass."""
    with writing(store) as connection:
        long_ago = stamp(datetime(2000, 1, 1, tzinfo=UTC))
        connection.execute(
            text("UPDATE jobs SET not_before = :t, leased_until = :t"), {"t": long_ago}
        )


def rows(store, table):
    with reading(store) as connection:
        return list(connection.execute(select(table)).mappings())


def done(settings):
    return Counter((settings.home / "done.txt").read_text().split("\n")[:-1])


def test_what_is_queued_is_judged_recorded_and_done(tiny_product, bundle, store, settings):
    pictures = tiny_product.pictures("test")[:6]
    send_pictures(store, pictures)
    send(store, b"no picture", "torn", priority="STAT", station="gate 3")
    work_once(store, settings, bundle)
    assert Counter(one.disposition for one in decisions(store))[Disposition.DEFER] >= 1
    assert {one.policy_id for one in decisions(store)} == {policy_of(bundle).id}
    assert records_queue.waiting(store) == {("assess", "done"): 7}
    assert {r["key"] for r in rows(store, CASES)} > {p.stem[:-1] for p in pictures}
    assert {r["name"] for r in rows(store, IMAGES)} > {p.name for p in pictures}
    assert {r["source"] for r in rows(store, IMAGES)} == {"a test"}
    stated = [json.loads(header["meta"]) for header in rows(store, HEADERS)]
    assert {"priority": "STAT", "station": "gate 3"} in stated
    assert take(bundle.sha256, settings).label == bundle.label
    assert check(settings).faults == ()


def test_a_policy_certified_meanwhile_judges_the_next_batch(tiny_product, bundle, store, settings):
    first, second = tiny_product.pictures("test")[:2]
    with working(store, settings, bundle):
        send_pictures(store, [first])
        until(lambda: len(decisions(store)) == 1)
        old, new = policy_of(bundle), certify_above(bundle, Targets(escape=0.3, overkill=0.3))
        send_pictures(store, [second])
        until(lambda: len(decisions(store)) == 2)
    assert old.id != new.id
    assert [one.policy_id for one in decisions(store)] == [new.id, old.id]
    assert policy_of(take(bundle.sha256, settings), new.id) == new


def test_a_policy_of_another_bundle_in_the_folder_stops_the_judging(bundle, store, settings):
    policy = policy_of(bundle)
    foreign = replace(policy, bundle="other@0123456789ab")
    folder = bundle.path / "policies"
    (folder / f"{foreign.id}.json").write_text(json.dumps(to_json(foreign)))
    (folder / "current").write_text(foreign.id)
    with pytest.raises(BundleError, match="start the worker anew"):
        work_once(store, settings, bundle)


def test_two_bundles_of_one_pack_are_refused(bundle, store, settings):
    with pytest.raises(ConfigError, match="one bundle a pack"):
        work_once(store, settings, bundle, bundle)


def test_a_picture_that_kills_its_decoder_costs_three_tries_then_a_person_and_nothing_else(
    tiny_product, frail_bundle, store, settings
):
    good = tiny_product.pictures("test")[:4]
    send_pictures(store, good[:2], "frail")
    killer = send(store, good[0].read_bytes() + b"ABORT", "killer", "frail", name="killer.png")
    send_pictures(store, good[2:], "frail")
    for tries in (1, 2):
        work_once(store, settings, frail_bundle)
        assert len(decisions(store)) == 4
        (failed,) = failed_jobs.failed_jobs(store)
        assert (failed.state, failed.job.tries) == ("waiting", tries)
        later(store)
    work_once(store, settings, frail_bundle)
    (failed,) = failed_jobs.failed_jobs(store)
    assert (failed.state, failed.job.tries) == ("given up", 3)
    assert "SIGABRT" in failed.problem
    last = decisions(store)[0]
    assert (last.sha256, last.disposition) == (killer, Disposition.DEFER)
    assert [f.reason for f in last.findings] == [Reason.UNREADABLE]
    assert {r["name"] for r in rows(store, IMAGES)} == {p.name for p in good} | {"killer.png"}
    cases = {r["id"] for r in rows(store, CASES)}
    assert done(settings) == Counter(f"frail.after {case}" for case in cases)
    assert check(settings).faults == ()


def test_a_missing_picture_is_tried_again_and_at_last_handed_to_a_person(
    tiny_product, bundle, store, settings
):
    picture = tiny_product.pictures("test")[0]
    send_pictures(store, [picture])
    (blob,) = store.blobs.glob("??/*")
    hidden = blob.rename(store.blobs / "hidden")
    for _ in range(2):
        work_once(store, settings, bundle)
        assert decisions(store) == []
        later(store)
    hidden.rename(blob)
    work_once(store, settings, bundle)
    assert [len(one.probabilities) for one in decisions(store)] == [2]
    assert records_queue.waiting(store) == {("assess", "done"): 1}


class Broken:
    """A network that fails on everything."""

    device = "cpu"

    def extract(self, pixels):
        raise ValueError("CANARY^JANE")


def test_a_failing_network_is_tried_three_times_then_a_person_decides(
    tiny_product, bundle, store, settings
):
    send_pictures(store, tiny_product.pictures("test")[:2])
    for _ in range(3):
        assert decisions(store) == []
        work_once(store, settings, replace(bundle, network=Broken()))
        later(store)
    assert [[f.reason for f in one.findings] for one in decisions(store)] == 2 * [[Reason.FAULT]]
    assert [t.problem for t in failed_jobs.failed_jobs(store)] == 2 * ["ValueError."]
    assert records_queue.waiting(store) == {("assess", "given up"): 2}


def test_when_judging_as_such_fails_the_rest_of_the_batch_is_put_back_uncounted(
    tiny_product, bundle, store, settings
):
    send_pictures(store, tiny_product.pictures("test")[:24])
    with pytest.raises(AssayError, match="20 pictures in a row"):
        work_once(store, settings, replace(bundle, network=Broken()))
    assert Counter(r["tries"] for r in rows(store, JOBS)) == {1: 20, 0: 4}
    later(store)
    work_once(store, settings, bundle)
    assert records_queue.waiting(store) == {("assess", "done"): 24}


@pytest.mark.parametrize(
    ("groups", "keys"), [("1.2.3", {"1.2.3"}), ("", None), ("1.2.3 1.2.4", None)]
)
def test_what_nothing_is_known_of_belongs_to_the_one_group_that_its_receiver_named(
    bundle, store, settings, groups, keys
):
    torn = send(store, b"no picture at all", "torn", groups=groups)
    work_once(store, settings, bundle)
    assert {row["key"] for row in rows(store, CASES)} == (keys or {torn})
    assert not [row for row in rows(store, HEADERS) if "groups" in row["meta"]]


def test_a_job_that_no_worker_survived_goes_alone_and_then_to_a_person_untouched(
    tiny_product, bundle, store, settings
):
    pictures = tiny_product.pictures("test")[:2]
    send_pictures(store, pictures)
    claimed = {}
    for _ in range(6):
        claimed = {job.payload["name"]: job for job in claim(store)}
        later(store)
    with writing(store) as connection:
        # The second one was begun as often as the first but for the last time.
        shy = text("UPDATE jobs SET tries = 5 WHERE id = :id")
        connection.execute(shy, {"id": claimed[pictures[1].name].id})
    work_once(store, settings, bundle)
    assert records_queue.waiting(store) == {("assess", "done"): 1, ("assess", "given up"): 1}
    (failed,) = failed_jobs.failed_jobs(store)
    assert failed.job.id == claimed[pictures[0].name].id
    by_name = {len(one.probabilities): one.message for one in decisions(store)}
    assert "Nothing survived" in by_name[0]
    assert by_name.keys() == {0, 2}


def claim(store, kind="assess", limit=9):
    return records_queue.claim(store, [kind], worker="killed", lease_s=60, limit=limit)


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
    tiny_product, frail_bundle, store, settings
):
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

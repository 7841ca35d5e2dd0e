"""The worker judges real pictures, with a pack that fails in every way there is."""

import json
from collections import Counter
from dataclasses import replace

import pytest
from sqlalchemy import text

from core.decision.policy import to_json
from core.errors import AssayError, BundleError, ConfigError
from core.records import failed_jobs
from core.records import queue as records_queue
from core.records.connection import writing
from core.records.store import decisions
from core.records.tables import CASES, HEADERS, IMAGES, JOBS
from core.service.audit import check
from core.service.bundles.archive import take
from core.service.bundles.open import policy_of
from core.types import Disposition, Reason, Targets
from tests.ceilings import certify_above
from tests.core.jobs.running import until, work_once, working
from tests.core.jobs.worker.sending import claim, done, later, rows, send, send_pictures


def test_what_is_queued_is_judged_recorded_and_done(tiny_product, bundle, store, settings):
    pictures = tiny_product.pictures("test")[:6]
    send_pictures(store, pictures)
    send(store, b"no picture", "torn", priority="STAT", station="gate 3")
    work_once(store, settings, bundle)
    assert Counter(one.disposition for one in decisions(store))[Disposition.DEFER] >= 1
    assert {one.policy_id for one in decisions(store)} == {policy_of(bundle).id}
    assert records_queue.waiting(store) == {("assess", "done"): 7, ("compare", "done"): 1}
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
    assert records_queue.waiting(store) == {("assess", "done"): 24, ("compare", "done"): 1}


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

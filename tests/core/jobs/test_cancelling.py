"""Cancelling pictures that a worker has claimed: no verdict is recorded, the others are judged."""

import pytest
from sqlalchemy import select

from core.cli.worker import cancel
from core.jobs import lease
from core.jobs.assess import judge
from core.jobs.benches import Benches
from core.jobs.lease import LEASE_S, BatchHeartbeat
from core.records import blobs, queue
from core.records.connection import reading
from core.records.failed_jobs import job_status
from core.records.intake import receive
from core.records.job import State
from core.records.store import decisions
from core.records.tables import JOBS
from core.service.bundles.deployments import Deployed
from core.service.bundles.open import certify_bundle, open_bundle
from core.types import Targets
from tests.changed_bundles import copy_bundle
from tests.core.jobs.running import installed_pack, until, working, write_pack
from tests.core.records.conftest import ENGINES, empty_store

SLOW = '''
"""Parts, read slowly."""

import time
from dataclasses import replace

from domains.parts import pack as parts


def read(data, max_pixels, min_side):
    time.sleep(0.3)
    return parts.read(data, max_pixels, min_side)


pack = replace(parts, name="slow", outputs=(), jobs=(), read=read)
'''


@pytest.fixture(params=ENGINES)
def settings(request, tiny_product, tmp_path):
    url = empty_store(request.param)
    return tiny_product.settings_at(tmp_path / "home", store_url=url, decoders=1)


@pytest.fixture
def claimed(tiny_product, store):
    """Four pictures of the product, each as a claimed job."""
    for path in tiny_product.pictures("test")[:4]:
        send(store, path, "parts")
    return queue.claim(store, ["assess"], worker="w", lease_s=LEASE_S, limit=9)


def send(store, path, pack):
    (sha256,) = blobs.put_many(store.blobs, [path.read_bytes()])
    receive(store, pack=pack, key=path.stem, sha256=sha256, source="a test")
    return sha256


def job_of(store, sha256):
    with reading(store) as connection:
        named = select(JOBS.c.id).where(JOBS.c.payload.contains(sha256))
        return connection.execute(named).scalar_one()


def states(store, jobs):
    return [job_status(store, job.id).state for job in jobs]


def test_of_a_batch_those_cancelled_before_and_during_the_judging_have_no_verdict(
    tiny_product, store, settings, claimed
):
    bundle, _ = tiny_product.opened()
    before, during, *kept = claimed
    for job in (before, during):
        assert queue.request_cancel(store, job.id)
    with Benches(Deployed(store, settings, [bundle])) as benches:
        judge(benches.bench_of("parts", ""), claimed, {before.id})
    assert states(store, claimed) == [State.CANCELLED, State.CANCELLED, State.DONE, State.DONE]
    judged = {one.content_key for one in decisions(store)}
    assert judged == {job.payload["sha256"] for job in kept}


def test_a_claimed_picture_ends_while_its_batch_goes_on(store, claimed):
    first, *others = claimed
    with BatchHeartbeat(store, claimed) as heartbeat:
        assert queue.request_cancel(store, first.id)
        until(lambda: states(store, [first]) == [State.CANCELLED])
        until(lambda: heartbeat.cancelled == {first.id})
        assert states(store, others) == [State.LEASED] * 3
    assert lease._BEAT_S < 5


def test_a_worker_judges_all_of_a_batch_but_what_was_cancelled(
    tiny_product, store, settings, tmp_path, monkeypatch
):
    monkeypatch.setenv("ASSAY_HOME", str(settings.home))
    monkeypatch.setenv("ASSAY_STORE_URL", settings.store_url)
    site = write_pack(tmp_path / "site", "slow", SLOW)
    with installed_pack(site, "slow"):
        path = copy_bundle(tiny_product.bundle, tmp_path / "slow", pack="slow")
        certify_bundle(open_bundle(path, settings), Targets(escape=0.2, overkill=0.2))
        bundle = open_bundle(path, settings)
        pictures = tiny_product.pictures("test")[:10]
        sent = [send(store, one, "slow") for one in pictures]
        last = job_of(store, sent[-1])
        with working(store, settings, bundle):
            until(lambda: queue.waiting(store).get(("assess", "leased")) == len(sent))
            cancel(last)
            until(lambda: ("assess", "leased") not in queue.waiting(store))
    counts = queue.waiting(store)
    assert (counts["assess", "done"], counts["assess", "cancelled"]) == (9, 1)
    assert {state for kind, state in counts if kind == "assess"} == {"done", "cancelled"}
    assert {one.content_key for one in decisions(store)} == set(sent[:-1])

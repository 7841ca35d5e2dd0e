"""A release reaches a worker and a station in processes of their own, and so does a way back."""

from __future__ import annotations

import os
import subprocess
import time

import cv2
import numpy as np
import pytest

from core.people import Person, Role
from core.records import blobs
from core.records.intake import receive
from core.records.store import decisions
from core.service.bundles.archive import take
from core.service.bundles.open import make_policy
from core.service.recertify.in_force import in_force
from core.service.recertify.proposals import propose, release, roll_back
from core.service.store import open_store
from core.settings import Settings
from core.types import Targets
from domains.parts.station.faults.plates import draw_plate
from domains.parts.station.plc.client import StationClient
from domains.parts.station.result import LineReason, LineResult
from tests.commands import ASSAY
from tests.domains.parts.station.broker import free_port
from tests.station_process import running, station_file, write_video

pytestmark = [pytest.mark.slow, pytest.mark.trained, pytest.mark.service]

ADA, GRACE = (Person(f"id-{name}", name, Role.LEAD) for name in ("Ada", "Grace"))
PATIENCE_S = 60.0
"""Two seconds are promised; how long a busy machine takes is no matter of the test."""


@pytest.fixture
def home(rig_home):
    settings = Settings(home=rig_home)
    store = open_store(settings)
    yield settings, store
    store.close()


@pytest.fixture
def worker(home):
    settings, _ = home
    environment = {**os.environ, "ASSAY_HOME": str(settings.home), "OMP_NUM_THREADS": "1"}
    command = [*ASSAY, "worker", "--lane", "assess"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
        yield process
        process.kill()


def send(store, number):
    """Put a picture into the worker's queue."""
    plate = draw_plate(np.random.default_rng(1000 + number), 0.0)
    (sha256,) = blobs.put_many(store.blobs, [cv2.imencode(".png", plate)[1].tobytes()])
    receive(
        store, pack="parts", product="plates", key=f"sent-{number}", sha256=sha256,
        source="a test", meta={"group": f"sent-{number}"},
    )  # fmt: skip
    return sha256


def policy_that_judged(store, sha256):
    """Return the policy by which the worker judged a picture, once it has."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        for one in decisions(store, pack="parts", product="plates", limit=20):
            if one.sha256 == sha256:
                return one.policy_id
        time.sleep(0.05)
    raise AssertionError("the worker judged nothing")


def until_followed(store, plc, policy_id, result, first):
    """Return the seconds until both judge by a policy, looked at part after part."""
    begun, reached = time.monotonic(), {}
    for number in range(first, first + 200):
        if "station" not in reached and plc.inspect(number, wait_s=5.0).result is result:
            reached["station"] = time.monotonic() - begun
        if "worker" not in reached and policy_that_judged(store, send(store, number)) == policy_id:
            reached["worker"] = time.monotonic() - begun
        if len(reached) == 2:
            return reached
    raise AssertionError(f"only these followed: {reached}")


def test_a_release_and_a_way_back_reach_a_running_worker_and_a_running_station(
    home, worker, tmp_path
):
    settings, store = home
    write_video(
        tmp_path / "plates.avi",
        (draw_plate(np.random.default_rng(number), 0.0) for number in range(500)),
        "FFV1",
    )
    port = free_port()
    file = station_file(
        tmp_path, {"modbus": {"port": port}}, name="press", product="plates",
        video=tmp_path / "plates.avi",
    )  # fmt: skip
    before = in_force(store, "parts", "plates")
    bundle = take(before.bundle_sha256, settings)
    strict = make_policy(bundle, Targets(escape=0.001, overkill=0.2), 9)
    assert not strict.has_negatives
    with running(settings.home, file), StationClient("127.0.0.1", port) as plc:
        assert plc.start(PATIENCE_S)
        assert policy_that_judged(store, send(store, 0)) == before.policy_id
        assert plc.inspect(1, wait_s=5.0).result is LineResult.PASS
        proposal = propose(
            store, settings, "parts", "plates", strict, by=ADA, evidence={"why": "a test"}
        )
        assert plc.inspect(2, wait_s=5.0).result is LineResult.PASS
        release(store, settings, proposal, by=GRACE)
        followed = until_followed(store, plc, strict.id, LineResult.FAIL, 100)
        block = plc.inspect(3, wait_s=5.0).block
        assert block is not None
        assert block.reason_code == LineReason.NOT_CERTIFIED.number
        roll_back(store, settings, "parts", "plates", by=ADA)
        returned = until_followed(store, plc, before.policy_id, LineResult.PASS, 500)
    assert worker.poll() is None
    print(f"released: {followed}; rolled back: {returned}")

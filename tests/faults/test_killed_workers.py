"""Workers in processes of their own, killed at random: each picture has exactly one decision."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select

from core.records import blobs, queue
from core.records.audit import verify
from core.records.connection import reading, writing
from core.records.store import recorded_blobs
from core.records.tables import CASES, DECISIONS, IMAGES
from core.records.values import now
from core.settings import Settings
from tests.core.records.conftest import ENGINES, POSTGRES, emptied

pytestmark = pytest.mark.service

PICTURES, WORKERS, KILLS = 60, 3, 3
ROOT = Path(__file__).parents[2]


@pytest.fixture(params=ENGINES)
def settings(request, tmp_path):
    url = POSTGRES if request.param == "postgresql" else ""
    if url:
        emptied(url)
    return Settings(home=tmp_path / "home", store_url=url)


@pytest.fixture
def start(settings):
    where = settings.store_url or str(settings.home / "assay.sqlite")
    started = []

    def _start():
        command = [sys.executable, "-m", "tests.faults.worker_of_records"]
        process = subprocess.Popen(
            [*command, where, str(settings.blobs), f"worker {len(started)}"],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        started.append(process)
        return process

    yield _start
    for process in started:
        process.kill()
        process.communicate()


def done(store):
    return queue.waiting(store).get(("assess", "done"), 0)


def test_each_picture_has_one_decision_whoever_is_killed_when(store, start):
    contents = [b"picture %d" % n for n in range(PICTURES)]
    names = blobs.put_many(store.blobs, contents)
    workers = [start() for _ in range(WORKERS)]
    for worker in workers:
        assert worker.stdout.readline() == b"ready\n"
    with writing(store) as connection:
        for n, name in enumerate(names):
            payload = {"sha256": name}
            queue.add(connection, "assess", f"part {n}", pack="parts", payload=payload, at=now())
    rng = random.Random(14)
    for kill in range(KILLS):
        until = time.monotonic() + 30
        while done(store) < (kill + 1) * PICTURES // (KILLS + 2) and time.monotonic() < until:
            time.sleep(rng.uniform(0, 0.02))
        killed = rng.randrange(WORKERS)
        workers[killed].kill()
        workers[killed] = start()
    until = time.monotonic() + 60
    while done(store) < PICTURES and time.monotonic() < until:
        time.sleep(0.05)

    assert queue.waiting(store) == {("assess", "done"): PICTURES}
    with reading(store) as connection:
        counts = {
            table.name: connection.scalar(select(func.count()).select_from(table))
            for table in (DECISIONS, IMAGES, CASES)
        }
        keys = set(connection.scalars(select(DECISIONS.c.content_key)))
    assert counts == {"decisions": PICTURES, "images": PICTURES, "cases": PICTURES}
    assert keys == set(names) == set(recorded_blobs(store))
    assert verify(store).faults == ()

"""Workers under violence: kill -9 at any point, two at once, and a request to stop."""

import json
import os
import signal
import subprocess
import sys
import time

import cv2
import pytest
from sqlalchemy import create_engine, func, select, text

from core.records import blobs, queue
from core.records.audit import verify
from core.records.connection import reading, writing
from core.records.intake import Receipt, receive
from core.records.store import recorded_blobs
from core.records.tables import CASES, DECISIONS, IMAGES, RECEIPTS
from tests.commands import ASSAY

pytestmark = pytest.mark.service

POSTGRES = os.environ.get("ASSAY_TEST_POSTGRES", "")
# As for the node; a quick run has half as many.
OBJECTS = int(os.environ.get("ASSAY_FAULT_OBJECTS", "100"))
KILLS = int(os.environ.get("ASSAY_FAULT_KILLS", "2"))

# Ends the process, as kill -9 would, right before or after one step of settling a batch.
KILLED_AT = """
import os, sys
from core.cli import main
from core.records import queue
from core.jobs import assess

place, name, moment = {"record": assess, "finish": queue}[sys.argv[1]], *sys.argv[1:3]
step = getattr(place, name)

def last(*words, **named):
    if moment == "after":
        step(*words, **named)
    os._exit(9)

setattr(place, name, last)
sys.argv = ["assay", *sys.argv[3:]]
main()
"""


@pytest.fixture(params=["sqlite", *(["postgresql"] if POSTGRES else [])])
def settings(request, tiny_product, tmp_path):
    if request.param == "sqlite":
        return tiny_product.settings_at(tmp_path / "home")
    engine = create_engine(POSTGRES.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    return tiny_product.settings_at(tmp_path / "home", store_url=POSTGRES)


@pytest.fixture
def run(tiny_product, settings):
    """Start a worker, or a script around one, in a process of its own."""
    environment = {
        **os.environ,
        "ASSAY_HOME": str(settings.home),
        "ASSAY_STORE_URL": settings.store_url,
    }
    started = []

    def start(*words, command=ASSAY):
        process = subprocess.Popen(
            [*command, "worker", str(tiny_product.bundle), *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def send(store, pictures):
    for path in pictures:
        (sha256,) = blobs.put_many(store.blobs, [path.read_bytes()])
        words = {"name": path.name, "group": path.stem[:-1]}
        given = {"key": path.stem, "sha256": sha256, "source": "a test", "meta": words}
        assert receive(store, pack="parts", **given) is Receipt.NEW


def plates(tiny_product, folder, so_many):
    """Write that many pictures, no two alike: the product's own, with one grey level changed."""
    folder.mkdir()
    known = tiny_product.pictures("train") + tiny_product.pictures("cal")
    for number in range(so_many):
        pixels = cv2.imread(str(known[number % len(known)]), cv2.IMREAD_GRAYSCALE)
        pixels.flat[number] ^= 1
        cv2.imwrite(str(folder / f"{number // 2:05}{'ab'[number % 2]}.png"), pixels)
    return sorted(folder.iterdir())


def until(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def count(store, *tables):
    with reading(store) as connection:
        return [connection.scalar(select(func.count()).select_from(table)) for table in tables]


def leases_run_out(store):
    with writing(store) as connection:
        connection.execute(text("UPDATE jobs SET leased_until = not_before"))


def faults(store):
    pictures = blobs.verify(store.blobs, recorded_blobs(store))
    return [*verify(store).faults, *pictures.altered, *pictures.missing]


def assessing(store):
    """Give the number of pictures by where they stand; what was read is compared beside that."""
    return {job: n for job, n in queue.waiting(store).items() if job[0] == "assess"}


def verdicts(store):
    return count(store, DECISIONS)[0]


@pytest.mark.timeout(1800)
def test_workers_killed_in_the_middle_lose_nothing_and_double_nothing(
    tiny_product, store, run, tmp_path
):
    pictures = plates(tiny_product, tmp_path / "plates", OBJECTS)
    send(store, pictures)
    for kill in range(KILLS):
        so_many = 1 + kill * OBJECTS * 2 // (KILLS * 3)
        worker = run()
        until(lambda n=so_many: verdicts(store) >= n, seconds=600)
        worker.send_signal(signal.SIGKILL)
        worker.communicate()
        assert faults(store) == []
        leases_run_out(store)
    both = [run("--once", "--json") for _ in range(2)]
    ended = [process.communicate(timeout=900) for process in both]
    assert [process.returncode for process in both] == [0, 0], ended
    assert assessing(store) == {("assess", "done"): OBJECTS}
    assert count(store, RECEIPTS, DECISIONS, IMAGES) == [OBJECTS] * 3
    assert count(store, CASES) == [len({path.stem[:-1] for path in pictures})]
    assert faults(store) == []


@pytest.mark.parametrize(
    ("point", "decided", "state"),
    [
        (("record", "before"), 0, "leased"),
        (("record", "after"), 3, "leased"),
        (("finish", "after"), 3, "leased"),
    ],
)
def test_a_worker_that_ends_between_two_steps_leaves_the_rest_to_the_next(
    tiny_product, store, run, point, decided, state
):
    send(store, tiny_product.pictures("test")[:3])
    killed = run(command=[sys.executable, "-c", KILLED_AT, *point])
    killed.communicate(timeout=240)
    assert killed.returncode == 9
    assert verdicts(store) == decided
    assert assessing(store) == {("assess", state): 3}
    leases_run_out(store)
    again = run("--once")
    _, ended = again.communicate(timeout=240)
    assert again.returncode == 0, ended
    assert assessing(store) == {("assess", "done"): 3}
    assert count(store, DECISIONS, IMAGES) == [3, 3]
    assert faults(store) == []


def test_a_worker_that_is_asked_to_stop_leaves_nothing_half_done(tiny_product, store, run):
    send(store, tiny_product.pictures("train")[:50])
    worker = run("--json")
    until(lambda: verdicts(store) >= 1)
    worker.send_signal(signal.SIGTERM)
    ended, events = worker.communicate(timeout=60)
    assert worker.returncode == 0
    assert json.loads(events.splitlines()[-1])["event"] == "stopped"
    done = verdicts(store)
    assert queue.waiting(store).get(("assess", "leased"), 0) == 0
    assert queue.waiting(store)["assess", "done"] == done
    counts = json.loads(ended.splitlines()[-1])
    assert sum(n for job, n in counts.items() if job.startswith("assess ")) == 50

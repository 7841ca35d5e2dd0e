"""/healthz and /metrics over a real socket, held against the database's own counts."""

import os
import socket
import sqlite3
import subprocess
import time
from contextlib import suppress
from datetime import timedelta

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.testclient import TestClient

from core.records import queue, reviews
from core.records.connection import reading, writing
from core.records.figures import read_figures
from core.records.outbox import put
from core.records.store import new_decision, record
from core.records.values import now
from core.records.worklist import next_case
from core.service.anchors import check_anchors, note_anchor
from core.service.health.metrics import render
from core.service.health.routes import Health, HealthListener
from core.settings import Settings
from core.types import Disposition
from tests.commands import ASSAY
from tests.core.records.conftest import ENGINES, POSTGRES, an_assessment, emptied

CANARY = "CANARY^JANE"


@pytest.fixture(params=ENGINES)
def settings(request, tmp_path):
    if request.param == "postgresql":
        emptied(POSTGRES)
        return Settings(home=tmp_path / "home", store_url=POSTGRES)
    return Settings(home=tmp_path / "home")


@pytest.fixture
def filled(store):
    """Ten cases whose names are a patient's, three jobs, two messages and a review."""
    at = now() - timedelta(hours=3)
    made = [an_assessment(b"%d" % n, p=n / 9, group=f"{CANARY} {n}") for n in range(10)]
    record(store, [new_decision(one, pack="parts", name=CANARY) for one in made], at=at)
    item = next_case(store, "parts")
    reviews.review(store, item, Disposition.NEGATIVE, reviewer=CANARY, comment=CANARY)
    with writing(store) as connection:
        for n, kind in enumerate(("assess", "assess", "parts.learn")):
            early = at + timedelta(minutes=n)
            queue.add(connection, kind, f"{CANARY} {n}", pack="parts", payload={}, at=early)
        for key in "ab":
            put(
                connection, "parts.line", key, pack="parts", subject=CANARY, body={}, at=now(),
                receiver=CANARY,
            )  # fmt: skip
    (delivery, *_) = queue.claim(store, ["deliver"], worker="w", lease_s=60)
    with writing(store) as connection:
        queue.finish(connection, [delivery])
    return at


def samples(data):
    return {
        (one.name, *sorted(one.labels.items())): one.value
        for family in text_string_to_metric_families(data.decode())
        for one in family.samples
    }


def test_every_figure_is_the_databases_own(store, filled):
    found = samples(render(read_figures(store), None, at=filled + timedelta(hours=5)))

    with reading(store) as connection:
        run = lambda query: [tuple(row) for row in connection.execute(text(query))]  # noqa: E731
        cases = run(
            "SELECT pack, queue_state, disposition, count(*) FROM case_status GROUP BY 1, 2, 3"
        )
        jobs = run("SELECT kind, state, count(*) FROM jobs GROUP BY 1, 2")
        totals = {
            name: run(f"SELECT count(*) FROM {name}")[0][0]
            for name in ("decisions", "reviews", "audit_events")
        }
    states = ("waiting", "negative", "reviewed")
    expected = {
        ("assay_cases", ("pack", pack), ("state", states[state]), ("verdict", word)): n
        for pack, state, word, n in cases
    }
    assert sum(expected.values()) == 10
    assert len(expected) >= 4
    expected |= {("assay_jobs", ("kind", kind), ("state", state)): n for kind, state, n in jobs}
    expected |= {(f"assay_{name}_total",): n for name, n in totals.items()}
    deferred = sum(n for _, _, word, n in cases if word == "defer")
    pack = ("pack", "parts")
    expected |= {
        ("assay_deferral_ratio", pack): deferred / 10,
        ("assay_review_oldest_seconds", pack): 5 * 3600,
        ("assay_queue_oldest_seconds", pack): 5 * 3600,
        ("assay_outbox_undelivered", ("output", "parts.line"), pack): 1,
    }
    got = {key: value for key, value in found.items() if not key[0].endswith("_created")}
    crashes = got.pop(("assay_child_crashes_total",))
    assert crashes >= 0
    assert [got.pop(key) for key in list(got) if key[0] == "assay_info"] == [1]
    assert got == expected


def test_no_word_of_a_person_or_a_case_leaves(store, filled, settings, tmp_path):
    note_anchor(store, tmp_path / "anchors")
    data = render(read_figures(store), check_anchors(store, tmp_path / "anchors"))
    assert b"CANARY" not in data
    assert samples(data)["assay_audit_anchors_hold",] == 1
    assert samples(data)["assay_audit_events_unanchored",] == 0


@pytest.fixture
def address(store, settings):
    guarded = settings.model_copy(update={"metrics_token": "s3cret"})
    listener = HealthListener(guarded, ("127.0.0.1", 0))
    listener.start()
    yield f"http://127.0.0.1:{listener.port}"
    listener.stop(1)


@pytest.mark.service
def test_both_answer_over_a_socket_and_a_proxys_request_needs_the_token(address):
    assert requests.get(f"{address}/healthz", timeout=9).json() == {"status": "ok"}
    answer = requests.get(f"{address}/metrics", timeout=9)
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    assert "assay_audit_events_total 0.0" in answer.text
    for headers, code in (
        ({"X-Forwarded-For": "10.0.0.1"}, 401),
        ({"X-Forwarded-For": "10.0.0.1", "Authorization": "Bearer s3cret"}, 200),
        ({"X-Forwarded-For": "10.0.0.1", "Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Host": "rebound.example"}, 401),
        ({"Origin": "http://other.example"}, 401),
    ):
        assert requests.get(f"{address}/metrics", headers=headers, timeout=9).status_code == code


def test_a_store_that_cannot_be_read_is_not_healthy(tmp_path):
    settings = Settings(home=tmp_path / "home")
    health = Health(settings)
    client = TestClient(Starlette(routes=health.routes()), client=("127.0.0.1", 1))
    assert client.get("/healthz").status_code == 200
    health.close()
    with sqlite3.connect(settings.home / "assay.sqlite") as database:
        database.execute("DROP TABLE audit_events")
    database.close()
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (503, {"status": "failed", "error": "StoreError"})
    health.close()


@pytest.mark.service
def test_a_worker_answers_at_its_own_port(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "ASSAY_HOME": str(tmp_path), "ASSAY_STORE_URL": ""}
    command = [*ASSAY, "worker", "--lane", "deliver", "--health-port", str(port)]
    worker = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    end = time.monotonic() + 60
    answer = None
    while answer is None and time.monotonic() < end:
        with suppress(requests.ConnectionError):
            answer = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=9)
        time.sleep(0.1)
    worker.terminate()
    worker.wait()
    assert answer is not None
    assert "assay_audit_events_total 0.0" in answer.text

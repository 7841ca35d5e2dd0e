"""An alarm reaches a web hook, a broker and a mailbox, once each, whatever is away meanwhile."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from aiosmtpd.controller import Controller
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from core.errors import ConfigError, PermanentFailure
from core.records import outbox, queue
from core.records.alarms import MonitorAlarm
from core.records.connection import writing
from core.records.job import ASSESS
from core.service.delivery import deliver as delivering
from core.service.delivery.alarm_messages import put_messages
from core.service.delivery.results import Unreachable
from core.settings import Settings
from tests.core.jobs.running import until
from tests.domains.parts.station.broker import Broker, free_port

AT = datetime(2026, 11, 29, 12, tzinfo=UTC)
ALARM = MonitorAlarm(
    1, "parts", "left", "b@1", "1" * 64, "p1", "e1", "escapes", "", "Too many escapes.", {}, "d", AT
)


@pytest.fixture(autouse=True)
def no_rest(monkeypatch):
    monkeypatch.setattr(delivering, "_resting", {})


def put(store, settings):
    with writing(store) as connection:
        put_messages(connection, ALARM, settings)


def claim(store):
    jobs = queue.claim(
        store,
        [outbox.DELIVER],
        worker="w",
        lease_s=60,
        limit=9,
        at=datetime(2030, 1, 1, tzinfo=UTC),
    )
    assert ASSESS not in {one.kind for one in jobs}
    return jobs


def deliver_one(store, settings):
    (job,) = claim(store)
    try:
        return delivering.deliver(job, store, settings)
    finally:
        queue.release(store, [job], wait_s=0.0)


@contextmanager
def web_hook(*statuses):
    """A server that answers with each status in turn; yields what it got."""
    got, left = [], list(statuses)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            got.append((self.headers["Idempotency-Key"], body))
            self.send_response(left.pop(0))
            self.end_headers()

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/alarms", got
    finally:
        server.shutdown()
        server.server_close()


def test_nobody_is_to_know_where_nothing_is_set_up(store, settings):
    put(store, settings)
    assert claim(store) == []


def test_a_web_hook_gets_the_same_message_until_it_takes_it(store, settings, monkeypatch):
    with web_hook(503, 200) as (url, got):
        own = settings.model_copy(update={"alarm_webhook": url})
        put(store, own)
        put(store, own)
        with pytest.raises(Unreachable):
            deliver_one(store, own)
        delivering._resting.clear()
        sent = deliver_one(store, own)
    assert got[0] == got[1]
    key, body = got[0]
    assert key == body["message"] == sent.id
    assert (body["id"], body["kind"], body["is_voiding"]) == (ALARM.id, "escapes", True)
    assert body["sentence"] == "Too many escapes."


def test_a_web_hook_that_refuses_it_for_good_is_a_matter_for_a_person(store, settings):
    with web_hook(422) as (url, _):
        own = settings.model_copy(update={"alarm_webhook": url})
        put(store, own)
        with pytest.raises(PermanentFailure, match="422"):
            deliver_one(store, own)


@pytest.mark.service
def test_a_broker_keeps_the_alarm_for_who_comes_later(store, settings, tmp_path):
    broker = Broker(tmp_path)
    own = settings.model_copy(update={"alarm_mqtt": f"mqtt://127.0.0.1:{broker.port}/plant/alarm"})
    put(store, own)
    with pytest.raises(Unreachable):
        deliver_one(store, own)
    delivering._resting.clear()
    broker.start()
    try:
        sent = deliver_one(store, own)
        got = []
        client = Client(CallbackAPIVersion.VERSION2)
        client.on_message = lambda *given: got.append(given[2])
        client.connect("127.0.0.1", broker.port)
        client.subscribe("plant/alarm", qos=1)
        client.loop_start()
        until(lambda: got, 20)
        client.disconnect()
        client.loop_stop()
    finally:
        broker.stop()
    body = json.loads(got[0].payload)
    assert (got[0].retain, body["message"], body["id"]) == (True, sent.id, ALARM.id)


class Mailbox:
    """Takes every mail but those to strict@x.test."""

    def __init__(self):
        self.mails = []

    async def handle_RCPT(self, server, session, envelope, address, rcpt_options):
        if address.startswith("strict@"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.mails.append((tuple(envelope.rcpt_tos), envelope.content.decode()))
        return "250 OK"


@pytest.mark.service
def test_each_mailbox_gets_a_mail_of_its_own_with_the_id_of_the_message(store, settings):
    box, port = Mailbox(), free_port()
    update = {"alarm_mail": "a@x.test, strict@x.test", "smtp": f"smtp://127.0.0.1:{port}"}
    own = settings.model_copy(update=update)
    put(store, own)
    jobs = claim(store)
    assert len(jobs) == 2
    with pytest.raises(Unreachable):
        delivering.deliver(jobs[0], store, own)
    delivering._resting.clear()
    server = Controller(box, hostname="127.0.0.1", port=port)
    server.start()
    try:
        refused = []
        for job in jobs:
            try:
                delivering.deliver(job, store, own)
            except PermanentFailure as exc:
                refused.append(exc)
    finally:
        server.stop()
    assert len(refused) == 1
    ((receivers, text),) = box.mails
    sent = next(one for one in jobs if outbox.message(store, one.key).receiver == "a@x.test")
    assert receivers == ("a@x.test",)
    assert f"Message-ID: <{sent.key}@assay>" in text
    assert "Subject: Assay alarm: parts left, escapes" in text
    assert "Too many escapes." in text
    assert "nothing passes without a person" in text


def test_settings_that_name_no_place_are_refused():
    for name, value in (
        ("alarm_mqtt", "mqtt://host"), ("alarm_mqtt", "tcp://host/topic"),
        ("smtp", "mail.example.org"), ("voiding_alarms", "everything"),
    ):  # fmt: skip
        with pytest.raises(ConfigError, match=f"ASSAY_{name.upper()}"):
            Settings(**{name: value})

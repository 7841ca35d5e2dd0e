"""MQTT against a real broker: nothing lost, nothing stale acted upon, the loop never waits."""

from __future__ import annotations

import json
import subprocess
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from queue import SimpleQueue
from time import monotonic

import paho.mqtt.client as paho
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from core.errors import ConfigError
from core.service.delivery.results import Unreachable
from domains.parts.station.message import message_id, message_of
from domains.parts.station.options import MqttOptions
from domains.parts.station.outputs.mqtt import MqttOutput, publish_history
from domains.parts.station.ports import Command, OutputError, TriggerSignal
from domains.parts.station.result import LineReason
from tests.domains.parts.station.broker import Broker, Wire, free_port
from tests.domains.parts.station.inspected import WORDS, inspected, wait_for
from tests.domains.xray.certificates import Authority

pytestmark = pytest.mark.service


class Subscriber:
    """An independent client that keeps whatever is published under the station's prefix."""

    def __init__(self, port: int) -> None:
        self.messages: list[paho.MQTTMessage] = []
        self.is_subscribed = False
        self.client = paho.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self.client.on_connect = lambda client, *_: client.subscribe("line/#", qos=1)
        self.client.on_subscribe = lambda *_: setattr(self, "is_subscribed", True)
        self.client.on_message = lambda _c, _u, message: self.messages.append(message)
        self.client.reconnect_delay_set(1, 1)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        wait_for(lambda: self.is_subscribed, "the subscription")

    def of(self, level):
        return [m for m in list(self.messages) if m.topic == f"line/{level}"]

    def bodies(self, level):
        return [json.loads(m.payload) for m in self.of(level)]

    def ids(self, level):
        return [body["id"] for body in self.bodies(level)]

    def publish(self, level, body, **options):
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.client.publish(f"line/{level}", payload, qos=1, **options).wait_for_publish(20)

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


@contextmanager
def subscribed(port):
    it = Subscriber(port)
    try:
        yield it
    finally:
        it.close()


class Station:
    """An output, driven as the loop of a station drives it."""

    def __init__(self, port, takes_triggers=True, **options):
        self.signals: SimpleQueue = SimpleQueue()
        self.options = MqttOptions(port=port, topic="line", **options)
        self.output = MqttOutput(
            "s1", self.options, self.signals.put, takes_triggers=takes_triggers
        )
        self.confirmed: list[str] = []
        self.output.open()

    def turn(self, words=WORDS, **more):
        self.output.show(words, {"pass_count": 7, "state": "RUN", **more})
        self.confirmed.extend(self.output.confirmed())
        return self

    def wait_for(self, condition, what):
        def turned():
            self.turn()
            return condition()

        wait_for(turned, what)

    def wait_for_connection(self):
        self.wait_for(lambda: self.output._link.connection > 0, "the connection")


@contextmanager
def station_at(port, **options):
    it = Station(port, **options)
    try:
        yield it
    finally:
        it.output.close()


@pytest.fixture(scope="module")
def lasting(tmp_path_factory):
    """A broker for tests that leave it running."""
    it = Broker(tmp_path_factory.mktemp("broker"))
    it.start()
    yield it
    it.stop()


@pytest.fixture
def broker(tmp_path):
    it = Broker(tmp_path)
    yield it
    it.stop()


@pytest.fixture
def wire(lasting):
    it = Wire(lasting.port)
    yield it
    it.close()


def fresh(name, seconds=30.0, /, **fields):
    valid_until = datetime.now(UTC) + timedelta(seconds=seconds)
    return {"id": name, "valid_until": valid_until.isoformat()} | fields


def id_of(number, *reasons):
    return message_id("s1", inspected(number, *reasons))


def test_what_the_station_has_lost_is_in_the_status_at_once(lasting):
    with station_at(lasting.port) as station, subscribed(lasting.port) as watcher:
        station.wait_for_connection()
        lost = ["The folder is gone."]
        wait_for(lambda: watcher.of("status"), "the first status")
        while station.output._statuses:
            station.output.show(WORDS, {})
        before = len(watcher.of("status"))
        station.turn(Problems=tuple(lost))
        wait_for(lambda: len(watcher.of("status")) > before, "the next")
        assert watcher.bodies("status")[-1]["status"]["Problems"] == lost


def test_the_status_is_retained_by_name_and_in_words(lasting):
    with station_at(lasting.port) as station:
        station.wait_for_connection()
        station.wait_for(lambda: not station.output._statuses, "the receipt of the status")
        with subscribed(lasting.port) as late:
            wait_for(lambda: late.of("status"), "the retained status")
            first = late.of("status")[0]
            assert first.retain is True
            assert first.qos == 1
            assert json.loads(first.payload) == {
                "online": True,
                "station": "s1",
                "words": list(WORDS),
                "status": {"pass_count": 7, "state": "RUN"},
            }
            changed = (9, *WORDS[1:])
            station.turn(changed)
            wait_for(lambda: late.bodies("status")[-1]["words"][0] == 9, "the change")


def test_a_planned_stop_and_a_lost_station_are_told_apart(wire, lasting):
    with subscribed(lasting.port) as watcher:
        with station_at(wire.port) as station:
            station.wait_for_connection()
            station.wait_for(lambda: any(b["online"] for b in watcher.bodies("status")), "status")
            wire.is_open = False
            wire.cut()
            lost = {"online": False, "station": "s1", "is_planned": False}
            wait_for(lambda: watcher.bodies("status")[-1] == lost, "the last will")
            with subscribed(lasting.port) as late:
                wait_for(lambda: late.of("status"), "the retained will")
                assert late.bodies("status") == [lost]
            wire.is_open = True
            station.wait_for(lambda: watcher.bodies("status")[-1]["online"], "the status again")
        planned = {"online": False, "station": "s1", "is_planned": True}
        wait_for(lambda: watcher.bodies("status")[-1] == planned, "the planned stop")
    with subscribed(lasting.port) as late:
        wait_for(lambda: late.of("status"), "the retained status")
        assert late.bodies("status") == [planned]


def test_a_result_is_published_once_is_not_kept_and_counts_once_the_broker_has_it(lasting):
    part = inspected(1, LineReason.DEFECT)
    with subscribed(lasting.port) as watcher, station_at(lasting.port) as station:
        station.wait_for_connection()
        assert station.output.send(part, WORDS) is False
        station.wait_for(lambda: station.confirmed, "the receipt")
        wait_for(lambda: watcher.of("result"), "the result")
        [result] = watcher.bodies("result")
        assert result == message_of("s1", part) | {
            "valid_until": "2026-11-29T10:00:06.000000+00:00"
        }
        assert station.confirmed == [message_id("s1", part)]
        with subscribed(lasting.port) as late:
            wait_for(lambda: late.of("status"), "the retained status")
            assert late.of("result") == []


def test_a_burst_larger_than_the_brokers_window_is_confirmed_whole_and_in_order(lasting):
    with subscribed(lasting.port) as watcher, station_at(lasting.port) as station:
        station.wait_for_connection()
        for number in range(1, 91):
            station.output.send(inspected(number), WORDS)
        station.wait_for(lambda: len(station.confirmed) == 90, "every receipt")
        wait_for(lambda: len(watcher.of("result")) == 90, "every result")
        assert watcher.ids("result") == station.confirmed == [id_of(n) for n in range(1, 91)]


def test_what_was_under_way_when_the_wire_broke_is_not_published_as_news_later(wire, lasting):
    with subscribed(lasting.port) as watcher, station_at(wire.port) as station:
        station.wait_for_connection()
        station.wait_for(lambda: not station.output._statuses, "a calm wire")
        wire.lets_requests_through = False
        station.output.send(inspected(1), WORDS)
        wire.cut()
        wire.lets_requests_through = True
        station.wait_for(lambda: station.output._link.connection == 2, "the next connection")
        station.output.send(inspected(2), WORDS)
        station.wait_for(lambda: station.confirmed, "the receipt")
        assert station.confirmed == [id_of(2)]
        wait_for(lambda: watcher.of("result"), "the result")
        assert watcher.ids("result") == [id_of(2)]
        publish_history(
            station.options.model_copy(update={"port": lasting.port}),
            message_of("s1", inspected(1)),
        )
        wait_for(lambda: watcher.of("history"), "the history")
        [late] = watcher.bodies("history")
        assert late == message_of("s1", inspected(1)) | {"is_historical": True}
        assert watcher.of("history")[0].retain is False


def test_a_result_whose_receipt_was_lost_keeps_its_id(wire, lasting):
    with subscribed(lasting.port) as watcher, station_at(wire.port) as station:
        station.wait_for_connection()
        wire.lets_answers_through = False
        station.output.send(inspected(1), WORDS)
        wait_for(lambda: watcher.of("result"), "the result")
        wire.cut()
        wire.lets_answers_through = True
        station.wait_for(lambda: station.output._link.connection == 2, "the next connection")
        station.wait_for(lambda: not station.output._results, "the end of waiting")
        assert station.confirmed == []
        publish_history(station.options, message_of("s1", inspected(1)))
        wait_for(lambda: watcher.of("history"), "the history")
        assert watcher.ids("history") == watcher.ids("result") == [id_of(1)]


def test_the_broker_may_come_late_go_and_come_back(broker):
    with station_at(broker.port) as station:
        station.wait_for(lambda: station.output.problem, "a problem")
        assert f"127.0.0.1:{broker.port}" in station.output.problem
        station.output.send(inspected(1), WORDS)
        broker.start()
        with subscribed(broker.port) as watcher:
            station.wait_for_connection()
            station.output.send(inspected(2), WORDS)
            station.wait_for(lambda: station.confirmed, "the receipt")
            broker.stop()
            station.wait_for(lambda: station.output.problem, "the loss")
            station.output.send(inspected(3), WORDS)
            watcher.is_subscribed = False
            broker.start()
            wait_for(lambda: watcher.is_subscribed, "the subscription")
            station.wait_for_connection()
            station.output.send(inspected(4), WORDS)
            station.wait_for(lambda: len(station.confirmed) == 2, "the receipt")
            wait_for(lambda: len(watcher.of("result")) == 2, "the results")
            assert watcher.ids("result") == station.confirmed == [id_of(2), id_of(4)]
            assert station.output.problem == ""


def test_the_loop_never_waits_for_a_broker_that_stands_still(wire):
    with station_at(wire.port) as station:
        station.wait_for_connection()
        wire.lets_requests_through = wire.lets_answers_through = False
        waits = []
        for number in range(1, 3001):
            began = monotonic()
            station.output.send(inspected(number, LineReason.DEFECT), WORDS)
            station.turn((number, *WORDS[1:]))
            waits.append(monotonic() - began)
        # Every one of them would wait for seconds; a busy machine lets a few.
        assert sum(wait > 2.0 for wait in waits) < 10
        assert station.confirmed == []
        # What may be under way is bounded: the rest is the outbox's.
        assert len(station.output._results) <= 100
        wire.lets_requests_through = wire.lets_answers_through = True
        station.wait_for(lambda: station.confirmed, "the first receipt")


def test_commands_and_triggers_are_signals_while_they_are_fresh(lasting):
    with subscribed(lasting.port) as sender, station_at(lasting.port) as station:
        sender.publish("command", fresh("old", name="online"), retain=True)
        station.wait_for_connection()
        sender.publish("trigger", fresh("t0", -1.0, part_id="STALE"))
        sender.publish("trigger", b"{no json")
        sender.publish("trigger", b"[" * 60_000)
        sender.publish("trigger", b"\x00" * 10_000_000)
        sender.publish("trigger", fresh("t1", part_seq="1"))
        sender.publish("command", fresh("c1", name="recipe", argument="4"), retain=True)
        sender.publish("trigger", fresh("t2", part_id="A", part_seq=5))
        sender.publish("trigger", fresh("t2", part_id="A", part_seq=5))
        sender.publish("command", fresh("c2", name="recipe", argument="3"))
        trigger = station.signals.get(timeout=20)
        command = station.signals.get(timeout=20)
        assert isinstance(trigger, TriggerSignal)
        assert (trigger.part_id, trigger.part_seq) == ("A", 5)
        assert 0 <= monotonic() - trigger.at < 60
        assert isinstance(command, Command)
        assert (command.name, command.argument) == ("recipe", "3")
        command.answer(False, "There is no recipe 3.")
        wait_for(lambda: sender.of("answer"), "the answer")
        assert sender.bodies("answer") == [
            {"id": "c2", "is_done": False, "sentence": "There is no recipe 3."}
        ]
        assert station.signals.empty()
        sender.publish("command", b"", retain=True)


def test_a_station_that_is_triggered_otherwise_hears_no_triggers(lasting):
    with station_at(lasting.port) as before:
        before.wait_for_connection()
    with (
        subscribed(lasting.port) as sender,
        station_at(lasting.port, takes_triggers=False) as station,
    ):
        station.wait_for_connection()
        sender.publish("trigger", fresh("t1"))
        sender.publish("command", fresh("c1", name="stop"))
        assert isinstance(station.signals.get(timeout=20), Command)
        assert station.signals.empty()


def test_a_trigger_of_a_moment_without_connection_comes_while_it_is_fresh(wire, lasting):
    with subscribed(lasting.port) as sender, station_at(wire.port, valid_s=60.0) as station:
        station.wait_for_connection()
        wire.is_open = False
        wire.cut()
        station.wait_for(lambda: station.output._link.connection == 0, "the loss")
        sender.publish("trigger", fresh("t1", part_id="A"))
        sender.publish("trigger", fresh("t2", 0.0, part_id="STALE"))
        wire.is_open = True
        assert station.signals.get(timeout=20).part_id == "A"
        station.wait_for_connection()
        assert station.signals.empty()


def test_a_broker_that_does_not_let_a_result_in_has_not_got_it(tmp_path):
    (tmp_path / "acl").write_text("topic readwrite line/status\ntopic read line/#\n")
    broker = Broker(tmp_path, f"acl_file {tmp_path / 'acl'}")
    broker.start()
    try:
        with station_at(broker.port) as station:
            station.wait_for_connection()
            station.output.send(inspected(1), WORDS)
            station.wait_for(lambda: not station.output._results, "the answer")
            assert station.confirmed == []
            with pytest.raises(OutputError, match="does not take"):
                publish_history(station.options, message_of("s1", inspected(1)))
    finally:
        broker.stop()


# paho leaves the socket of a handshake that failed to the garbage collector.
@pytest.mark.filterwarnings("ignore:unclosed <ssl.SSLSocket:ResourceWarning")
def test_tls_and_a_password_let_in_and_neither_lets_out(tmp_path, monkeypatch):
    ours, theirs = Authority(tmp_path, "ours"), Authority(tmp_path, "theirs")
    certificate, key = ours.issue("broker")
    passwords = tmp_path / "passwords"
    passwords.write_text("station:s3cret\n")
    subprocess.run(["mosquitto_passwd", "-U", str(passwords)], check=True)
    broker = Broker(
        tmp_path,
        f"certfile {certificate}",
        f"keyfile {key}",
        "allow_anonymous false",
        f"password_file {passwords}",
    )
    broker.start()
    right = {"username": "station", "ca_file": str(ours.file)}
    try:
        monkeypatch.setenv("ASSAY_MQTT_PASSWORD", "s3cret")
        with station_at(broker.port, **right) as station:
            station.wait_for_connection()
            station.output.send(inspected(1), WORDS)
            station.wait_for(lambda: station.confirmed, "the receipt")
            publish_history(station.options, message_of("s1", inspected(2)))
        with station_at(broker.port, **right | {"ca_file": str(theirs.file)}) as station:
            station.wait_for(lambda: station.output.problem, "a problem")
            assert "certificate verify failed" in station.output.problem
            with pytest.raises(Unreachable, match="certificate verify failed"):
                publish_history(station.options, message_of("s1", inspected(2)))
        monkeypatch.setenv("ASSAY_MQTT_PASSWORD", "wrong")
        with station_at(broker.port, **right) as station:
            station.wait_for(lambda: station.output.problem, "a problem")
            assert "Not authorized" in station.output.problem
            assert station.confirmed == []
    finally:
        broker.stop()


def test_two_stations_that_share_a_broker_and_the_defaults_leave_each_other_alone(lasting):
    signals: SimpleQueue = SimpleQueue()
    both = [MqttOutput(name, MqttOptions(port=lasting.port), signals.put) for name in ("s1", "s2")]
    for one in both:
        one.open()
    try:
        for number in range(1, 6):
            for one in both:
                wait_for(lambda link=one._link: link.connection == 1, "the connection")
                one.send(inspected(number), WORDS)
        for one in both:
            arrived: list[str] = []
            wait_for(
                lambda it=one, had=arrived: had.extend(it.confirmed()) or len(had) == 5, "receipts"
            )
            assert one._link.connection == 1
    finally:
        for one in both:
            one.close()
    assert MqttOptions().of_station("s1").topic == "assay/s1"
    assert MqttOptions(topic="a", client_id="b").of_station("s1").topic == "a"


def test_certificates_that_are_not_there_are_refused_at_the_start():
    with pytest.raises(ConfigError, match="cannot be read"):
        Station(1883, ca_file="/nowhere.pem")


def test_history_without_a_broker_is_sent_again_later():
    with pytest.raises(Unreachable, match="does not answer"):
        publish_history(MqttOptions(port=free_port()), message_of("s1", inspected(1)))

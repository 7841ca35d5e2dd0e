"""What a station publishes by MQTT, against a real broker: once, and counted once it is there."""

from __future__ import annotations

import json
import subprocess
from queue import SimpleQueue

import pytest

from core.errors import ConfigError
from core.service.delivery.results import Unreachable
from domains.parts.station.message import message_id, message_of
from domains.parts.station.options import MqttOptions
from domains.parts.station.outputs.mqtt import MqttOutput, publish_history
from domains.parts.station.ports import OutputError
from domains.parts.station.result import LineReason
from tests.domains.parts.station.broker import Broker, free_port
from tests.domains.parts.station.inspected import WORDS, inspected, wait_for
from tests.domains.parts.station.outputs.mqtt.peers import (
    Station,
    id_of,
    station_at,
    subscribed,
)
from tests.domains.xray.certificates import Authority

pytestmark = pytest.mark.service


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

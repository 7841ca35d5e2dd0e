"""The outbox of a station: what did not arrive in time comes as history, once, and nothing else."""

from __future__ import annotations

import json
import threading
from dataclasses import replace

import pytest

from core.errors import ConfigError
from core.jobs.worker import work
from core.records import outbox, queue
from core.records.connection import writing
from core.records.tables import JOBS
from core.records.values import now, stamp
from domains.parts.station.message import message_id, message_of
from domains.parts.station.options import (
    CsvOptions,
    MqttOptions,
    OutputOptions,
    WebhookOptions,
)
from domains.parts.station.outputs.outbox import (
    StationOutbox,
    seconds_before_history,
    send_csv,
    send_mqtt,
    send_webhook,
)
from domains.parts.station.recipe import (
    CameraOptions,
    Recipe,
    StationFile,
    keep_station,
    kept_station,
)
from domains.parts.station.result import LineReason
from tests.domains.parts.station.broker import Broker, free_port
from tests.domains.parts.station.inspected import inspected, wait_for
from tests.domains.parts.station.outputs.mqtt.peers import subscribed
from tests.domains.parts.station.outputs.test_webhook import Receiver, serving

pytestmark = pytest.mark.slow

CSV = OutputOptions(csv=CsvOptions(folder="/nowhere"))


def station_with(options: OutputOptions) -> StationFile:
    recipe = Recipe(number=1, product="p", cameras=(CameraOptions(source="camera"),))
    return StationFile(name="s1", outputs=options, recipes=(recipe,))


@pytest.fixture
def station(store):
    it = StationOutbox(store, "s1", CSV)
    it.start()
    yield it
    it.stop(10)


def put(store, station, part):
    with writing(store) as connection:
        station.put(connection, part)


def put_all(store, options, *parts):
    station = StationOutbox(store, "s1", options)
    for part in parts:
        put(store, station, part)
    return station


def let_all_leave(store):
    """Let the time pass that the station has for sending its messages itself."""
    with writing(store) as connection:
        connection.execute(JOBS.update().values(not_before=stamp(now())))


def states(store):
    return {state: count for (_, state), count in queue.waiting(store).items()}


def messages(store, number, output="parts.csv"):
    return outbox.messages(store, "parts", output, f"s1/{number}")


def test_a_part_has_a_message_for_each_output_that_the_station_has(store):
    options = OutputOptions(
        mqtt=MqttOptions(valid_s=3.0), webhook=WebhookOptions(url="http://h/", timeout_s=2.0)
    )
    part = inspected(1, LineReason.DEFECT)
    put_all(store, options, part)
    assert messages(store, 1) == []
    for name in ("parts.mqtt", "parts.webhook"):
        [one] = messages(store, 1, name)
        assert one.body == message_of("s1", part)
        assert one.receiver == "s1"
    assert seconds_before_history(options) == {"parts.mqtt": 8.0, "parts.webhook": 14.0}
    assert seconds_before_history(OutputOptions()) == {}


def test_what_arrived_by_itself_does_not_come_as_history(store, station):
    for number in (1, 2, 3):
        put(store, station, inspected(number))
    station.note("csv", inspected(1))
    station.note_ids("csv", [message_id("s1", inspected(3))])
    station.note_ids("mqtt", [message_id("s1", inspected(2))])
    wait_for(lambda: states(store) == {"done": 2, "waiting": 1}, "the note")


def test_what_left_before_it_was_on_record_is_not_sent_again_once_it_is(store, station):
    part = inspected(1, LineReason.NOT_RECORDED)
    station.note("csv", part)
    wait_for(lambda: not station._noted, "the note")
    put(store, station, part)
    assert states(store) == {}
    put(store, station, inspected(2))
    assert states(store) == {"waiting": 1}


def test_of_a_corrected_part_the_last_verdict_alone_leaves(store, station):
    put(store, station, inspected(1))
    put(store, station, inspected(1, LineReason.LATE))
    assert states(store) == {"cancelled": 1, "waiting": 1}
    [job] = queue.claim(store, ["deliver"], worker="w", lease_s=60, at=inspected(100).recorded_at)
    assert outbox.message(store, job.key).body["result"] == "FAIL"


def test_what_was_noted_while_the_store_was_locked_is_noted_later(store, station):
    put(store, station, inspected(1))
    with writing(store):
        station.note("csv", inspected(1))
        wait_for(lambda: not station._wake.is_set(), "the thread")
    wait_for(lambda: states(store) == {"done": 1}, "the note")


def test_noting_never_waits_for_the_store(store, station):
    with writing(store):
        # Here it would wait for itself.
        for number in range(1000):
            station.note("csv", inspected(number))
    wait_for(lambda: not station._noted, "the note")
    assert len(station._confirmed) == 1000


def test_options_are_read_as_they_were_written_and_hold_no_secret(tmp_path, monkeypatch):
    monkeypatch.setenv("ASSAY_MQTT_PASSWORD", "s3cret")
    options = OutputOptions(mqtt=MqttOptions(username="u"), csv=CsvOptions(folder="/a"))
    keep_station(tmp_path, station_with(options))
    assert kept_station(tmp_path, "s1") == station_with(options)
    assert "s3cret" not in (tmp_path / "stations" / "s1.json").read_text()


@pytest.mark.parametrize("content", [None, "", "{", '{"pigeon": {}}'])
def test_options_that_are_not_known_name_the_way_out(tmp_path, content):
    if content is not None:
        (tmp_path / "stations").mkdir()
        (tmp_path / "stations" / "s1.json").write_text(content)
    with pytest.raises(ConfigError, match="cannot be read") as raised:
        kept_station(tmp_path, "s1")
    assert "Start the station s1" in raised.value.hint


@pytest.mark.parametrize("send", [send_csv, send_mqtt, send_webhook])
def test_an_output_that_was_taken_away_is_named(store, settings, send):
    put_all(store, CSV, inspected(1))
    keep_station(settings.home, station_with(OutputOptions()))
    [one] = messages(store, 1)
    with pytest.raises(ConfigError, match="has no such output any more"):
        send(replace(one, output="parts.x"), settings)


@pytest.mark.service
def test_a_worker_sends_the_rest_to_every_output_as_history(store, settings, tmp_path):
    broker = Broker(tmp_path)
    broker.start()
    try:
        with serving(Receiver()) as receiver, subscribed(broker.port) as watcher:
            options = OutputOptions(
                mqtt=MqttOptions(port=broker.port, topic="line"),
                webhook=WebhookOptions(url=receiver.url),
                csv=CsvOptions(folder=str(tmp_path)),
            )
            keep_station(settings.home, station_with(options))
            parts = [inspected(1), inspected(2, LineReason.DEFECT), inspected(3)]
            station = put_all(store, options, *parts)
            station.start()
            station.note("webhook", parts[0])
            station.stop(20)
            let_all_leave(store)
            work([], store, settings, stop=threading.Event(), once=True, lanes=("deliver",))
            assert states(store) == {"done": 9}
            wait_for(lambda: len(watcher.of("history")) == 3, "the history")
            ids = [message_id("s1", part) for part in parts]
            assert sorted(watcher.ids("history")) == sorted(ids)
            assert all(body["is_historical"] for body in watcher.bodies("history"))
            assert watcher.of("result") == []
            assert sorted(receiver.ids) == sorted(ids[1:])
            assert [json.loads(body) for _, body in receiver.requests if b'"FAIL"' in body] == [
                message_of("s1", parts[1])
            ]
            lines = (tmp_path / "s1-2026-11-29.csv").read_text().splitlines()
            assert {line.split(",")[1] for line in lines[1:]} == set(ids)
            assert len(lines) == 4
    finally:
        broker.stop()


@pytest.mark.service
def test_while_a_receiver_is_away_its_messages_stay_and_the_others_get_theirs(
    store, settings, tmp_path
):
    options = OutputOptions(
        mqtt=MqttOptions(port=free_port()), csv=CsvOptions(folder=str(tmp_path))
    )
    keep_station(settings.home, station_with(options))
    put_all(store, options, inspected(1), inspected(2))
    let_all_leave(store)
    work([], store, settings, stop=threading.Event(), once=True, lanes=("deliver",))
    assert states(store) == {"done": 2, "waiting": 2}
    assert len((tmp_path / "s1-2026-11-29.csv").read_text().splitlines()) == 3

"""MQTT against a broker that goes: nothing lost, nothing stale as news, the loop never waits."""

from __future__ import annotations

from time import monotonic

import pytest

from domains.parts.station.message import message_of
from domains.parts.station.outputs.mqtt import publish_history
from domains.parts.station.result import LineReason
from tests.domains.parts.station.inspected import WORDS, inspected, wait_for
from tests.domains.parts.station.outputs.mqtt.peers import (
    id_of,
    station_at,
    subscribed,
)

pytestmark = pytest.mark.service


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

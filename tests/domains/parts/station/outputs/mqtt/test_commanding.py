"""Commands and triggers by MQTT, against a real broker: none that is stale is acted upon."""

from __future__ import annotations

from time import monotonic

import pytest

from domains.parts.station.ports import Command, TriggerSignal
from tests.domains.parts.station.inspected import wait_for
from tests.domains.parts.station.outputs.mqtt.peers import (
    fresh,
    station_at,
    subscribed,
)

pytestmark = pytest.mark.service


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

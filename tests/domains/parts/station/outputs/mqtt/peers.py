"""A client of a broker, and an output that is driven as the loop of a station drives it."""

from __future__ import annotations

import json
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from queue import SimpleQueue

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from domains.parts.station.message import message_id
from domains.parts.station.options import MqttOptions
from domains.parts.station.outputs.mqtt import MqttOutput
from tests.domains.parts.station.inspected import WORDS, inspected, wait_for


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


def fresh(name, seconds=30.0, /, **fields):
    valid_until = datetime.now(UTC) + timedelta(seconds=seconds)
    return {"id": name, "valid_until": valid_until.isoformat()} | fields


def id_of(number, *reasons):
    return message_id("s1", inspected(number, *reasons))

"""MQTT 5: the status retained, results as they come, commands and triggers while they are fresh."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from time import monotonic, sleep
from typing import Any

from paho.mqtt.client import MQTTMessage

from core.logs import Event, Word
from core.service.delivery.results import Unreachable
from domains.parts.station.message import Body, history, live, message_of
from domains.parts.station.options import MqttOptions
from domains.parts.station.outputs.mqtt_incoming import (
    IncomingMessages,
    RefusedMessage,
    utc_now,
)
from domains.parts.station.outputs.mqtt_link import (
    KEEP_ALIVE_S,
    MqttLink,
    Subscriptions,
    Ticket,
    new_client,
)
from domains.parts.station.part import InspectedPart
from domains.parts.station.ports import Command, OutputError, Post, Words

_STATUS_EVERY_S = 1.0
_STATUS_IN_FLIGHT = 3
_GOODBYE_S = 1.0
_LOG_EVERY_S = 1.0
_HISTORY_S = 10.0

logger = logging.getLogger(__name__)


class MqttOutput:
    """A broker as an output of a station.

    Topics under the prefix of the options: ``status`` (retained), ``result``, ``history``,
    ``answer`` (to commands) go out; ``command`` and, where triggers come by MQTT, ``trigger``
    come in.
    """

    name = "mqtt"

    def __init__(
        self, station: str, options: MqttOptions, post: Post, *, takes_triggers: bool = False
    ) -> None:
        """Prepare; nothing is connected before `open`.

        Args:
            station: Name of the station.
            options: The broker.
            post: Gets a signal for each command and trigger, from the network's thread.
            takes_triggers: Whether parts are triggered by MQTT.
        """
        self._station = station
        self._options = options = options.of_station(station)
        self._post = post
        self._incoming = IncomingMessages()
        self._next_log = 0.0
        self._kinds = ("command", "trigger") if takes_triggers else ("command",)
        subscriptions = Subscriptions(tuple(map(self._topic, self._kinds)), self._receive)
        self._link = MqttLink(options, (self._topic("status"), self._offline(False)), subscriptions)
        self._results: dict[Ticket, str] = {}
        self._statuses: set[Ticket] = set()
        self._shown: tuple[int, object, float] = (0, (), 0.0)
        self._confirmed: list[str] = []

    @property
    def problem(self) -> str:
        """What keeps it from sending."""
        return self._link.problem

    @property
    def is_connected(self) -> bool:
        """Whether the status was published on the connection that stands."""
        return self._link.connection != 0 and self._link.connection == self._shown[0]

    def open(self) -> None:
        """Begin to connect; a broker that is not there is tried for ever.

        Raises:
            ConfigError: The CA certificates cannot be read.
        """
        self._link.start()

    def show(self, words: Words, status: Mapping[str, object]) -> None:
        """Publish the status when it has changed, on every connection, and every second."""
        self._collect()
        connection, now = self._link.connection, monotonic()
        last_connection, last_shown, last_time = self._shown
        is_fresh = connection != last_connection
        shown = (words, status.get("Problems"))
        is_due = is_fresh or shown != last_shown or now - last_time >= _STATUS_EVERY_S
        # While the broker is slow the statuses in between are left out.
        if not connection or not is_due or len(self._statuses) >= _STATUS_IN_FLIGHT:
            return
        body = {"online": True, "station": self._station, "words": words, "status": dict(status)}
        payload = json.dumps(body, default=str).encode()
        ticket = self._link.publish(self._topic("status"), payload, is_retained=True)
        if ticket is not None:
            self._statuses.add(ticket)
            self._shown = (connection, shown, now)

    def send(self, part: InspectedPart, words: Words) -> bool:  # noqa: ARG002
        """Return whether a result was published; `confirmed` says when the broker has it."""
        body = live(message_of(self._station, part), self._options.valid_s)
        ticket = self._link.publish(self._topic("result"), json.dumps(body).encode())
        if ticket is not None:
            self._results[ticket] = str(body["id"])
        return False

    def confirmed(self) -> tuple[str, ...]:
        """Return the ids of the messages that the broker has since the last call."""
        self._collect()
        ids, self._confirmed = tuple(self._confirmed), []
        return ids

    def close(self) -> None:
        """Publish that the station stops as planned, and disconnect once that has arrived."""
        ticket = self._link.publish(self._topic("status"), self._offline(True), is_retained=True)
        if ticket is not None:
            self._statuses.add(ticket)
        limit = monotonic() + _GOODBYE_S
        while self._link.connection and monotonic() < limit:
            self._collect()
            if not self._statuses and not self._results:
                break
            sleep(0.005)
        self._link.stop(_GOODBYE_S)

    def _collect(self) -> None:
        """Return the broker's receipts."""
        for ticket, is_kept in self._link.acknowledged():
            self._statuses.discard(ticket)
            message_id = self._results.pop(ticket, None)
            if message_id is not None and is_kept:
                self._confirmed.append(message_id)
        if current := self._link.connection:
            self._statuses = {one for one in self._statuses if one.connection == current}
            self._results = {t: i for t, i in self._results.items() if t.connection == current}

    def _receive(self, message: MQTTMessage) -> None:
        kind = message.topic.rpartition("/")[2]
        if kind not in self._kinds:
            # A session that the broker kept may be subscribed to more than this station.
            self._log_refusal("NOT_TAKEN")
            return
        try:
            message_id, signal = self._incoming.accept(
                kind,
                bytes(message.payload),
                is_retained=message.retain,
                now=utc_now(),
                at=monotonic(),
            )
        except RefusedMessage as refused:
            self._log_refusal(str(refused))
            return
        if isinstance(signal, Command):
            signal = replace(signal, answer=self._answering(message_id))
        self._post(signal)

    def _log_refusal(self, code: str) -> None:
        """Log a message that counts for nothing; a flood of them is logged once a second."""
        if monotonic() >= self._next_log:
            self._next_log = monotonic() + _LOG_EVERY_S
            logger.warning(Event(Word.REFUSED, {"kind": "parts.mqtt", "code": code}))

    def _answering(self, message_id: str) -> Callable[[bool, str], None]:
        def answer(is_done: bool, sentence: str) -> None:
            body = {"id": message_id, "is_done": is_done, "sentence": sentence}
            self._link.publish(self._topic("answer"), json.dumps(body).encode())

        return answer

    def _offline(self, is_planned: bool) -> bytes:
        body = {"online": False, "station": self._station, "is_planned": is_planned}
        return json.dumps(body).encode()

    def _topic(self, level: str) -> str:
        return f"{self._options.topic}/{level}"


def publish_history(options: MqttOptions, body: Body) -> None:
    """Publish a result that could not leave in time, and return once the broker has it.

    Over a connection of its own, beside that of the station.

    Raises:
        Unreachable: The broker does not answer.
        OutputError: It does not take the message.
        ConfigError: The CA certificates cannot be read.
    """
    client = new_client(options, f"{options.client_id}-history-{os.getpid()}")
    ended = threading.Event()
    answers: list[bool] = []
    payload = json.dumps(history(body)).encode()

    def on_connect(*of_paho: Any) -> None:  # noqa: ANN401
        _, _, _, reason, _ = of_paho
        if reason.is_failure:
            ended.set()
        else:
            client.publish(f"{options.topic}/history", payload, qos=1)

    def on_publish(*of_paho: Any) -> None:  # noqa: ANN401
        _, _, _, reason, _ = of_paho
        answers.append(not reason.is_failure)
        ended.set()

    client.on_connect, client.on_publish = on_connect, on_publish
    client.on_disconnect = lambda *_: ended.set()
    address = f"{options.host}:{options.port}"
    try:
        client.connect(options.host, options.port, keepalive=KEEP_ALIVE_S)
    except (OSError, ValueError) as exc:
        raise Unreachable(
            f"The broker {address} does not answer: {exc}.", hint="It is sent again by itself."
        ) from None
    client.loop_start()
    ended.wait(_HISTORY_S)
    client.disconnect()
    client.loop_stop()
    if not answers:
        raise Unreachable(
            f"The broker {address} does not answer within {_HISTORY_S:g} s, or refuses the client.",
            hint="It is sent again by itself; check the broker's log.",
        )
    if not answers[0]:
        raise OutputError(
            f"The broker {address} does not take a result of before.",
            hint="It is sent again by itself; check the broker's log and access list.",
        )

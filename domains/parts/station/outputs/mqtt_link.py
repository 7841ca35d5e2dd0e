"""A connection to an MQTT broker that is made again for ever, and what the broker has for sure.

Each connection has a client object of its own. One that lived on would send what was under way when
the old connection broke once more to its topic of then: a result that is stale by now.
"""

from __future__ import annotations

import logging
import math
import os
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from core.errors import ConfigError
from core.logs import Event, Word
from domains.parts.station.options import MqttOptions

KEEP_ALIVE_S = 5
CONNECT_S = 5.0
SILENCE_S = 15.0
"""A broker that acknowledges nothing for so long is connected to anew."""

MAX_IN_FLIGHT = 100
_RETRY_S = (0.2, 10.0)
_AT_ONCE = 20
_LARGEST_PACKET = 65536
_DISCONNECT_WITH_WILL = 0x04

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Subscriptions:
    """What is subscribed to, and who gets it.

    Attributes:
        topics: Topics, without wildcards.
        receive: Called from the network's thread with each message.
    """

    topics: tuple[str, ...]
    receive: Callable[[MQTTMessage], None]


@dataclass(frozen=True, slots=True)
class Ticket:
    """One message that was handed over, to be known again when its receipt comes."""

    connection: int
    mid: int


def new_client(options: MqttOptions, client_id: str) -> Client:
    """Return a client that is not connected, and that does not connect again by itself.

    Raises:
        ConfigError: The CA certificates cannot be read.
    """
    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        protocol=MQTTProtocolVersion.MQTTv5,
        reconnect_on_failure=False,
    )
    client.connect_timeout = CONNECT_S
    if options.username:
        client.username_pw_set(options.username, os.environ.get(options.password_env))
    if options.ca_file:
        try:
            client.tls_set(ca_certs=options.ca_file)
        except OSError as exc:
            raise ConfigError(
                f"The CA certificates {options.ca_file} cannot be read: {exc.strerror or exc}.",
                hint="Correct outputs.mqtt.ca_file.",
            ) from exc
    return client


class MqttLink:
    """Keeps a connection to a broker.

    `publish`, `acknowledged` and `connection` are for one thread, that of the station's loop; they
    never wait for the network.
    """

    def __init__(
        self, options: MqttOptions, will: tuple[str, bytes], subscriptions: Subscriptions
    ) -> None:
        self._options = options
        self._will = will
        self._subscriptions = subscriptions
        self._live: tuple[int, Client] | None = None
        self._count = 0
        self._in_flight: set[Ticket] = set()
        self._limit = MAX_IN_FLIGHT
        self._receipts: deque[tuple[Ticket, bool]] = deque()
        self._sent = self._received = 0
        self._progress_at = 0.0
        self._stopping = threading.Event()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self.problem = ""

    def start(self) -> None:
        """Begin to connect.

        Raises:
            ConfigError: The CA certificates cannot be read.
        """
        new_client(self._options, self._options.client_id)
        self._thread = threading.Thread(target=self._run, name="parts.mqtt", daemon=True)
        self._thread.start()

    @property
    def connection(self) -> int:
        """Number of the connection that stands, from 1; 0 while there is none."""
        live = self._live
        return live[0] if live is not None else 0

    def publish(self, topic: str, payload: bytes, *, is_retained: bool = False) -> Ticket | None:
        """Return the ticket of a message handed over with QoS 1; None where it was not."""
        live = self._live
        if live is None or len(self._in_flight) >= self._limit:
            return None
        if self._sent == self._received:
            self._progress_at = monotonic()
        info = live[1].publish(topic, payload, qos=1, retain=is_retained)
        if info.rc:
            return None
        self._sent += 1
        ticket = Ticket(live[0], info.mid)
        self._in_flight.add(ticket)
        return ticket

    def acknowledged(self) -> list[tuple[Ticket, bool]]:
        """Return what the broker answered since the last call, each with whether it has it.

        Of messages whose connection broke nothing is returned.
        """
        receipts = [self._receipts.popleft() for _ in range(len(self._receipts))]
        self._in_flight.difference_update(ticket for ticket, _ in receipts)
        if current := self.connection:
            self._in_flight = {one for one in self._in_flight if one.connection == current}
        return receipts

    def stop(self, wait_s: float) -> None:
        """Disconnect, and wait so long for the threads to end."""
        self._stopping.set()
        self._ended.set()
        if self._thread is not None:
            self._thread.join(wait_s)

    def _run(self) -> None:
        wait_s = _RETRY_S[0]
        while not self._stopping.is_set():
            before = self._count
            self._connect_once()
            wait_s = _RETRY_S[0] if self._count > before else min(2 * wait_s, _RETRY_S[1])
            self._stopping.wait(wait_s)

    def _connect_once(self) -> None:
        """Connect, and return when the connection has ended."""
        self._ended.clear()
        client = self._prepare()
        try:
            client.connect(
                self._options.host,
                self._options.port,
                keepalive=KEEP_ALIVE_S,
                clean_start=False,
                properties=self._connect_properties(),
            )
        except (OSError, ValueError) as exc:
            self._lose(f"does not answer: {exc}")
            return
        client.loop_start()
        began = monotonic()
        while not self._ended.wait(0.5) and not self._stopping.is_set():
            if self._live is None and monotonic() - began > CONNECT_S:
                self._lose("does not answer")
                break
            if self._sent > self._received and monotonic() - self._progress_at > SILENCE_S:
                self._lose("acknowledges nothing")
                break
        self._live = None
        reason = None if self._stopping.is_set() else _with_will()
        client.disconnect(reasoncode=reason)
        client.loop_stop()

    def _prepare(self) -> Client:
        client = new_client(self._options, self._options.client_id)
        client.will_set(*self._will, qos=1, retain=True)
        client.max_inflight_messages_set(_AT_ONCE)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        return client

    def _connect_properties(self) -> Properties:
        properties = Properties(PacketTypes.CONNECT)
        # What is older than a command may be need not be kept for us.
        properties.SessionExpiryInterval = max(1, math.ceil(self._options.valid_s))
        properties.MaximumPacketSize = _LARGEST_PACKET
        return properties

    def _on_connect(
        self,
        client: Client,
        userdata: Any,  # noqa: ANN401, ARG002
        flags: ConnectFlags,  # noqa: ARG002
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._lose(f"refuses the connection: {reason}")
            self._ended.set()
            return
        # A broker hangs up on whoever sends more at once than it takes. The client sends 20 at once
        # and keeps the rest, but cannot be set to fewer on a connection that stands.
        most = getattr(properties, "ReceiveMaximum", MAX_IN_FLIGHT)
        self._limit = most if most < _AT_ONCE else MAX_IN_FLIGHT
        if self._subscriptions.topics:
            # Stored messages are to be seen, and logged, rather than left out.
            options = SubscribeOptions(qos=1, retainAsPublished=True)
            client.subscribe([(topic, options) for topic in self._subscriptions.topics])
        self._count += 1
        self._sent = self._received = 0
        self._live = (self._count, client)
        self.problem = ""
        logger.info(Event(Word.CONNECTED, {"kind": "parts.mqtt"}))

    def _on_disconnect(
        self,
        client: Client,  # noqa: ARG002
        userdata: Any,  # noqa: ANN401, ARG002
        flags: DisconnectFlags,  # noqa: ARG002
        reason: ReasonCode,
        properties: Properties | None,  # noqa: ARG002
    ) -> None:
        if not self._stopping.is_set():
            self._lose(f"is not connected any more: {reason}")
        self._ended.set()

    def _on_publish(
        self,
        client: Client,  # noqa: ARG002
        userdata: Any,  # noqa: ANN401, ARG002
        mid: int,
        reason: ReasonCode,
        properties: Properties,  # noqa: ARG002
    ) -> None:
        self._received += 1
        self._progress_at = monotonic()
        self._receipts.append((Ticket(self._count, mid), not reason.is_failure))
        refused = f"The broker {self._address} does not take a message: {reason}."
        self.problem = refused if reason.is_failure else ""

    def _on_message(self, client: Client, userdata: Any, message: MQTTMessage) -> None:  # noqa: ANN401, ARG002
        self._subscriptions.receive(message)

    @property
    def _address(self) -> str:
        return f"{self._options.host}:{self._options.port}"

    def _lose(self, why: str) -> None:
        """Note that there is no connection; what comes first says why."""
        self._live = None
        if not self.problem:
            self.problem = f"The broker {self._address} {why}."
            logger.warning(Event(Word.DISCONNECTED, {"kind": "parts.mqtt"}))


def _with_will() -> ReasonCode:
    return ReasonCode(PacketTypes.DISCONNECT, identifier=_DISCONNECT_WITH_WILL)

"""Results by HTTP: one POST of JSON a part, under the same key however often it is sent."""

from __future__ import annotations

import json
import os
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import urlsplit

from core.errors import ConfigError, PermanentFailure
from core.service.delivery.results import Unreachable
from domains.parts.station.message import Body, message_of
from domains.parts.station.options import WebhookOptions
from domains.parts.station.outputs.sender import ResultSender
from domains.parts.station.part import InspectedPart
from domains.parts.station.ports import OutputError, Words

_ANSWER_BYTES = 65536
# What these say is about the message itself: it would be refused again.
_REFUSED = frozenset({400, 413, 415, 422})
# It is at this message already, over another connection.
_CONFLICT = 409


class WebhookClient:
    """One receiver of results by HTTP. Calls come from one thread."""

    def __init__(self, options: WebhookOptions) -> None:
        """Prepare; nothing is connected before the first message.

        Raises:
            ConfigError: The token of the environment cannot stand in a header.
        """
        self._url = urlsplit(options.url)
        self._timeout_s = options.timeout_s
        self._headers = {"Content-Type": "application/json"} | _authorization(options.token_env)
        self._connection: HTTPConnection | None = None

    def post(self, body: Body) -> None:
        """Send a message, and return once the receiver has answered with success.

        A redirect is not followed: the message would go to a host that nobody entered.

        Raises:
            Unreachable: It does not answer in time, or takes no messages now.
            PermanentFailure: It refuses this message.
            OutputError: It does not take this message now.
        """
        # The same bytes each time: a receiver may refuse one key with two bodies.
        data = json.dumps(body, sort_keys=True).encode()
        try:
            status = self._exchange(data, str(body["id"]))
        except (OSError, HTTPException) as exc:
            self.close()
            raise Unreachable(
                f"{self._url.netloc} does not answer: {type(exc).__name__}.",
                hint="It is sent again by itself; check that the receiver runs.",
            ) from None
        if status in _REFUSED:
            raise PermanentFailure(
                f"{self._url.netloc} refuses a result with HTTP status {status}.",
                hint="Correct what the receiver expects, then try the message again.",
            )
        if not 200 <= status < 300:
            self.close()
            redirect = ", a redirect, which is not followed" if 300 <= status < 400 else ""
            # Any other answer than a conflict is about the receiver: it would come to every
            # message, and one that is overloaded is not to get them all at once.
            kind = OutputError if status == _CONFLICT else Unreachable
            raise kind(
                f"{self._url.netloc} answers with HTTP status {status}{redirect}.",
                hint="It is sent again by itself; correct outputs.webhook or the receiver.",
            )

    def close(self) -> None:
        """Let the connection go."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _exchange(self, data: bytes, key: str) -> int:
        """Return the answer's status; send once more where an old connection had been closed."""
        is_used = self._connection is not None
        try:
            return self._request(data, key)
        except (ConnectionError, HTTPException):
            self.close()
            if not is_used:
                raise
            return self._request(data, key)

    def _request(self, data: bytes, key: str) -> int:
        if self._connection is None:
            self._connection = self._connect()
        connection = self._connection
        with _deadline(connection, self._timeout_s) as is_over:
            path = self._url._replace(scheme="", netloc="", fragment="").geturl() or "/"
            connection.request("POST", path, data, self._headers | {"Idempotency-Key": key})
            answer = connection.getresponse()
            if is_over.is_set():
                # Headers that were cut off read like headers that ended.
                raise TimeoutError
            if not _read_to_end(answer):
                self.close()
        return answer.status

    def _connect(self) -> HTTPConnection:
        host, port = self._url.hostname or "", self._url.port
        if self._url.scheme == "https":
            context = ssl.create_default_context()
            return HTTPSConnection(host, port, timeout=self._timeout_s, context=context)
        return HTTPConnection(host, port, timeout=self._timeout_s)


class WebhookOutput:
    """The receiver as an output of a station."""

    name = "webhook"

    def __init__(self, station: str, options: WebhookOptions) -> None:
        self._station = station
        self._options = options
        self._client: WebhookClient | None = None
        self._sender = ResultSender("parts.webhook", self._deliver)

    @property
    def problem(self) -> str:
        """What keeps it from sending."""
        return self._sender.problem

    def open(self) -> None:
        """Start sending.

        Raises:
            ConfigError: The token cannot be used.
        """
        self._client = WebhookClient(self._options)
        self._sender.start()

    def show(self, words: Words, status: Mapping[str, object]) -> None:
        """Do nothing: the receiver gets results alone."""

    def send(self, part: InspectedPart, words: Words) -> bool:  # noqa: ARG002
        """Return whether a result is to be posted; `confirmed` says when the receiver has it."""
        self._sender.hand_over(message_of(self._station, part))
        return False

    def confirmed(self) -> tuple[str, ...]:
        """Return the ids of the messages that the receiver has since the last call."""
        return self._sender.confirmed()

    def close(self) -> None:
        """End sending."""
        self._sender.stop(self._options.timeout_s + 1)
        if self._client is not None:
            self._client.close()

    def _deliver(self, messages: Sequence[Body]) -> None:
        if self._client is not None:
            for one in messages:
                self._client.post(one)


def _authorization(variable: str) -> dict[str, str]:
    token = os.environ.get(variable, "")
    if not token:
        return {}
    if not token.isascii() or not token.isprintable():
        raise ConfigError(
            f"The token in {variable} cannot stand in a header; expected printable ASCII.",
            hint="Set the variable anew, without a line break.",
        )
    return {"Authorization": f"Bearer {token}"}


@contextmanager
def _deadline(connection: HTTPConnection, seconds: float) -> Iterator[threading.Event]:
    """Yield while a connection is cut off after a time, however slowly its bytes come in.

    Yields:
        What is set once it was cut off.
    """
    is_over = threading.Event()

    def cut() -> None:
        is_over.set()
        if connection.sock is not None:
            with suppress(OSError):
                connection.sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield is_over
    finally:
        timer.cancel()


def _read_to_end(answer: HTTPResponse) -> bool:
    """Return whether an answer's body was read to its end and the connection goes on."""
    try:
        answer.read(_ANSWER_BYTES)
    except (OSError, HTTPException):
        # The status was there: that the body is not changes nothing.
        return False
    return answer.isclosed() and not answer.will_close

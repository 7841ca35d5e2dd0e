"""Results by HTTP against a real server: what it has for sure, what is sent again, what never."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic, sleep

import pytest
from pydantic import ValidationError

from core.errors import ConfigError, PermanentFailure
from core.service.delivery.results import Unreachable
from domains.parts.station.message import message_id, message_of
from domains.parts.station.options import WebhookOptions
from domains.parts.station.outputs.webhook import WebhookClient, WebhookOutput
from domains.parts.station.ports import OutputError
from tests.domains.parts.station.inspected import WORDS, inspected, wait_for

pytestmark = pytest.mark.service


@dataclass
class Receiver:
    """What a server was sent, and how it answers: status, body, headers, a wait before."""

    status: int = 204
    body: bytes = b""
    headers: dict = field(default_factory=dict)
    wait_s: float = 0.0
    requests: list = field(default_factory=list)
    connections: set = field(default_factory=set)
    url: str = ""

    @property
    def ids(self):
        return [json.loads(body)["id"] for _, body in self.requests]


@contextmanager
def serving(receiver):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.requests.append((dict(self.headers), body))
            receiver.connections.add(self.client_address)
            sleep(receiver.wait_s)
            self.send_response(receiver.status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            if receiver.status != 204:
                self.send_header("Content-Length", str(len(receiver.body)))
            self.end_headers()
            self.wfile.write(receiver.body)

        do_GET = do_POST

        def log_message(self, *args):
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request, client_address):
            """A client that hangs up is what some tests are about."""

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        receiver.url = f"http://127.0.0.1:{server.server_address[1]}/results?line=1"
        try:
            yield receiver
        finally:
            server.shutdown()


@pytest.fixture
def receiver():
    with serving(Receiver()) as it:
        yield it


@pytest.fixture
def client(receiver):
    it = WebhookClient(WebhookOptions(url=receiver.url, timeout_s=0.5))
    yield it
    it.close()


def test_a_result_is_posted_with_its_key_and_token(receiver, monkeypatch):
    monkeypatch.setenv("ASSAY_WEBHOOK_TOKEN", "s3cret")
    client = WebhookClient(WebhookOptions(url=receiver.url))
    body = message_of("line", inspected(1))
    client.post(body)
    client.close()
    [(headers, sent)] = receiver.requests
    assert json.loads(sent) == body
    assert headers["Idempotency-Key"] == body["id"]
    assert headers["Authorization"] == "Bearer s3cret"
    assert headers["Content-Type"] == "application/json"


def test_results_share_a_connection_and_one_that_was_closed_is_opened_anew(receiver, client):
    for number in (1, 2):
        client.post(message_of("line", inspected(number)))
    assert len(receiver.connections) == 1
    receiver.headers = {"Connection": "close"}
    for number in (3, 4):
        client.post(message_of("line", inspected(number)))
    assert receiver.ids == [message_id("line", inspected(number)) for number in (1, 2, 3, 4)]


@pytest.mark.parametrize("status", [401, 403, 404, 408, 429, 500, 503])
def test_a_receiver_that_takes_nothing_now_is_left_alone_for_a_while(receiver, client, status):
    receiver.status = status
    with pytest.raises(Unreachable, match=f"HTTP status {status}"):
        client.post(message_of("line", inspected(1)))


def test_a_conflict_is_about_one_message_which_is_sent_again(receiver, client):
    receiver.status = 409
    with pytest.raises(OutputError, match="HTTP status 409"):
        client.post(message_of("line", inspected(1)))


@pytest.mark.parametrize("status", [400, 413, 415, 422])
def test_what_is_refused_as_a_message_waits_for_a_person(receiver, client, status):
    receiver.status = status
    with pytest.raises(PermanentFailure, match=f"HTTP status {status}"):
        client.post(message_of("line", inspected(1)))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(receiver, client, status):
    with serving(Receiver()) as elsewhere:
        receiver.status, receiver.headers = status, {"Location": elsewhere.url}
        with pytest.raises(Unreachable, match="a redirect, which is not followed"):
            client.post(message_of("line", inspected(1)))
        assert elsewhere.requests == []


def test_a_huge_answer_is_not_read(receiver, client):
    receiver.status, receiver.body = 200, b"x" * 50_000_000
    client.post(message_of("line", inspected(1)))
    receiver.body = b"{}"
    client.post(message_of("line", inspected(2)))
    assert len(receiver.connections) == 2


def test_a_receiver_that_does_not_answer_in_time_has_nothing_for_sure(receiver, client):
    receiver.wait_s = 2.0
    with pytest.raises(Unreachable):
        client.post(message_of("line", inspected(1)))


@pytest.mark.parametrize("drip", [b"", b"H", b"HTTP/1.1 200 OK\r\nX: y\r\n"])
def test_a_receiver_that_drips_its_answer_is_cut_off(drip):
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            connection, _ = server.accept()
            with connection:
                connection.sendall(drip)
                try:
                    while not ended.wait(0.1):
                        connection.sendall(b"a")
                except OSError:
                    return

        threading.Thread(target=answer, daemon=True).start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"
        client = WebhookClient(WebhookOptions(url=url, timeout_s=0.5))
        began = monotonic()
        with pytest.raises(Unreachable):
            client.post(message_of("line", inspected(1)))
        ended.set()
        assert monotonic() - began < 30


def test_nobody_listening_is_out_of_reach():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(Unreachable, match="does not answer"):
        WebhookClient(WebhookOptions(url=f"http://127.0.0.1:{port}")).post(
            message_of("line", inspected(1))
        )


def test_the_output_confirms_what_was_answered_and_leaves_the_rest_to_the_outbox(receiver):
    output = WebhookOutput("line", WebhookOptions(url=receiver.url, timeout_s=0.5))
    output.open()
    try:
        receiver.status = 503
        assert output.send(inspected(1), WORDS) is False
        wait_for(lambda: "503" in output.problem, "the receiver's answer")
        receiver.status = 204
        assert output.send(inspected(2), WORDS) is False
        wait_for(lambda: output.problem == "", "success")
        assert output.confirmed() == (message_id("line", inspected(2)),)
    finally:
        output.close()


def test_handing_over_never_waits_for_the_receiver(receiver):
    receiver.wait_s = 0.2
    output = WebhookOutput("line", WebhookOptions(url=receiver.url))
    output.open()
    try:
        longest = 0.0
        for number in range(1, 2001):
            began = monotonic()
            output.send(inspected(number), WORDS)
            longest = max(longest, monotonic() - began)
        # The receiver takes minutes for so many.
        assert longest < 5.0
        wait_for(lambda: len(receiver.requests) > 1, "two requests")
    finally:
        output.close()


@pytest.mark.parametrize("token", ["a\nX-Evil: 1", "a\r", "\u00e9"])
def test_a_token_that_would_be_another_header_is_refused(monkeypatch, token):
    monkeypatch.setenv("ASSAY_WEBHOOK_TOKEN", token)
    with pytest.raises(ConfigError, match="ASSAY_WEBHOOK_TOKEN"):
        WebhookOutput("line", WebhookOptions(url="http://127.0.0.1:1/")).open()


@pytest.mark.parametrize(
    "url", ["", "127.0.0.1", "ftp://a/", "file:///etc/passwd", "http://user:pw@host/", "http:///x"]
)
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(ValidationError):
        WebhookOptions(url=url)

"""What the DICOMweb listener needs of uvicorn beyond its public interface, on a real server."""

import contextlib
import socket
import threading

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from core.service.intake.uvicorn_private import ImpatientProtocol

pytestmark = pytest.mark.service

KEPT_S = 1


def answer(_):
    return PlainTextResponse("here")


@pytest.fixture
def port():
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        Starlette(routes=[Route("/", answer)]),
        http=ImpatientProtocol,
        ws="none",
        lifespan="off",
        loop="asyncio",
        log_config=None,
        timeout_keep_alive=KEPT_S,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],))
    thread.start()
    yield listener.getsockname()[1]
    server.should_exit = True
    thread.join()
    listener.close()


@pytest.mark.parametrize("first_bytes", [b"", b"GET / HT"])
def test_a_caller_who_does_not_ask_is_hung_up_on(port, first_bytes):
    with socket.create_connection(("127.0.0.1", port), timeout=60) as caller:
        caller.sendall(first_bytes)
        with contextlib.suppress(ConnectionResetError):
            assert caller.recv(100) == b""


def test_a_caller_who_asks_is_answered(port):
    with socket.create_connection(("127.0.0.1", port), timeout=60) as caller:
        caller.sendall(b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
        answered = b"".join(iter(lambda: caller.recv(1000), b""))

    assert answered.startswith(b"HTTP/1.1 200 OK\r\n")
    assert answered.endswith(b"here")

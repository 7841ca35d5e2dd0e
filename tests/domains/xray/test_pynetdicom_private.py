"""What a node needs of pynetdicom beyond its public interface, on real associations."""

import ast
import logging
import queue
import socket
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE, evt

import core
import dashboard
import domains
from domains.xray.node.pynetdicom_private import (
    calling_address,
    has_more_to_come,
    silence,
    socket_of,
    wake_if_unrequested,
)
from tests.domains.xray.wire import DX, an_object

pytestmark = pytest.mark.service

PRIVATE = ("pynetdicom.transport", "pynetdicom.service_class", "pynetdicom._", "uvicorn.protocols")
WITHIN = {"dul", "dimse", "acse"}


@contextmanager
def listening(*handlers):
    ae = AE("LISTENER")
    ae.acse_timeout = 600
    ae.add_supported_context(DX, ExplicitVRLittleEndian)
    server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=list(handlers))
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()


def send(port, *objects):
    ae = AE("SENDER")
    ae.add_requested_context(DX, ExplicitVRLittleEndian)
    association = ae.associate("127.0.0.1", port)
    assert association.is_established
    sent_from = socket_of(association).getsockname()
    answers = [association.send_c_store(one).Status for one in objects]
    association.release()
    return sent_from, answers


def test_the_socket_and_the_address_of_a_caller_are_found_while_it_is_answered():
    calls = []

    def on_store(event):
        calls.append((socket_of(event.assoc).getpeername(), calling_address(event.assoc)))
        return 0x0000

    with listening((evt.EVT_C_STORE, on_store)) as port:
        sent_from, answers = send(port, an_object("1"))

    assert answers == [0x0000]
    assert calls == [(sent_from, "127.0.0.1")]


def test_an_association_without_a_connection_has_no_socket():
    ae = AE("SENDER")
    ae.connection_timeout = 1
    ae.add_requested_context(DX)
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    association = ae.associate("127.0.0.1", port)

    assert not association.is_established
    found = socket_of(association)
    assert found is None or found.fileno() == -1


def test_a_message_that_waits_behind_the_one_being_answered_is_seen():
    alone, behind = [], []

    def on_store(event):
        alone.append(has_more_to_come(event.assoc))
        event.assoc.dimse.msg_queue.put((None, None))
        behind.append(has_more_to_come(event.assoc))
        event.assoc.dimse.msg_queue.get()
        return 0x0000

    with listening((evt.EVT_C_STORE, on_store)) as port:
        send(port, an_object("1"), an_object("2"))

    assert alone == [False, False]
    assert behind == [True, True]


def test_a_connection_that_is_closed_without_a_request_holds_a_thread_until_it_is_woken():
    opened, closed = queue.Queue(), threading.Event()
    handlers = [
        (evt.EVT_CONN_OPEN, lambda event: opened.put(event.assoc)),
        (evt.EVT_CONN_CLOSE, lambda _: closed.set()),
    ]
    with listening(*handlers) as port:
        socket.create_connection(("127.0.0.1", port)).close()
        association = opened.get(timeout=60)
        assert closed.wait(60)
        association.join(0.5)
        assert association.is_alive()

        wake_if_unrequested(association)

        association.join(60)
        assert not association.is_alive()


def test_nothing_is_logged_once_silenced(caplog):
    silence()
    with caplog.at_level(logging.DEBUG), listening((evt.EVT_C_STORE, lambda _: 0)) as port:
        send(port, an_object("1"))

    assert [one for one in caplog.records if one.name.startswith("pynetdicom")] == []
    assert logging.getLogger("pynetdicom.acse").isEnabledFor(logging.CRITICAL) is False


def test_no_other_file_reaches_into_pynetdicom_or_uvicorn():
    found = {}
    for package in (core, domains, dashboard):
        for file in Path(next(iter(package.__path__))).rglob("*.py"):
            if reached := list(_private_parts(ast.parse(file.read_text()))):
                found[file.name] = reached
    assert set(found) == {"pynetdicom_private.py", "uvicorn_private.py"}


def _private_parts(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{one.name}" for one in node.names]
            yield from (name for name in names if name.startswith(PRIVATE))
        elif isinstance(node, ast.Import):
            yield from (one.name for one in node.names if one.name.startswith(PRIVATE))
        elif isinstance(node, ast.Attribute) and node.attr in WITHIN - {"acse"}:
            yield node.attr

"""Peers that are slow, silent, greedy or gone: they cost a bounded time and a bounded memory."""

import contextlib
import os
import socket
import struct
import threading
import time
from dataclasses import replace

import pytest
from pynetdicom import AE, evt

from tests.domains.xray.wire import DX, ROOM, a_node, an_object, calling, kept, raw

pytestmark = pytest.mark.service

# Longer than a busy machine takes to shake hands, or a caller is hung up on that did nothing wrong.
HASTY = replace(ROOM, silence_s=3.0, object_s=3.0)
PATIENT = replace(ROOM, silence_s=60.0)


def closed_within(connection, seconds):
    """Wait until the other side hangs up; give how long it took."""
    begun = time.monotonic()
    connection.settimeout(seconds)
    try:
        while connection.recv(4096):
            pass
    except ConnectionResetError:
        pass
    return time.monotonic() - begun


def associate_request():
    """Give the bytes of a real A-ASSOCIATE-RQ, as pynetdicom writes it."""
    listener = socket.create_server(("127.0.0.1", 0))
    received = bytearray()

    def listen():
        connection, _ = listener.accept()
        with connection:
            received.extend(connection.recv(65536))

    thread = threading.Thread(target=listen)
    thread.start()
    ae = AE("PACS")
    ae.acse_timeout = 2
    ae.add_requested_context(DX, "1.2.840.10008.1.2.1")
    ae.associate("127.0.0.1", listener.getsockname()[1], ae_title="ASSAY")
    thread.join()
    listener.close()
    return bytes(received)


@pytest.fixture(scope="module")
def greeting():
    return associate_request()


@pytest.fixture(scope="module")
def hasty(tmp_path_factory):
    with a_node(tmp_path_factory.mktemp("hasty"), limits=HASTY, port=0) as (store, listener):
        yield store, listener


def settle(before):
    """Wait until no more threads run than before."""
    for _ in range(400):
        if threading.active_count() <= before:
            return
        time.sleep(0.05)
    raise AssertionError([thread.name for thread in threading.enumerate()])


def test_a_caller_who_says_nothing_is_hung_up_on_and_leaves_no_thread(hasty):
    _, listener = hasty
    before = threading.active_count()
    silent = [raw(listener.port) for _ in range(8)]
    for one in silent:
        closed_within(one, 15)
        one.close()
    settle(before)


def test_a_caller_who_stops_in_the_middle_of_a_pdu_is_hung_up_on(hasty, greeting):
    _, listener = hasty
    before = threading.active_count()
    with raw(listener.port) as caller:
        caller.sendall(greeting[: len(greeting) // 2])
        closed_within(caller, 15)
    settle(before)


def test_a_caller_who_sends_a_byte_now_and_then_is_hung_up_on(hasty, greeting):
    _, listener = hasty
    before = threading.active_count()
    sent = 0
    with raw(listener.port) as caller, contextlib.suppress(OSError):
        for byte in greeting:
            caller.sendall(bytes([byte]))
            sent += 1
            time.sleep(0.1)
    assert 0 < sent < 50 < len(greeting)
    settle(before)


def test_an_association_that_is_never_closed_ends_by_itself(hasty):
    _, listener = hasty
    before = threading.active_count()
    aborted = threading.Event()
    ae = AE("PACS")
    ae.add_requested_context(DX, "1.2.840.10008.1.2.1")
    handlers = [(evt.EVT_ABORTED, lambda _: aborted.set())]
    association = ae.associate("127.0.0.1", listener.port, ae_title="ASSAY", evt_handlers=handlers)
    assert association.is_established
    assert aborted.wait(20)
    settle(before)


def test_an_association_kept_busy_with_echoes_alone_gives_up_its_seat(hasty):
    _, listener = hasty
    begun = time.monotonic()
    with calling(listener.port) as association:
        while association.is_established and time.monotonic() < begun + 20:
            with contextlib.suppress(RuntimeError):
                association.send_c_echo()
            time.sleep(0.1)
        assert not association.is_established


def test_a_peer_that_vanishes_in_the_middle_of_an_object_leaves_nothing_behind(hasty, greeting):
    store, listener = hasty
    before = threading.active_count()
    caller = raw(listener.port)
    caller.sendall(greeting)
    assert caller.recv(65536)[0] == 2  # A-ASSOCIATE-AC
    fragment = struct.pack(">IB", 1002, 1) + b"\x00" + bytes(1000)
    caller.sendall(struct.pack(">BBI", 4, 0, len(fragment)) + fragment)
    caller.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    caller.close()  # a reset, no release
    settle(before)
    assert kept(store) == []


def test_a_pdu_that_claims_gigabytes_is_not_waited_for(hasty):
    _, listener = hasty
    with raw(listener.port) as caller:
        caller.sendall(struct.pack(">BBI", 1, 0, 0xFFFFFFF0))
        sent = 0
        with contextlib.suppress(OSError):
            while sent < 64 << 20:
                sent += caller.send(bytes(1 << 20))
        assert sent < 16 << 20  # what lies in the system's buffers included


def test_an_object_larger_than_allowed_is_not_kept_and_the_next_one_is(tmp_path):
    limits = replace(ROOM, object_bytes=1 << 20)
    with a_node(tmp_path, limits=limits, port=0) as (store, listener):
        with calling(listener.port) as association:
            answer = association.send_c_store(an_object("1", side=1800))
            assert "Status" not in answer
        with calling(listener.port) as association:
            assert association.send_c_store(an_object("2")).Status == 0
        assert [key for key, _, _ in kept(store)] == ["1.2.3.2"]


def test_the_bytes_of_all_senders_together_are_bounded_and_given_back(tmp_path, greeting):
    limits = replace(ROOM, object_bytes=8 << 20, total_bytes=3 << 20)
    fragment = struct.pack(">IB", 65538, 1) + b"\x00" + bytes(65536)
    pdu = struct.pack(">BBI", 4, 0, len(fragment)) + fragment
    with a_node(tmp_path, limits=limits, port=0) as (store, listener):
        with raw(listener.port) as hoarder:
            hoarder.sendall(greeting)
            assert hoarder.recv(65536)[0] == 2
            hoarder.sendall(pdu * 32)  # 2 MiB of an object that never ends
            time.sleep(0.5)
            with calling(listener.port) as association:
                assert "Status" not in association.send_c_store(an_object("1", side=1500))
        with calling(listener.port) as association:
            assert association.send_c_store(an_object("2", side=1500)).Status == 0
        assert [key for key, _, _ in kept(store)] == ["1.2.3.2"]


def test_many_short_associations_leave_no_threads_and_no_descriptors(tmp_path):
    with a_node(tmp_path, limits=PATIENT, port=0) as (_, listener):
        threads = threading.active_count()
        with calling(listener.port) as association:
            assert association.is_established
        settle(threads)
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(15):
            with calling(listener.port) as association:
                assert association.is_established
        settle(threads)
        assert len(os.listdir("/proc/self/fd")) <= before + 2


def test_a_port_check_takes_no_seat_and_leaves_no_thread(tmp_path):
    limits = replace(ROOM, senders=2, silence_s=60.0)
    with a_node(tmp_path, limits=limits, port=0) as (_, listener):
        before = threading.active_count()
        for received in (b"", b"GET / HTTP/1.0\r\n\r\n") * 10:
            with raw(listener.port) as caller:
                caller.sendall(received)
        with calling(listener.port) as association:
            assert association.is_established
        settle(before)


def test_a_node_stops_at_once_although_callers_hang_in_the_middle(tmp_path, greeting):
    before = threading.active_count()
    with a_node(tmp_path, limits=PATIENT, port=0) as (_, listener):
        hanging = [raw(listener.port) for _ in range(4)]
        for number, caller in enumerate(hanging):
            caller.sendall(greeting[: number * len(greeting) // 3])
        with raw(listener.port) as caller:
            caller.sendall(greeting)
            assert caller.recv(65536)[0] == 2
            caller.sendall(struct.pack(">BBI", 4, 0, 5000))  # and never the rest
            time.sleep(0.2)
            begun = time.monotonic()
            listener.stop(1.0)
            assert time.monotonic() - begun < 8
    settle(before)
    for caller in hanging:
        caller.close()

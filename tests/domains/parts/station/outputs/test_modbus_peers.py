"""Peers of the Modbus server that err, flood it or are not let in disturb nobody."""

from __future__ import annotations

import random
import socket
import struct
from contextlib import suppress

import pytest
from pymodbus.client import ModbusTcpClient
from pymodbus.exceptions import ModbusException

from domains.parts.station.options import ModbusOptions
from domains.parts.station.outputs.modbus import ModbusOutput
from domains.parts.station.outputs.modbus_server import MAX_PEERS
from domains.parts.station.ports import ControlWrite
from tests.domains.parts.station.inspected import wait_for
from tests.domains.parts.station.outputs.modbus_peer import (
    ANYWHERE,
    PASSED,
    READY,
    client_of,
    frame,
    is_open,
    serving,
)

pytestmark = pytest.mark.service


def test_peers_that_send_half_frames_garbage_or_never_read_disturb_nobody():
    request = frame(b"\x04\x00\x00\x00\x18")
    with serving(PASSED) as (output, _), client_of(output) as client:
        address = ("127.0.0.1", output.port)
        peers = [socket.create_connection(address, timeout=5) for _ in range(4)]
        half, garbage, long, deaf = peers
        half.sendall(request[:9])
        garbage.sendall(b"GET / HTTP/1.1\r\n\r\n")
        long.sendall(b"\x00\x01\x00\x00\xff\xff\x01" + b"x" * 4096)
        deaf.setblocking(False)
        with suppress(OSError):
            while True:
                deaf.send(request * 500)
        for _ in range(200):
            assert tuple(client.read_input_registers(0, count=24).registers) == PASSED
        wait_for(lambda: not is_open(garbage) and not is_open(long), "both to be let go")
        half.sendall(request[9:])
        assert half.recv(4096)[-48:] == struct.pack(">24H", *PASSED)
        for peer in peers:
            peer.close()


def test_a_thousand_connections_keep_no_plc_out():
    with serving(PASSED) as (output, _), client_of(output) as client:
        client.read_input_registers(0, count=24)
        address = ("127.0.0.1", output.port)
        crowd = []
        for number in range(1000):
            crowd.append(socket.create_connection(address, timeout=5))
            if number % 50 == 0:
                assert tuple(client.read_input_registers(0, count=24).registers) == PASSED
        assert tuple(client.read_input_registers(0, count=24).registers) == PASSED
        wait_for(lambda: is_served(output), "a newcomer behind the crowd to be served")
        wait_for(lambda: sum(map(is_open, crowd)) <= MAX_PEERS, "the crowd to be let go")
        for peer in crowd:
            peer.close()


def is_served(output):
    """Whether a new client is answered; behind a crowd it may have to connect again, as PLCs do."""
    with suppress(ModbusException), client_of(output) as late:
        return tuple(late.read_input_registers(0, count=24).registers) == PASSED
    return False


def test_writes_that_flood_the_loop_are_refused_and_it_is_never_handed_more():
    signals = []
    output = ModbusOutput(ANYWHERE, signals.append)
    output.open()
    try:
        with client_of(output) as client:
            answers = [client.write_register(1, number + 1) for number in range(100)]
            assert [one.isError() for one in answers] == [False] * 64 + [True] * 36
            assert answers[-1].exception_code == 6
            assert client.read_holding_registers(1).registers == [64]
            output.show(READY, {})
            assert not client.write_register(1, 500).isError()
    finally:
        output.close()
    assert [one.words[1] for one in signals] == [*range(1, 65), 500]


def test_bytes_of_any_kind_end_neither_server_nor_loop(caplog):
    source = random.Random(12)
    request = frame(b"\x10\x00\x00\x00\x02\x04\x00\x01\x00\x02")
    with serving(PASSED) as (output, signals):
        for _ in range(150):
            data = bytearray(request * source.randint(1, 4))
            for _ in range(source.randint(1, 6)):
                data[source.randrange(len(data))] = source.randrange(256)
            with socket.create_connection(("127.0.0.1", output.port), timeout=5) as peer:
                peer.sendall(data[: source.randint(1, len(data))])
        with client_of(output) as client:
            assert tuple(client.read_input_registers(0, count=24).registers) == PASSED
    assert [one.getMessage() for one in caplog.records if one.name == "asyncio"] == []
    assert all(len(one.words) == 16 for one in signals if isinstance(one, ControlWrite))


@pytest.mark.parametrize(
    ("allow", "is_served"),
    [((), True), (("127.0.0.0/8",), True), (("::1", "127.0.0.1"), True), (("10.0.0.0/8",), False)],
)
def test_only_addresses_of_the_list_are_served(allow, is_served):
    output = ModbusOutput(ModbusOptions(port=0, allow=allow), lambda _: None)
    output.open()
    client = ModbusTcpClient("127.0.0.1", port=output.port, timeout=1, retries=0)
    try:
        client.connect()
        if is_served:
            assert len(client.read_input_registers(0, count=24).registers) == 24
        else:
            with pytest.raises((ModbusException, OSError)):
                client.read_input_registers(0, count=24)
    finally:
        client.close()
        output.close()

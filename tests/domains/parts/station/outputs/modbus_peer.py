"""A Modbus output that shows words, and who talks to it frame by frame."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import contextmanager

from pymodbus.client import ModbusTcpClient

from domains.parts.station.options import ModbusOptions
from domains.parts.station.outputs.modbus import ModbusOutput
from domains.parts.station.plc.blocks import (
    StatusBlock,
    encode_status,
)

ANYWHERE = ModbusOptions(port=0)
READY = encode_status(StatusBlock(online=True, trigger_ready=True))
PASSED = encode_status(
    StatusBlock(
        online=True, trigger_ready=True, heartbeat=True, result_valid=True, is_pass=True,
        result_seq=9, result_seq_check=9,
    )
)  # fmt: skip


@contextmanager
def serving(words=READY, *, every_s=0.02):
    """An output that shows words, or what follows from its signals, and the signals so far."""
    signals = []
    output = ModbusOutput(ANYWHERE, signals.append)
    output.open()
    has_ended = threading.Event()

    def show():
        while True:
            output.show(words(signals) if callable(words) else words, {})
            if has_ended.wait(every_s):
                return

    thread = threading.Thread(target=show)
    thread.start()
    try:
        yield output, signals
    finally:
        has_ended.set()
        thread.join()
        output.close()


@contextmanager
def client_of(output, **options):
    client = ModbusTcpClient("127.0.0.1", port=output.port, timeout=5, retries=0, **options)
    assert client.connect()
    try:
        yield client
    finally:
        client.close()


def frame(pdu, transaction=1, unit=1):
    return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu


def exchange(port, data):
    """Send bytes and return what comes back until the first pause or the end."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as peer:
        peer.sendall(data)
        peer.settimeout(0.5)
        answered = b""
        try:
            while more := peer.recv(4096):
                answered += more
        except TimeoutError:
            return answered, "open"
        except ConnectionError:
            pass
        return answered, "closed"


def is_open(peer):
    peer.setblocking(False)
    try:
        return peer.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False

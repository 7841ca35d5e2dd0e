"""The Modbus server against a real client: whole blocks, exceptions, a dead loop and an end."""

from __future__ import annotations

import asyncio
import socket
import threading
from time import monotonic

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigError
from domains.parts.station.options import ModbusOptions
from domains.parts.station.outputs.modbus import ModbusOutput
from domains.parts.station.outputs.modbus_registers import PeerView, Registers
from domains.parts.station.outputs.modbus_server import answer
from domains.parts.station.plc.blocks import (
    ControlBlock,
    decode_control,
    decode_status,
    encode_control,
    read_block,
)
from domains.parts.station.plc.registers import OfflineReason
from domains.parts.station.ports import ControlWrite, TriggerSignal
from tests.domains.parts.station.inspected import wait_for
from tests.domains.parts.station.outputs.modbus_peer import (
    ANYWHERE,
    PASSED,
    READY,
    client_of,
    exchange,
    frame,
    serving,
)

pytestmark = pytest.mark.service


def test_the_status_is_read_in_input_registers_and_the_control_block_is_written():
    with serving(PASSED) as (output, signals), client_of(output) as client:
        assert tuple(client.read_input_registers(0, count=24).registers) == PASSED
        assert client.read_input_registers(3).registers == [9]
        control = encode_control(ControlBlock(enable=True, part_seq=77, part_id="A1"))
        client.write_registers(0, list(control))
        client.write_registers(0, list(control))
        client.write_register(2, 12)
        assert tuple(client.read_holding_registers(0, count=16).registers)[:3] == (1, 77, 12)
    assert [type(one) for one in signals] == [ControlWrite, ControlWrite]
    assert signals[0].words == control
    assert decode_control(signals[1].words) == ControlBlock(
        enable=True, part_seq=77, part_id="A1", command=12
    )


def test_the_rising_edge_of_coil_0_is_a_trigger_with_the_part_of_the_control_block():
    with serving() as (output, signals), client_of(output) as client:
        client.write_registers(0, list(encode_control(ControlBlock(part_seq=5, part_id="B2"))))
        client.write_coil(0, True)
        client.write_coil(0, True)
        assert client.read_coils(0, count=1).bits[0]
        client.write_coil(0, False)
        client.write_coils(0, [True])
    triggers = [one for one in signals if isinstance(one, TriggerSignal)]
    assert [(one.part_seq, one.part_id) for one in triggers] == [(5, "B2")] * 2


@pytest.mark.parametrize(
    ("pdu", "code"),
    [
        (b"\x04\x00\x00\x00\x19", 2),  # 25 input registers
        (b"\x04\x00\x18\x00\x01", 2),
        (b"\x04\xff\xff\x00\x7d", 2),
        (b"\x04\x00\x00\x00\x00", 3),
        (b"\x03\x00\x10\x00\x01", 2),
        (b"\x06\x00\x10\x00\x01", 2),
        (b"\x10\x00\x0f\x00\x02\x04\x00\x00\x00\x00", 2),
        (b"\x10\x00\x00\x00\x02\x04\x00\x00", 3),  # half of its data
        (b"\x05\x00\x01\xff\x00", 2),
        (b"\x05\x00\x00\x12\x34", 3),
        (b"\x01\x00\x00\x00\x03", 2),
        (b"\x02\x00\x00\x00\x01", 1),
        (b"\x2b\x0e\x01\x00", 1),
        (b"\x08\x00\x01\x00\x00", 1),  # restart communications
        (b"\x63", 1),
        (b"\x84\x02", 1),
        (b"\x04", 3),
    ],
)
def test_what_is_not_there_is_answered_by_an_exception(pdu, code):
    signals = []
    registers = Registers(signals.append)
    assert asyncio.run(answer(pdu, PeerView(registers))) == bytes([pdu[0] | 0x80, code])
    assert (signals, registers.control, registers.coil) == ([], (0,) * 16, False)


@given(st.binary(min_size=1, max_size=253))
def test_any_request_has_one_answer_that_fits_a_frame(pdu):
    registers = Registers(lambda signal: None)
    registers.show(READY)
    answered = asyncio.run(answer(pdu, PeerView(registers)))
    assert answered[0] & 0x7F == pdu[0] & 0x7F
    assert 2 <= len(answered) <= 253
    assert all(0 <= word <= 0xFFFF for word in registers.control)


def test_another_unit_is_answered_by_an_exception_and_changes_nothing():
    write = b"\x06\x00\x00\x00\x01"
    with serving() as (output, signals):
        assert exchange(output.port, frame(write, unit=7))[0][-2:] == b"\x86\x0b"
        assert signals == []
        assert exchange(output.port, frame(write, unit=255))[0].endswith(write)
    assert len(signals) == 1


def test_requests_that_arrive_together_are_answered_in_order():
    asked = b"".join(frame(b"\x04\x00\x03\x00\x01", transaction=n) for n in range(1, 51))
    with serving(PASSED) as (output, _):
        answered, _ = exchange(output.port, asked)
    assert answered == b"".join(frame(b"\x04\x02\x00\x09", transaction=n) for n in range(1, 51))


def test_a_port_that_is_taken_is_an_error_with_a_way_out():
    with serving() as (output, _):
        taken = ModbusOutput(ModbusOptions(port=output.port), lambda signal: None)
        with pytest.raises(ConfigError, match=r"under \[outputs\.modbus\]"):
            taken.open()


def test_behind_a_loop_that_hangs_no_pass_stands_and_the_heartbeat_stops():
    signals = []
    output = ModbusOutput(ANYWHERE, signals.append)
    output.open()
    try:
        with client_of(output) as client:
            unshown = decode_status(tuple(client.read_input_registers(0, count=24).registers))
            assert (unshown.online, unshown.offline_reason) == (False, OfflineReason.ENDED)
            at = monotonic()
            output.show(PASSED, {})
            while monotonic() - at < 0.5:
                words = tuple(client.read_input_registers(0, count=24).registers)
                if monotonic() - at < 0.2:
                    assert words == PASSED
            dead = decode_status(words)
            assert read_block(words) is None
            assert (dead.is_pass, dead.result_valid, dead.online, dead.trigger_ready) == (
                False,
            ) * 4
            assert dead.heartbeat
            output.show(PASSED, {})
            assert tuple(client.read_input_registers(0, count=24).registers) == PASSED
    finally:
        output.close()


def test_a_station_that_ends_says_so_to_whoever_reads():
    output = ModbusOutput(ANYWHERE, lambda signal: None)
    output.open()
    with client_of(output) as client:
        output.show(PASSED, {})
        client.read_input_registers(0, count=24)
        closing = threading.Thread(target=output.close)
        closing.start()
        wait_for(
            lambda: not client.read_input_registers(0, count=1).registers[0] & 0x80, "offline", 0.25
        )
        closing.join()
    with pytest.raises(OSError, match=r"refused|reset"):
        socket.create_connection(("127.0.0.1", output.port), timeout=1)

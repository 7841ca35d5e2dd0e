"""The Modbus server against a real client: whole blocks, the handshake, a dead loop, bad peers."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import threading
from contextlib import contextmanager, suppress
from time import monotonic, sleep

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymodbus.client import ModbusTcpClient
from pymodbus.exceptions import ModbusException

from core.errors import ConfigError
from domains.parts.station.options import ModbusOptions
from domains.parts.station.outputs.modbus import ModbusOutput
from domains.parts.station.outputs.modbus_registers import PeerView, Registers
from domains.parts.station.outputs.modbus_server import MAX_PEERS, answer
from domains.parts.station.plc.blocks import (
    ControlBlock,
    StatusBlock,
    decode_control,
    decode_status,
    encode_control,
    encode_status,
    read_block,
)
from domains.parts.station.plc.client import LineAnswer, StationClient
from domains.parts.station.plc.handshake import CommandAsked, Handshake
from domains.parts.station.plc.registers import OfflineReason
from domains.parts.station.ports import ControlWrite, TriggerSignal
from domains.parts.station.result import LineReason, LineResult
from tests.domains.parts.station.inspected import inspected, wait_for
from tests.domains.parts.station.stub_station import StubStation, payload

pytestmark = pytest.mark.service
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
            output.show(PASSED, {})
            at = monotonic()
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


def is_open(peer):
    peer.setblocking(False)
    try:
        return peer.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
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


def test_twenty_thousand_results_read_in_two_requests_never_mix():
    """A writer that waits for no ack, and a peer that splits the block at every place."""
    handshake = Handshake(needs_enable=False)
    handshake.remove_offline(OfflineReason.STARTING)
    output = ModbusOutput(ANYWHERE, lambda signal: None)
    output.open()
    verdicts = {}
    has_ended = threading.Event()

    def write():
        for number in range(1, 20_001):
            reasons = (LineReason.DEFECT,) if number % 3 else ()
            verdicts[number] = LineResult.FAIL if reasons else LineResult.PASS
            handshake.accept(number)
            part = inspected(number, *reasons, part_seq=number ^ 0x5555)
            handshake.complete(payload(part), part.trigger.at + number / 1e6)
            output.show(handshake.block(), {})
            if number % 8 == 0:
                sleep(0.0005)
        has_ended.set()

    accepted, refused, mixed = set(), 0, []
    writer = threading.Thread(target=write)
    writer.start()
    try:
        with client_of(output) as client:
            while not has_ended.is_set():
                split = random.randint(1, 23)
                low = client.read_input_registers(0, count=split).registers
                high = client.read_input_registers(split, count=24 - split).registers
                block = read_block(tuple(low + high))
                if block is None:
                    refused += 1
                    continue
                number = block.result_seq
                accepted.add(number)
                whole = (verdicts[number], number ^ 0x5555, number, number, number)
                if whole != (
                    block.result, block.part_seq_echo, block.bundle_hash, block.policy_number,
                    block.elapsed_us,
                ):  # fmt: skip
                    mixed.append((split, block))
    finally:
        writer.join()
        output.close()
    assert mixed == []
    assert len(accepted) > 100
    assert refused > 100


def judge(part_seq, part_id):
    assert part_id == f"P{part_seq}"
    return (LineReason.DEFECT,) if part_seq % 3 == 0 else ()


@contextmanager
def a_station():
    station = StubStation(judge)
    station.serve(ModbusOutput(ANYWHERE, station.post))
    with station:
        yield station


def test_two_hundred_parts_by_the_handshake_over_the_wire():
    with a_station() as station, StationClient("127.0.0.1", station.output.port) as line:
        for part_seq in range(1, 201):
            given = line.inspect(part_seq, f"P{part_seq}", wait_s=20)
            assert given.block is not None, part_seq
            assert given.block.part_seq_echo == part_seq
            assert given.result is (LineResult.FAIL if part_seq % 3 == 0 else LineResult.PASS)
        counts = (given.block.pass_count, given.block.fail_count, given.block.missed_triggers)
    assert counts == (134, 66, 0)
    assert station.accepted == list(range(1, 201))


def test_a_command_goes_over_the_wire_and_is_answered():
    with a_station() as station, client_of(station.output) as client:
        asked = ControlBlock(enable=True, execute_command=True, command=12, command_argument=3)
        client.write_registers(0, list(encode_control(asked)))

        def status():
            return decode_status(tuple(client.read_input_registers(0, count=24).registers))

        wait_for(lambda: status().cmd_complete, "CmdComplete")
        assert (station.commands, status().recipe_active) == ([CommandAsked(12, 3)], 12)
        client.write_registers(0, list(encode_control(ControlBlock(enable=True))))
        wait_for(lambda: not status().cmd_complete, "CmdComplete to fall")


def test_a_loop_that_hangs_in_the_middle_of_a_part_passes_nothing():
    with a_station() as station, StationClient("127.0.0.1", station.output.port) as line:
        assert line.inspect(1, "P1", wait_s=20).result is LineResult.PASS
        station.is_hung.set()
        assert line.inspect(2, "P2", wait_s=0.6) == LineAnswer(LineResult.FAIL, None)
        station.is_hung.clear()


class ReplayingProxy:
    """Answers every n-th request with the answer before it, under the new transaction id.

    So did gateways in the field: the reply is well formed and old.
    """

    def __init__(self, port, every):
        self.replayed = 0
        self._port, self._every = port, every
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self._listener.close()

    def _serve(self):
        try:
            while True:
                peer, _ = self._listener.accept()
                threading.Thread(target=self._relay, args=(peer,), daemon=True).start()
        except OSError:
            return

    def _relay(self, peer):
        last, count = b"", 0
        with peer, socket.create_connection(("127.0.0.1", self._port)) as station:
            while request := one_frame(peer):
                count += 1
                if count % self._every == 0 and last:
                    self.replayed += 1
                else:
                    station.sendall(request)
                    last = one_frame(station)
                peer.sendall(request[:2] + last[2:])


def one_frame(peer):
    try:
        head = peer.recv(6, socket.MSG_WAITALL)
        return (
            head + peer.recv(int.from_bytes(head[4:6], "big"), socket.MSG_WAITALL) if head else b""
        )
    except OSError:
        return b""


@pytest.mark.parametrize(("sequence", "result"), [(10, LineResult.PASS), (9, LineResult.FAIL)])
def test_fresh_flags_over_the_payload_of_the_part_before_are_refused(sequence, result):
    """A gateway that polls in groups: the toggle has moved, the sequence has not."""

    def gateway(signals):
        control = decode_control(signals[-1].words) if signals else ControlBlock()
        is_taken = any(decode_control(one.words).trigger for one in signals)
        shown = sequence if is_taken else 9
        return encode_status(
            StatusBlock(
                online=True, trigger_ready=not control.trigger, trigger_ack=control.trigger,
                heartbeat=bool(int(monotonic() * 10) % 2), result_valid=True, is_pass=True,
                completed_toggle=not control.result_ack, part_seq_echo=5, result_seq=shown,
                result_seq_check=shown,
            )
        )  # fmt: skip

    with (
        serving(gateway) as (output, _),
        StationClient("127.0.0.1", output.port) as line,
    ):
        assert line.inspect(5, wait_s=1.0).result is result


@pytest.mark.parametrize("every", [50, 3])
def test_answers_of_the_part_before_are_refused_and_the_line_stays_right(every):
    parts = 150 if every == 50 else 20
    with a_station() as station:
        proxy = ReplayingProxy(station.output.port, every)
        with StationClient("127.0.0.1", proxy.port) as line:
            given = [line.inspect(n, f"P{n}", wait_s=5) for n in range(1, parts + 1)]
        proxy.close()
    assert proxy.replayed > 5
    for part_seq, one in enumerate(given, start=1):
        if one.result is LineResult.PASS:
            assert part_seq % 3 != 0
            assert one.block.part_seq_echo == part_seq
    assert len(set(station.accepted)) == len(station.accepted)
    if every == 50:
        assert [one.block is None for one in given] == [False] * parts


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


def test_a_line_whose_station_ends_rejects_and_goes_on_with_the_next_one():
    station = StubStation(judge)
    station.serve(ModbusOutput(ANYWHERE, station.post))
    with station:
        line = StationClient("127.0.0.1", station.output.port)
        assert line.start()
        assert line.inspect(1, "P1", wait_s=20).result is LineResult.PASS
    assert line.inspect(2, "P2", wait_s=0.5) == LineAnswer(LineResult.FAIL, None)
    again = StubStation(judge)
    again.serve(ModbusOutput(ModbusOptions(port=station.output.port), again.post))
    with again:
        assert line.inspect(4, "P4", wait_s=20).result is LineResult.PASS
    line.close()
    assert again.accepted == [4]


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


def test_a_station_that_is_killed_in_the_middle_of_an_answer_passes_nothing():
    server = socket.create_server(("127.0.0.1", 0))

    def reset_all() -> None:
        with suppress(OSError):
            while True:
                peer, _ = server.accept()
                peer.recv(1)
                peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                peer.close()

    thread = threading.Thread(target=reset_all, daemon=True)
    thread.start()
    line = StationClient("127.0.0.1", server.getsockname()[1])
    assert not line.start(0.3)
    assert line.inspect(7, wait_s=0.3) == LineAnswer(LineResult.FAIL, None)
    line.close()
    server.close()

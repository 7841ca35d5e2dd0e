"""A line and a station by Modbus: the handshake, results that never mix, gateways that err."""

from __future__ import annotations

import random
import socket
import struct
import threading
from contextlib import contextmanager, suppress
from time import monotonic, sleep

import pytest

from domains.parts.station.options import ModbusOptions
from domains.parts.station.outputs.modbus import ModbusOutput
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
from domains.parts.station.result import LineReason, LineResult
from tests.domains.parts.station.inspected import inspected, wait_for
from tests.domains.parts.station.outputs.modbus_peer import (
    ANYWHERE,
    client_of,
    serving,
)
from tests.domains.parts.station.stub_station import StubStation, payload

pytestmark = pytest.mark.service


def judge(part_seq, part_id):
    assert part_id == f"P{part_seq}"
    return (LineReason.DEFECT,) if part_seq % 3 == 0 else ()


@contextmanager
def a_station():
    station = StubStation(judge)
    station.serve(ModbusOutput(ANYWHERE, station.post))
    with station:
        yield station


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

"""Two PLCs that write one station's control block, which the page forbids: no bad part passes."""

from __future__ import annotations

from threading import Thread

import pytest

from domains.parts.station.options import ModbusOptions
from domains.parts.station.outputs.modbus import ModbusOutput
from domains.parts.station.plc.client import LineAnswer, StationClient
from domains.parts.station.result import LineReason, LineResult
from tests.domains.parts.station.stub_station import StubStation

pytestmark = pytest.mark.service
PARTS = 30


def judge(part_seq: int, part_id: str) -> tuple[LineReason, ...]:
    del part_id
    return (LineReason.DEFECT,) if part_seq % 2 == 0 else ()


def test_what_two_plcs_take_for_their_own_part_is_its_own_result():
    station = StubStation(judge)
    station.serve(ModbusOutput(ModbusOptions(port=0), station.post))
    answers: dict[int, LineAnswer] = {}

    def run_parts(first: int) -> None:
        with StationClient("127.0.0.1", station.output.port) as line:
            for part_seq in range(first, first + PARTS):
                answers[part_seq] = line.inspect(part_seq, wait_s=0.5)

    with station:
        plcs = [Thread(target=run_parts, args=(first,)) for first in (1, 1001)]
        for plc in plcs:
            plc.start()
        for plc in plcs:
            plc.join(120)
        # Alone again, a PLC goes on as ever.
        with StationClient("127.0.0.1", station.output.port) as line:
            line.start(10.0)
            after = [line.inspect(part_seq, wait_s=20.0).result for part_seq in (2001, 2002)]
    assert len(answers) == 2 * PARTS
    passed = {seq for seq, answer in answers.items() if answer.result is LineResult.PASS}
    assert all(seq % 2 == 1 for seq in passed)
    for part_seq, answer in answers.items():
        assert answer.block is None or answer.block.part_seq_echo == part_seq
    assert after == [LineResult.PASS, LineResult.FAIL]

"""What the fault matrix counts as safe, and what it sees of the belt and the gate behind it."""

from __future__ import annotations

import pytest

from domains.parts.station.faults.belt import GATE, SLIP, Belt
from domains.parts.station.faults.catalog import FAULTS, InjectedFault
from domains.parts.station.faults.matrix import FaultCount, describe_counts
from domains.parts.station.faults.plc import PlcAnswer
from domains.parts.station.line.gate_runner import GateRunner
from domains.parts.station.plc.blocks import ControlBlock, encode_control
from domains.parts.station.result import LineReason, LineResult

DEAD = next(fault for fault in FAULTS if fault.is_fatal)
ALIVE = FAULTS[0]


def counted(fault: InjectedFault, *results: LineResult | None) -> FaultCount:
    count = FaultCount(fault)
    for result in results:
        reason = LineReason.DEFECT.number if result is LineResult.FAIL else 0
        count.add(PlcAnswer(1, result, reason, 0.05, was_taken=True))
    return count


@pytest.mark.parametrize(
    ("fault", "results", "is_safe"),
    [
        (ALIVE, [LineResult.FAIL, LineResult.STOP], True),
        (ALIVE, [LineResult.FAIL, LineResult.PASS], False),
        (ALIVE, [LineResult.FAIL, None], False),
        (DEAD, [LineResult.FAIL, None], True),
        (DEAD, [LineResult.PASS], False),
    ],
)
def test_a_pass_is_never_safe_and_only_a_dead_station_may_not_answer(fault, results, is_safe):
    assert counted(fault, *results).is_safe is is_safe


def test_what_else_is_wrong_stands_below_the_table_and_is_not_safe():
    count = counted(ALIVE, LineResult.FAIL)
    count.wrong.append("the gate stood open for a part without a PASS")
    table = "\n".join(describe_counts([count]))
    assert not count.is_safe
    assert f"{ALIVE.name}: the gate stood open for a part without a PASS." in table
    assert "The station is not safe" in table
    assert "The station is not safe" not in "\n".join(describe_counts([counted(ALIVE)]))


class GateAlone:
    """A gate that gets what the belt's PLC writes, and nothing else of a station."""

    def __init__(self) -> None:
        self.control: dict[str, int] = {}
        self.belt = Belt(self)
        self.gate = GateRunner(GATE, self.belt.show_gate)

    def write(self, **values: int) -> None:
        self.control |= values
        self.gate.control(encode_control(ControlBlock(**self.control)), 0.0)

    def wait_for_loop(self) -> None:
        pass

    def carry(self, number: int, result: LineResult) -> bool:
        self.write()
        self.gate.accept(number, 0.0)
        self.gate.decide(number, result)
        return self.belt.carry(is_followed=True)


def test_the_belt_sees_the_gate_open_for_what_passed_alone_and_confirms_the_rest():
    line = GateAlone()
    results = [LineResult.PASS, LineResult.FAIL, LineResult.PASS, LineResult.STOP]
    went_on = [line.carry(number, result) for number, result in enumerate(results)]
    assert went_on == [True, False, True, False]
    assert (line.gate.stop, line.gate.ejected) == (None, 2)


@pytest.mark.parametrize(
    ("fault", "parts", "reason"),
    [
        ("confirms", 1, LineReason.REJECT_NOT_CONFIRMED),
        ("slips", 1, LineReason.ENCODER_BACKWARDS),
        ("stands", 3, LineReason.ENCODER_STILL),
    ],
)
def test_each_fault_of_the_belt_stops_the_line(fault, parts, reason):
    line = GateAlone()
    assert line.carry(0, LineResult.PASS)
    setattr(line.belt, fault, fault != "confirms")
    results = [line.carry(number, LineResult.FAIL) for number in range(1, parts + 1)]
    assert line.gate.stop is reason
    assert not any(results)
    assert not line.carry(9, LineResult.PASS)
    assert GATE.backwards < SLIP

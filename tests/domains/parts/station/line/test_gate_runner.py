"""The gate beside the loop: opened for a PASS alone, by the clock or by the PLC's encoder."""

from __future__ import annotations

import time

import pytest
from pydantic import ValidationError
from pymodbus.client import ModbusTcpClient

from core.settings import Settings
from domains.parts.station.faults.plates import draw_plate
from domains.parts.station.faults.rig import Rig
from domains.parts.station.line.gate_runner import GateRunner
from domains.parts.station.options import ModbusOptions
from domains.parts.station.outputs.modbus import ModbusOutput
from domains.parts.station.plc.blocks import ControlBlock, encode_control
from domains.parts.station.plc.registers import STATUS_WORDS
from domains.parts.station.recipe import CameraOptions, Recipe, RejectOptions, StationFile
from domains.parts.station.result import LineReason, LineResult

PASS, FAIL = LineResult.PASS, LineResult.FAIL


class Watched:
    """A runner, and what it showed last."""

    def __init__(self, **options):
        given = {"by": "time", "distance": 1000, "tolerance": 100, **options}
        self.is_open = None
        self.runner = GateRunner(RejectOptions(**given), self._show)

    def _show(self, is_open):
        self.is_open = is_open

    def control(self, at=0.0, **values):
        self.runner.control(encode_control(ControlBlock(**values)), at)


def test_by_time_the_gate_opens_for_a_pass_while_it_is_in_the_window():
    watched = Watched()
    runner = watched.runner
    runner.tick(10.0)
    assert runner.wakes_at is None
    runner.accept(1, 10.0)
    runner.decide(1, PASS)
    assert runner.wakes_at == pytest.approx(10.9)
    runner.tick(10.899)
    assert watched.is_open is False
    runner.tick(10.901)
    assert watched.is_open is True
    assert runner.wakes_at == pytest.approx(11.1)
    runner.tick(11.101)
    assert watched.is_open is False
    assert (runner.ejected, runner.stop) == (0, None)


def test_a_fail_and_a_part_without_a_result_keep_it_shut_and_are_counted():
    watched = Watched()
    for number, at in ((1, 0.0), (2, 1.0)):
        watched.runner.accept(number, at)
    watched.runner.decide(1, FAIL)
    for moment in range(0, 2300, 5):
        watched.runner.tick(moment / 1000)
        assert not watched.is_open
    assert watched.runner.ejected == 2


def test_a_belt_stop_shuts_it_until_the_belt_has_run_clear():
    watched = Watched()
    watched.runner.accept(1, 0.0)
    watched.runner.decide(1, PASS)
    watched.control(0.5, belt_stopped=True)
    watched.runner.tick(1.0)
    assert not watched.is_open
    watched.control(5.0)
    watched.runner.accept(2, 5.3)
    watched.runner.decide(2, PASS)
    opened = []
    for moment in range(5000, 6600, 5):
        watched.runner.tick(moment / 1000)
        if watched.is_open:
            opened.append(moment)
    assert (opened[0], opened[-1]) == (6200, 6400)
    assert watched.runner.ejected == 1


@pytest.mark.parametrize("start", [0, 2**32 - 50])
def test_by_encoder_the_plcs_counts_say_where_a_part_is_also_over_their_wrap(start):
    watched = Watched(by="encoder", distance=100, tolerance=5, backwards=3)

    def at(count):
        watched.control(encoder_count=(start + count) % 2**32)
        return watched.is_open

    at(10)
    watched.runner.accept(1, 99.0)  # the clock says nothing here
    watched.runner.decide(1, PASS)
    watched.runner.tick(1e6)
    assert watched.runner.wakes_at is None
    assert [at(count) for count in (60, 104, 105, 110, 115, 116)] == [
        False, False, True, True, True, False,
    ]  # fmt: skip
    assert watched.runner.stop is None
    at(113)
    assert watched.runner.stop is None
    at(112)
    assert watched.runner.stop is LineReason.ENCODER_BACKWARDS
    watched.runner.clear()
    assert watched.runner.stop is None


def test_confirmations_are_counted_from_what_the_plc_had_counted_before():
    watched = Watched(confirm=True)
    watched.control(rejects_confirmed=65_535)
    for number, at in ((1, 0.0), (2, 0.5)):
        watched.runner.accept(number, at)
    for moment in range(0, 1050, 5):
        watched.runner.tick(moment / 1000)
    watched.control(1.05, rejects_confirmed=0)  # one, over the wrap
    for moment in range(1050, 1590, 5):
        watched.runner.tick(moment / 1000)
    assert watched.runner.stop is None
    watched.runner.tick(1.7)
    assert watched.runner.stop is LineReason.REJECT_NOT_CONFIRMED


@pytest.mark.parametrize("start", [0, 40_000])
def test_a_counter_that_starts_anew_confirms_nothing(start):
    watched = Watched(confirm=True)
    watched.control(rejects_confirmed=20_000)
    watched.runner.accept(1, 0.0)
    for moment in range(0, 1050, 5):
        watched.runner.tick(moment / 1000)
    watched.control(1.05, rejects_confirmed=start)  # the PLC was restarted
    watched.runner.tick(1.2)
    assert watched.runner.stop is LineReason.REJECT_NOT_CONFIRMED


def test_a_station_file_with_a_gate_needs_the_coil_that_opens_it():
    recipe = Recipe(number=1, product="cap", cameras=(CameraOptions(source="camera"),))
    with pytest.raises(ValidationError, match=r"reject: the gate needs \[outputs.modbus\]"):
        StationFile(reject=RejectOptions(distance=10, tolerance=1), recipes=(recipe,))


def test_a_plc_reads_the_gate_in_coil_1_and_finds_it_shut_when_the_loop_is_silent():
    output = ModbusOutput(ModbusOptions(port=0), lambda signal: None)
    output.open()
    client = ModbusTcpClient("127.0.0.1", port=output.port)
    client.connect()
    try:
        output.show((0,) * STATUS_WORDS, {})
        output.show_gate(True)
        assert client.read_coils(0, count=2).bits[:2] == [False, True]
        assert client.read_coils(1, count=1).bits[0]
        assert client.read_coils(1, count=2).isError()
        assert client.write_coil(1, False).isError()
        assert client.read_coils(1, count=1).bits[0]
        time.sleep(0.25)  # what is tested is silence
        assert not client.read_coils(1, count=1).bits[0]
        output.show((0,) * STATUS_WORDS, {})
        assert client.read_coils(1, count=1).bits[0]
        output.show_gate(False)
        assert not client.read_coils(1, count=1).bits[0]
    finally:
        client.close()
        output.close()


def wait_until(condition, limit_s: float = 8.0) -> None:
    ended = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < ended
        time.sleep(0.01)


@pytest.mark.trained
def test_in_a_running_station_the_gate_opens_for_what_passed_and_shuts_behind_it(rig_home):
    shown: list[bool] = []
    gate = GateRunner(RejectOptions(by="time", distance=4000, tolerance=300), shown.append)
    with Rig(Settings(home=rig_home), deadline_ms=3000, gate=gate) as rig:
        assert rig.plc.inspect(1, 5.0).result is PASS
        wait_until(lambda: True in shown)
        wait_until(lambda: not shown[-1])
        shown.clear()
        rig.camera.draw = lambda rng: draw_plate(rng, 0.8)
        assert rig.plc.inspect(2, 5.0).result is FAIL
        wait_until(lambda: gate.ejected)
        assert gate.ejected == 1
        assert True not in shown

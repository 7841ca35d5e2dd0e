"""The fault matrix of a station: whatever breaks, nothing passes and every trigger is answered."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.settings import Settings
from domains.parts.station.faults.catalog import FAULTS
from domains.parts.station.faults.matrix import describe_counts, inject_faults
from domains.parts.station.faults.rig import Rig
from domains.parts.station.ports import Command
from domains.parts.station.result import LineResult

pytestmark = [pytest.mark.slow, pytest.mark.trained]

INJECTED = 200
DEADLINE_MS = 400


@pytest.fixture
def rig(rig_home: Path) -> Iterator[Rig]:
    with Rig(Settings(home=rig_home), DEADLINE_MS) as running:
        yield running


def test_no_injected_fault_ends_in_a_pass_and_each_is_answered_with_its_reason(rig, capsys):
    counts = inject_faults(rig, INJECTED)
    with capsys.disabled():
        print("\n" + "\n".join(describe_counts(counts)))
    assert {one.fault.name for one in counts} == {fault.name for fault in FAULTS}
    assert sum(one.results[LineResult.PASS] for one in counts) == 0
    assert [one.fault.name for one in counts if one.results[None]] == []
    assert [(one.fault.name, one.reasons) for one in counts if one.unexpected] == []


def test_the_heartbeat_stands_still_while_the_loop_does(rig):
    assert rig.plc.has_heartbeat()
    rig.line.post(Command(0.0, "stop", answer=lambda *_: time.sleep(2.0)))
    assert not rig.plc.has_heartbeat(1.5)
    rig.line.post(Command(0.0, "acknowledge"))
    assert rig.plc.has_heartbeat(3.0)
    assert rig.plc.enable(5.0)

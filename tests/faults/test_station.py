"""The fault matrix of a station: whatever breaks, nothing passes and every trigger is answered."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from core.settings import Settings
from domains.parts.station.faults.broker import installed_broker
from domains.parts.station.faults.catalog import FAULTS
from domains.parts.station.faults.matrix import describe_counts, inject_faults
from domains.parts.station.faults.rig import Rig
from domains.parts.station.ports import Command
from domains.parts.station.records.parts import parts_of
from domains.parts.station.records.reserve import ReserveFile
from domains.parts.station.result import LineReason, LineResult
from tests.needed import skip_without

pytestmark = [pytest.mark.slow, pytest.mark.trained]

INJECTED = 200
DEADLINE_MS = 400


@pytest.fixture
def rig(rig_home: Path) -> Iterator[Rig]:
    with Rig(Settings(home=rig_home), DEADLINE_MS) as running:
        yield running


@pytest.mark.service
def test_no_injected_fault_ends_in_a_pass_and_each_is_answered_with_its_reason(
    rig_home, tmp_path, capsys
):
    settings = Settings(home=rig_home)
    with installed_broker(tmp_path) as broker:
        skip_without(broker is not None, "Mosquitto is not there: apt-get install mosquitto.")
        with Rig(settings, DEADLINE_MS, broker=broker, has_belt=True) as rig:
            counts = inject_faults(rig, INJECTED)
    with capsys.disabled():
        print("\n" + "\n".join(describe_counts(counts)))
    assert {one.fault.name for one in counts} == {fault.name for fault in FAULTS}
    assert sum(one.results[LineResult.PASS] for one in counts) == 0
    assert [(one.fault.name, one.results, one.wrong) for one in counts if not one.is_safe] == []
    assert [(one.fault.name, one.reasons) for one in counts if one.unexpected] == []


def test_the_heartbeat_stands_still_while_the_loop_does(rig):
    assert rig.plc.has_heartbeat()
    rig.line.post(Command(0.0, "stop", answer=lambda *_: time.sleep(2.0)))
    assert not rig.plc.has_heartbeat(1.5)
    rig.line.post(Command(0.0, "acknowledge"))
    assert rig.plc.has_heartbeat(3.0)
    assert rig.plc.enable(5.0)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own that is easily filled."""
    skip_without(os.geteuid() == 0, "Mounting a file system of its own needs root.")
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=96m", "tmpfs", str(folder)]
    is_mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
    if not is_mounted:
        pytest.skip("This machine lets nobody mount a file system.")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_stops_the_line_on_record_and_room_lets_it_go_on(rig_home, small_disk):
    home = Path(shutil.copytree(rig_home, small_disk / "home", symlinks=True))
    reserve = ReserveFile(home / "reserve", 8 << 20)
    assert reserve.hold()
    with Rig(Settings(home=home), DEADLINE_MS * 5) as rig:
        rig.free_disk = reserve.free
        before = rig.plc.inspect(rig.next_part(), 4.0)
        assert before.result is LineResult.PASS
        filled = fill(small_disk / "filled")
        full = [rig.plc.inspect(rig.next_part(), 4.0) for _ in range(3)]
        assert LineResult.PASS not in {one.result for one in full[:1]}
        assert full[0].reason == LineReason.DISK.number
        filled.unlink()
        after = [rig.plc.inspect(rig.next_part(), 4.0) for _ in range(3)]
        assert after[-1].result is LineResult.PASS
        stops = parts_of(rig.store, "rig", results=[LineResult.STOP])
        assert LineReason.DISK in stops[-1].reasons


def fill(path: Path) -> Path:
    """Write until not one byte more fits."""
    with path.open("wb", buffering=0) as file:
        for size in (65536, 1):
            while has_room(file, size):
                pass
    return path


def has_room(file: IO[bytes], size: int) -> bool:
    try:
        return file.write(b"x" * size) == size
    except OSError:
        return False


def test_a_station_whose_bundle_was_altered_takes_no_part(rig_home):
    weights = next((rig_home / "bundles").glob("*/weights.safetensors"))
    data = bytearray(weights.read_bytes())
    data[-5] ^= 1
    weights.write_bytes(data)
    with pytest.raises(TimeoutError), Rig(Settings(home=rig_home), ready_s=8.0) as rig:
        rig.plc.inspect(1, 1.0)

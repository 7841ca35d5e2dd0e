"""The reserve file, and a disk that is full."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess

import pytest

from core.errors import StoreError
from core.records.connection import writing
from core.service.audit import check
from core.service.store import open_store
from core.settings import Settings
from domains.parts.station.judging.inspector import is_disk_full
from domains.parts.station.recipe import RetentionOptions
from domains.parts.station.records.parts import Draft, PartRecorder, parts_of
from domains.parts.station.records.reserve import ReserveFile
from domains.parts.station.records.retention_sweep import Sweeper
from domains.parts.station.result import LineReason, LineResult, LineVerdict
from tests.domains.parts.station.records.test_parts import a_draft
from tests.domains.parts.station.records.test_retention import FAILED, PASSED
from tests.domains.parts.station.records.test_retention_sweep import a_line, pictures_left
from tests.needed import skip_without


def test_a_reserve_is_real_room_and_is_given_back(tmp_path):
    reserve = ReserveFile(tmp_path / "state" / "reserve", 3_000_000)
    assert not reserve.free()
    assert reserve.hold()
    assert reserve.path.stat().st_blocks * 512 >= 3_000_000  # not a sparse file
    assert reserve.hold()
    assert reserve.free()
    assert not reserve.is_held
    reserve.path.mkdir()
    with pytest.raises(StoreError, match="cannot be held"):
        ReserveFile(reserve.path, 5_000).hold()


def fill(path):
    """Write until the disk is full."""
    with pytest.raises(OSError, match="No space") as full, path.open("wb", buffering=0) as file:
        for _ in iter(lambda: file.write(b"x" * 4096), 0):
            pass
    assert full.value.errno == errno.ENOSPC


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 MB of its own."""
    skip_without(
        os.geteuid() == 0 and shutil.which("mount") is not None,
        "Mounting a small file system needs root; run the tests of retention as root.",
    )
    disk = tmp_path / "disk"
    disk.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "none", disk], capture_output=True, check=False
    )
    skip_without(made.returncode == 0, f"tmpfs cannot be mounted: {made.stderr.decode()}")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


@pytest.mark.service
def test_on_a_full_disk_stop_is_still_put_on_record_and_retention_makes_room(small_disk):
    settings = Settings(home=small_disk)
    store = open_store(settings)
    reserve = ReserveFile(small_disk / "reserve", 8_000_000)
    assert reserve.hold()
    results = ([PASSED] * 9 + [FAILED]) * 5
    parts = a_line(store, results, size=500_000)
    assert pictures_left(store) == set(parts)

    # The disk fills up to the last byte.
    fill(small_disk / "filler")
    recorder = PartRecorder(store, "line 1")
    number = max(parts) + 1
    with pytest.raises(StoreError) as refused:
        recorder.commit(a_draft(number, PASSED, content=os.urandom(500_000)))
    assert is_disk_full(refused.value)
    assert not any(part.trigger.number == number for part in parts_of(store, "line 1"))

    # The reserve makes room for the STOP.
    stop = a_draft(number, LineVerdict.because(LineReason.DISK))
    stop = Draft(stop.trigger, stop.verdict, stop.part_id, stop.product)
    assert reserve.free()
    recorder.commit(stop)
    (last,) = parts_of(store, "line 1", limit=1)
    assert (last.result, last.reasons) == (LineResult.STOP, (LineReason.DISK,))
    assert not reserve.hold()  # there is no room for it yet

    # Retention deletes passes until there is; every rejected part keeps its picture.
    options = RetentionOptions(min_free_gb=0.02, min_free_share=0, pass_sample=0.1)
    report = Sweeper(store, "line 1", options).sweep()
    assert report.problem == ""
    assert shutil.disk_usage(small_disk).free >= 20_000_000
    assert reserve.hold()
    left = pictures_left(store)
    failed = {n for n, part in parts.items() if part.result is LineResult.FAIL}
    assert failed <= left
    gone = set(parts) - left
    assert len(gone) == report.parts
    assert max(gone) < max(set(parts) - failed)  # the oldest went, not all
    found = check(settings)
    assert (found.cleared, found.faults) == (len(gone), ())
    lost = next(n for n in left if n in failed)
    with writing(store) as connection:
        query = f"SELECT content_key FROM decisions WHERE id = '{parts[lost].decisions[0]}'"
        key = connection.exec_driver_sql(query).scalar_one()
    (store.blobs / key[:2] / key).unlink()
    assert check(settings).faults == (f"picture missing: {key}",)
    store.close()

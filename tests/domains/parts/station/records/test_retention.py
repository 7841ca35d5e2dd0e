"""Retention deletes passes alone, in the store's order, where it may, and says so on record."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ConfigError, StoreError
from core.records import blobs, pack_rows
from core.records.clearings import CLEARING
from core.records.connection import writing
from core.records.reviews import review
from core.records.values import now
from core.records.worklist import next_case
from core.service.audit import check
from core.service.store import open_store
from core.settings import Settings
from core.types import Disposition
from domains.parts.station.judging.inspector import is_disk_full
from domains.parts.station.recipe import RetentionOptions
from domains.parts.station.records.overrides import OverrideReason, make_override, record_override
from domains.parts.station.records.parts import PACK, Draft, PartRecorder, parts_of
from domains.parts.station.records.reserve import ReserveFile
from domains.parts.station.records.retention import (
    DiskState,
    PartPictures,
    bytes_to_free,
    is_sampled,
    plan_retention,
)
from domains.parts.station.records.retention_folder import LOCK, claim_folder
from domains.parts.station.records.retention_sweep import Sweeper
from domains.parts.station.result import LineReason, LineResult, LineVerdict
from tests.domains.parts.station.records.test_parts import a_draft
from tests.needed import skip_without

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
KEY = b"k" * 32
NO_LIMITS = RetentionOptions(min_free_gb=0, min_free_share=0, pass_sample=0)
PASSED = LineVerdict.passed()
FAILED = LineVerdict.because(LineReason.DEFECT)


def plan(parts, options, *, free=10**12, size=1000, newest=NOON, total=10**12):
    disk = DiskState(total, free, size * sum(len(part.pictures) for part in parts))
    return plan_retention(parts, options, disk, size_of=lambda _: size, newest=newest, key=KEY)


def some_parts(count, *, kept=(), start=NOON - timedelta(days=10), step=timedelta(hours=1)):
    return [
        PartPictures(n, start + n * step, f"P{n}", (f"{n:064x}",), n in kept)
        for n in range(1, count + 1)
    ]


def numbers(made):
    return [part.number for part in made.parts]


def test_nothing_goes_while_every_budget_is_met():
    made = plan(some_parts(20), NO_LIMITS)
    assert (numbers(made), made.freed, made.missing, made.problem) == ([], 0, 0, "")


def test_the_oldest_passes_go_by_number_until_there_is_room():
    options = replace_options(min_free_gb=5e-6)
    made = plan(some_parts(20, kept={2, 3}), options, free=1500)
    assert numbers(made) == [1, 4, 5, 6]  # 3,500 bytes are missing, 1,000 each
    assert (made.freed, made.missing) == (4000, 0)


def replace_options(**changed):
    return NO_LIMITS.model_copy(update=changed)


def test_the_free_share_and_the_free_bytes_and_the_total_are_budgets():
    disk = DiskState(total=1_000_000, free=20_000, pictures=30_000)
    assert bytes_to_free(replace_options(min_free_share=0.05), disk) == 30_000
    assert bytes_to_free(replace_options(min_free_gb=2.5e-5), disk) == 5_000
    assert bytes_to_free(replace_options(max_gb=1e-5), disk) == 20_000
    assert bytes_to_free(RetentionOptions(), DiskState(10**13, 6 * 10**11, 10**12)) == 0
    assert bytes_to_free(RetentionOptions(), DiskState(10**10, 10**9, 10**9)) == 10**9  # 2 GB


def test_what_has_to_be_kept_is_kept_even_on_a_full_disk_and_a_person_is_told():
    made = plan(some_parts(5, kept={1, 2, 4, 5}), replace_options(min_free_gb=1), free=0)
    assert numbers(made) == [3]
    assert made.missing == 10**9 - 1000
    assert "lacks 1 GB, and every picture left has to be kept" in made.problem


def test_age_is_counted_from_the_last_part_not_from_the_clock():
    parts = some_parts(240)  # one an hour for ten days
    made = plan(parts, replace_options(days=2), newest=parts[-1].recorded_at)
    assert numbers(made) == list(range(1, 192))
    # The clock is not trusted: nothing goes by age.
    assert numbers(plan(parts, replace_options(days=2), newest=None)) == []


def test_the_order_is_the_stores_whatever_the_times_say():
    """A clock that was set back: part 3 looks older than part 1 and does not go before it."""
    parts = some_parts(4)
    parts[2] = replace(parts[2], recorded_at=NOON - timedelta(days=4000))
    made = plan(parts, replace_options(min_free_gb=2e-6), free=0)
    assert numbers(made) == [1, 2]


@given(
    kept=st.sets(st.integers(1, 60)),
    share=st.floats(0, 1),
    free=st.integers(0, 60_000),
    days=st.one_of(st.none(), st.floats(0.1, 12)),
)
def test_no_plan_touches_what_is_kept_or_takes_more_than_needed(kept, share, free, days):
    parts = some_parts(60, kept=kept)
    options = replace_options(min_free_gb=5e-5, pass_sample=share, days=days)
    made = plan(parts, options, free=free)
    chosen = set(numbers(made))
    assert chosen.isdisjoint(kept)
    assert not any(is_sampled(part, share, KEY) for part in made.parts)
    assert numbers(made) == sorted(chosen)
    needed = max(0, 50_000 - free)
    old = {p.number for p in parts if days and p.recorded_at < NOON - timedelta(days=days)}
    # All that could go before the last one went; the last one was needed or too old.
    free_to_go = [p.number for p in parts if not p.is_kept and not is_sampled(p, share, KEY)]
    assert numbers(made) == free_to_go[: len(chosen)]
    if made.parts and made.parts[-1].number not in old:
        assert made.freed - 1000 < needed
    assert made.missing == max(0, needed - made.freed)


def test_the_sample_is_of_the_share_asked_and_follows_the_id_alone():
    parts = [PartPictures(n, NOON, f"part {n}", (), False) for n in range(20_000)]
    drawn = np.array([is_sampled(part, 0.1, KEY) for part in parts])
    assert drawn.mean() == pytest.approx(0.1, abs=0.01)
    moved = [replace(part, number=1, recorded_at=NOON + timedelta(1)) for part in parts]
    assert [is_sampled(part, 0.1, KEY) for part in moved] == drawn.tolist()
    other = np.array([is_sampled(part, 0.1, b"other") for part in parts])
    assert (drawn & other).mean() == pytest.approx(0.01, abs=0.004)  # nobody can choose without it
    assert not is_sampled(parts[0], 0.0, KEY)
    assert is_sampled(parts[0], 1.0, KEY)
    nameless = [PartPictures(n, NOON, "", (), False) for n in range(5000)]
    assert np.mean([is_sampled(one, 0.1, KEY) for one in nameless]) == pytest.approx(0.1, abs=0.02)


@pytest.fixture
def blobs_folder(tmp_path):
    folder = tmp_path / "blobs"
    blobs.put_many(folder, [b"one", b"two"])
    return folder


def test_a_folder_of_pictures_is_claimed_once(blobs_folder):
    assert claim_folder(blobs_folder, "line-1 abc") == blobs_folder.resolve()
    assert claim_folder(blobs_folder, "line-1 abc") == blobs_folder.resolve()
    with pytest.raises(ConfigError, match="belongs to the station 'line-1 abc', not 'line-2 abc'"):
        claim_folder(blobs_folder, "line-2 abc")
    (blobs_folder / LOCK).unlink()
    claim_folder(blobs_folder, "line-2 abc")


def test_a_claimed_folder_is_new_where_there_was_none(tmp_path):
    claim_folder(tmp_path / "new" / "blobs", "line")
    assert (tmp_path / "new" / "blobs" / LOCK).read_text() == "line"


def test_the_root_and_home_folders_are_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    (tmp_path / "user").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "user")
    for folder in (Path("/"), Path("~"), tmp_path / "user", tmp_path, link, Path("/..")):
        with pytest.raises(ConfigError, match="neither in the root nor in a home folder"):
            claim_folder(folder, "line")
    assert not (tmp_path / "user" / LOCK).exists()


@pytest.mark.parametrize(
    "foreign",
    ["notes.txt", "ab/notes.txt", f"ab/{'cd' * 32}", "holiday/photo.jpg", ".hidden", "AB/x"],
)
def test_a_folder_with_foreign_files_is_refused(blobs_folder, foreign):
    path = blobs_folder / foreign
    path.parent.mkdir(exist_ok=True)
    path.write_text("keep me")
    with pytest.raises(ConfigError, match="no folder with other files"):
        claim_folder(blobs_folder, "line")
    assert not (blobs_folder / LOCK).exists()


def test_a_link_among_the_pictures_is_foreign_and_a_picture_being_written_is_not(blobs_folder):
    name = "ab" * 32
    (blobs_folder / "ab").mkdir(exist_ok=True)
    (blobs_folder / "ab" / f".{name}.{'0' * 16}").write_bytes(b"half")
    claim_folder(blobs_folder, "line")
    (blobs_folder / "ab" / name).symlink_to("/etc/hostname")
    with pytest.raises(ConfigError, match="other files"):
        claim_folder(blobs_folder, "line")


def a_line(store, results, *, station="line 1", size=0, **draft):
    """Record parts; each picture is ``size`` bytes or more. Return the parts by number."""
    recorder = PartRecorder(store, station)
    first = recorder.start()
    made = {}
    for number, verdict in enumerate(results, first):
        content = f"{station} {number} ".encode() + os.urandom(size)
        made[number] = recorder.commit(replace(a_draft(number, verdict, content=content), **draft))
    return made


def pictures_left(store, station="line 1"):
    """Return the numbers of the parts whose picture is on disk."""
    with writing(store) as connection:
        rows = connection.exec_driver_sql("SELECT id, content_key FROM decisions").all()
    there = {one for one, key in rows if (store.blobs / key[:2] / key).exists()}
    return {p.trigger.number for p in parts_of(store, station) if there.intersection(p.decisions)}


NO_ROOM = RetentionOptions(max_gb=1e-9, min_free_gb=0, min_free_share=0, pass_sample=0)


def test_a_sweep_keeps_what_failed_was_reviewed_audited_or_overridden(store, settings):
    parts = a_line(store, [PASSED, FAILED, PASSED, PASSED, LineVerdict.because(LineReason.DISK)])
    audited = a_line(store, [PASSED], audit_share=1.0)
    missed = make_override(
        parts[3], OverrideReason.DEFECT_MISSED, who="Eva", role="operator", at=now()
    )
    record_override(store, "line 1", parts[3], missed)
    sweeper = Sweeper(store, "line 1", NO_ROOM)
    report = sweeper.sweep()
    assert pictures_left(store) == {2, 3, 5, *audited}
    assert (report.parts, report.pictures) == (2, 2)
    found = check(settings)
    assert (found.cleared, found.faults) == (2, ())
    # Every row is still there, and a second sweep finds nothing more.
    assert len(parts_of(store, "line 1")) == 6
    assert sweeper.sweep().parts == 0


def test_a_reviewed_pass_stays(store, settings):
    parts = a_line(store, [PASSED, PASSED])
    item = next_case(store, PACK, negatives=True)
    (shown,) = [n for n, part in parts.items() if item.decision_id in part.decisions]
    assert review(store, item, Disposition.NEGATIVE, reviewer="Eva")
    Sweeper(store, "line 1", NO_ROOM).sweep()
    assert pictures_left(store) == {shown}
    assert check(settings).faults == ()


def test_a_pass_of_a_part_that_failed_before_stays(store):
    recorder = PartRecorder(store, "line 1")
    recorder.start()
    for number, verdict in ((1, FAILED), (2, PASSED), (3, PASSED)):
        draft = a_draft(number, verdict)
        recorder.commit(replace(draft, part_id="P1" if number < 3 else "P3"))
    Sweeper(store, "line 1", NO_ROOM).sweep()
    assert pictures_left(store) == {1, 2}


def test_a_late_pass_counts_as_the_fail_that_left(store):
    recorder = PartRecorder(store, "line 1")
    recorder.start()
    passed = recorder.commit(a_draft(1, PASSED))
    recorder.correct(passed, LineVerdict.because(LineReason.LATE))
    Sweeper(store, "line 1", NO_ROOM).sweep()
    assert pictures_left(store) == {1}


def test_the_pictures_of_others_in_the_store_stay(store, settings):
    a_line(store, [PASSED, PASSED], station="line 2")
    a_line(store, [PASSED])
    Sweeper(store, "line 1", NO_ROOM).sweep()
    assert pictures_left(store, "line 2") == {1, 2}
    assert pictures_left(store) == set()
    assert check(settings).faults == ()
    with pytest.raises(ConfigError, match="belongs to the station"):
        Sweeper(store, "line 2", NO_ROOM)


def test_a_sweep_goes_on_behind_the_last_one_and_finishes_what_it_left(store, settings):
    a_line(store, [PASSED] * 4)
    sweeper = Sweeper(store, "line 1", NO_ROOM)
    sweeper.sweep()
    (row,) = pack_rows.rows_of(store, PACK, CLEARING, "line 1")
    assert row.number == 4
    # A killed process: one file is there again although it is on record as cleared.
    blobs.put_many(store.blobs, [b"stray"])
    gone = next(iter(row.body["pictures"]))
    path = store.blobs / gone[:2] / gone
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"left over")
    a_line(store, [PASSED])
    report = Sweeper(store, "line 1", NO_ROOM).sweep()
    assert not path.exists()
    assert report.parts == 1
    assert check(settings).cleared == 5


def test_a_clock_that_is_set_deletes_nothing_by_age(store, monkeypatch):
    a_line(store, [PASSED] * 3)
    options = RetentionOptions(days=1, min_free_gb=0, min_free_share=0, pass_sample=0)
    sweeper = Sweeper(store, "line 1", options)
    later = now() + timedelta(days=400)
    monkeypatch.setattr("domains.parts.station.records.parts.now", lambda: later)
    a_line(store, [FAILED])
    monkeypatch.setattr("domains.parts.station.records.retention_sweep.now", lambda: later)
    report = sweeper.sweep()
    assert "The clock was set by +9600 hours" in report.problem
    assert {1, 2, 3} <= pictures_left(store)
    # After a restart, and so after a person has looked, the clock is believed.
    assert Sweeper(store, "line 1", options).sweep().parts == 3


def test_a_sweep_that_runs_every_minute_looks_at_no_part_while_there_is_room(store, monkeypatch):
    a_line(store, [PASSED] * 3)
    room = RetentionOptions(max_gb=1, min_free_gb=0, min_free_share=0)
    sweeper = Sweeper(store, "line 1", room)
    assert sweeper.sweep().parts == 0
    monkeypatch.setattr(Path, "glob", None)  # measured a moment ago
    monkeypatch.setattr(Sweeper, "_with_pictures", None)
    assert sweeper.sweep().parts == 0


def test_an_empty_store_is_claimed_by_nobody(store):
    with pytest.raises(StoreError, match="holds nothing yet"):
        Sweeper(store, "line 1", NO_ROOM)


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

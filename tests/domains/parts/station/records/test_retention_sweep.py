"""Retention on a real store: the folder it may touch, what a sweep deletes, and a full disk."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from core.errors import ConfigError, StoreError
from core.records import blobs, pack_rows
from core.records.clearings import CLEARING
from core.records.connection import writing
from core.records.reviews import review
from core.records.values import now
from core.records.worklist import next_case
from core.service.audit import check
from core.types import Disposition
from domains.parts.station.recipe import RetentionOptions
from domains.parts.station.records.overrides import OverrideReason, make_override, record_override
from domains.parts.station.records.parts import PACK, PartRecorder, parts_of
from domains.parts.station.records.retention_folder import LOCK, claim_folder
from domains.parts.station.records.retention_sweep import Sweeper
from domains.parts.station.result import LineReason, LineVerdict
from domains.parts.station.user import StationRole, StationUser
from tests.domains.parts.station.records.test_parts import a_draft
from tests.domains.parts.station.records.test_retention import FAILED, PASSED


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
        parts[3],
        OverrideReason.DEFECT_MISSED,
        by=StationUser("Eva", StationRole.OPERATOR),
        at=now(),
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

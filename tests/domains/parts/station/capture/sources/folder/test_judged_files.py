"""What a watched folder's line has judged is judged once, over restarts too."""

from __future__ import annotations

import os
import sqlite3
import time

import pytest

from core.errors import ConfigError
from domains.parts.station.capture.sources.judged_files import JudgedFiles
from tests.domains.parts.station.capture.sources.folder.watched_line import (
    Line,
    a_picture,
    write,
)

# Files that settle take ten seconds and more.
pytestmark = pytest.mark.slow


def test_a_file_announced_again_is_judged_once_and_new_bytes_are_a_new_part(line, folder):
    data = write(folder / "a.jpg", a_picture(1))
    line.wait_for(1)
    write(folder / "a.jpg", data)
    os.utime(folder / "a.jpg", (1, 1))
    os.replace(folder / "a.jpg", folder / ".a")
    time.sleep(0.5)
    os.replace(folder / ".a", folder / "a.jpg")
    line.stays_at(1)
    write(folder / "a.jpg", a_picture(2))
    assert line.wait_for(2)[1].frames[0].data == a_picture(2)


def test_files_judged_before_a_restart_are_not_judged_again(folder, tmp_path, short_patience):
    write(folder / "a.jpg", a_picture(1))
    write(folder / "empty.jpg", b"")
    with Line(folder, tmp_path) as line:
        line.wait_for(2)
    write(folder / "b.jpg", a_picture(2))
    with Line(folder, tmp_path, rescan_s=0.2) as line:
        line.stays_at(1, 1.5)
        assert line.names == ["b.jpg"]


def test_a_part_that_did_not_get_on_record_is_judged_after_a_restart(folder, tmp_path):
    write(folder / "a.jpg", a_picture(1))
    for is_recorded in (False, True):
        with Line(folder, tmp_path) as line:
            line.is_answering = False
            (signal,) = line.wait_for(1)
            line.answer(signal, is_recorded)
    with Line(folder, tmp_path, rescan_s=0.2) as line:
        line.stays_at(0)


def test_the_record_keeps_what_lies_there_and_the_newest_of_what_is_gone(tmp_path):
    record = JudgedFiles(tmp_path / "judged.sqlite", tmp_path, kept=3)
    other = JudgedFiles(tmp_path / "judged.sqlite", tmp_path / "other", kept=3)
    other.save("0.jpg", "kept")
    for n in range(10):
        record.save(f"{n}.jpg", f"{n}")
    record.save("4.jpg", "again")
    record.prune({"1.jpg"})
    record.close()
    again = JudgedFiles(tmp_path / "judged.sqlite", tmp_path)
    assert [n for n in range(10) if again.digest_of(f"{n}.jpg")] == [1, 4, 8, 9]
    assert again.digest_of("4.jpg") == "again"
    assert JudgedFiles(tmp_path / "judged.sqlite", tmp_path / "other").digest_of("0.jpg") == "kept"
    again.close()
    other.close()


def test_a_record_that_refuses_is_no_reason_to_stop(tmp_path):
    record = JudgedFiles(tmp_path / "judged.sqlite", tmp_path)
    record._database.close()
    record._database = sqlite3.connect(":memory:")  # without its table
    record.save("a.jpg", "digest")
    record.prune(set())
    assert record.digest_of("a.jpg") == "digest"
    record.close()


def test_a_record_that_cannot_be_opened_says_so(tmp_path):
    (tmp_path / "judged.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(ConfigError, match="cannot be used"):
        JudgedFiles(tmp_path / "judged.sqlite", tmp_path)

"""Files that are no pictures, folders that go: what a watched folder's line makes of them."""

from __future__ import annotations

import os
import time

import numpy as np
import pytest

from core.errors import ConfigError
from tests.domains.parts.station.capture.sources.folder.watched_line import (
    LIMIT_S,
    UNREADABLE,
    Line,
    a_picture,
    write,
)

# Files that settle take ten seconds and more.
pytestmark = pytest.mark.slow


def test_links_and_pipes_are_answered_as_unreadable_and_not_followed(line, folder, tmp_path):
    write(tmp_path / "elsewhere.jpg", a_picture(1))
    (folder / "link.jpg").symlink_to(tmp_path / "elsewhere.jpg")
    (folder / "dangling.jpg").symlink_to(tmp_path / "nothing.jpg")
    os.mkfifo(folder / "pipe.jpg")
    line.wait_for(3)
    assert sorted(line.names) == ["dangling.jpg", "link.jpg", "pipe.jpg"]
    assert all(s.faults == UNREADABLE and s.frames[0].data == b"" for s in line.signals)


def test_a_file_that_may_not_be_read_is_answered_and_read_once_it_may(line, folder):
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    data = write(folder / ".a", a_picture(1))
    os.chmod(folder / ".a", 0)
    os.replace(folder / ".a", folder / "a.jpg")
    assert line.wait_for(1)[0].faults == UNREADABLE
    os.chmod(folder / "a.jpg", 0o600)
    assert line.wait_for(2)[1].frames[0].data == data


def test_a_file_beyond_the_limit_is_answered_as_unreadable(
    folder, tmp_path, monkeypatch, short_patience
):
    monkeypatch.setenv("ASSAY_MAX_BYTES", "100000")
    with Line(folder, tmp_path) as line:
        write(folder / "large.jpg", a_picture(1) + bytes(100_000))
        assert line.wait_for(1)[0].faults == UNREADABLE


def test_files_that_vanish_are_nobodys_part(line, folder):
    for n in range(20):
        write(folder / f"{n}.part.jpg", a_picture(n))
        (folder / f"{n}.part.jpg").unlink()
    write(folder / "last.jpg", a_picture(99))
    until = time.monotonic() + LIMIT_S
    while "last.jpg" not in line.names and time.monotonic() < until:
        time.sleep(0.01)
    assert "last.jpg" in line.names
    assert all(signal.faults == () for signal in line.signals)


def test_a_hostile_file_costs_its_own_process_only(line, folder):
    # A PNG header that claims 30,000 x 30,000 pixels, and a JPEG of random bytes.
    png = bytearray(a_picture(1, ".png"))
    png[16:24] = (30_000).to_bytes(4, "big") * 2
    write(folder / "bomb.png", bytes(png))
    write(folder / "noise.jpg", b"\xff\xd8\xff\xe0" + np.random.default_rng(1).bytes(5000))
    write(folder / "good.jpg", a_picture(2))
    line.wait_for(3)
    assert {s.frames[0].name: s.faults for s in line.signals} == {
        "good.jpg": (),
        "bomb.png": UNREADABLE,
        "noise.jpg": UNREADABLE,
    }


def test_time_stamps_of_the_future_delay_nothing(line, folder):
    write(folder / ".a", a_picture(1))
    os.utime(folder / ".a", (4e9, 4e9))
    os.replace(folder / ".a", folder / "a.jpg")
    line.wait_for(1)


def test_a_folder_that_goes_stops_the_line_and_one_that_comes_back_goes_on(folder, tmp_path):
    with Line(folder, tmp_path, rescan_s=0.1) as line:
        write(folder / "a.jpg", a_picture(1))
        line.wait_for(1)
        os.replace(folder, tmp_path / "away")
        until = time.monotonic() + LIMIT_S
        while not line.source.problem and time.monotonic() < until:
            time.sleep(0.01)
        assert "cannot be listed" in line.source.problem
        folder.mkdir()
        while line.source.problem and time.monotonic() < until:
            time.sleep(0.01)
        write(folder / "b.jpg", a_picture(2))
        line.wait_for(2)
        assert line.names == ["a.jpg", "b.jpg"]


def test_lost_events_are_made_up_for_by_listing(folder, tmp_path):
    with Line(folder, tmp_path, rescan_s=0.3) as line:
        line.source._events.stop()  # as after an overflow of the kernel's queue
        write(folder / "a.jpg", a_picture(1))
        line.wait_for(1)


def test_a_folder_that_does_not_exist_is_refused(tmp_path):
    line = Line(tmp_path / "nowhere", tmp_path)
    with pytest.raises(ConfigError, match="does not exist"):
        line.source.open()
    line.source.close()

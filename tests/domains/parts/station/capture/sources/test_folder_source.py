"""Every picture of a watched folder becomes one trigger, whoever writes it and however."""

from __future__ import annotations

import os
import sqlite3
import time
from threading import Event

import cv2
import numpy as np
import pytest

from core.errors import ConfigError
from core.settings import Settings
from domains.parts.station.capture.sources import pending_files
from domains.parts.station.capture.sources.folder import FolderSource
from domains.parts.station.capture.sources.judged_files import JudgedFiles
from domains.parts.station.options import TriggerOptions
from domains.parts.station.part import Trigger
from domains.parts.station.result import LineReason

# Files that settle take ten seconds and more.
pytestmark = pytest.mark.slow

LIMIT_S = 30.0
UNREADABLE = (LineReason.UNREADABLE,)


def a_picture(number: int, kind: str = ".jpg") -> bytes:
    rng = np.random.default_rng(number)
    pixels = cv2.resize(rng.integers(0, 255, (12, 16, 3), np.uint8), (160, 120))
    return cv2.imencode(kind, pixels)[1].tobytes()


class Line:
    """Answers every trigger at once, as a station that judges in no time."""

    def __init__(self, folder, home, **options):
        self.signals = []
        self.is_answering, self.has_posted = True, Event()
        self.judged = JudgedFiles(home / "judged.sqlite", folder)
        self.source = FolderSource(
            "camera", folder, TriggerOptions(**options), Settings(), self.judged, self._post
        )

    def __enter__(self):
        self.source.open()
        return self

    def __exit__(self, *_):
        self.source.close()

    def _post(self, signal):
        self.signals.append(signal)
        self.has_posted.set()
        if self.is_answering:
            self.answer(signal)

    def answer(self, signal, is_recorded=True):
        trigger = Trigger(1, signal.at, frames=signal.frames, faults=signal.faults)
        self.source.answer(trigger, is_recorded=is_recorded)

    @property
    def names(self):
        return [signal.frames[0].name for signal in self.signals]

    def wait_for(self, count):
        until = time.monotonic() + LIMIT_S
        while len(self.signals) < count:
            assert time.monotonic() < until, f"{self.names} after {LIMIT_S} s"
            assert self.source.problem == ""
            time.sleep(0.01)
        return self.signals

    def stays_at(self, count, seconds=0.7):
        self.wait_for(count)
        time.sleep(seconds)
        assert len(self.signals) == count, self.names


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "watched"
    path.mkdir()
    return path


@pytest.fixture
def short_patience(monkeypatch):
    monkeypatch.setattr(pending_files, "PATIENCE_S", 0.3)


@pytest.fixture
def line(folder, tmp_path, short_patience):
    with Line(folder, tmp_path, rescan_s=0.3) as line:
        yield line


def write(path, data):
    path.write_bytes(data)
    return data


@pytest.mark.parametrize(
    ("polling", "closes_between"), [(False, False), (False, True), (True, False)]
)
def test_four_writers_give_three_pictures_and_one_unreadable(
    folder, tmp_path, polling, closes_between
):
    """openvinotoolkit/anomalib's folder source loses or doubles each of these."""
    write(folder / "c.jpg", a_picture(0))
    whole = {name: a_picture(n) for n, name in enumerate(["a.jpg", "b.jpg", "c.jpg"], start=1)}
    with Line(folder, tmp_path, rescan_s=0.3, polling=polling) as line:
        line.wait_for(1)
        file = (folder / "a.jpg").open("wb")
        file.write(whole["a.jpg"][: len(whole["a.jpg"]) // 2])
        file.flush()
        if closes_between:
            file.close()
        (folder / "d.jpg").touch()
        (folder / "x.tmp").write_bytes(whole["b.jpg"])
        os.replace(folder / "x.tmp", folder / "b.jpg")
        (folder / "c.jpg").write_bytes(whole["c.jpg"])
        time.sleep(0.3)
        if closes_between:
            file = (folder / "a.jpg").open("ab")
        file.write(whole["a.jpg"][len(whole["a.jpg"]) // 2 :])
        file.close()
        line.stays_at(5)
        first, *rest = line.signals
    assert first.frames[0].data == a_picture(0)
    came = {signal.frames[0].name: signal for signal in rest}
    assert sorted(came) == ["a.jpg", "b.jpg", "c.jpg", "d.jpg"]
    for name, data in whole.items():
        assert came[name].frames[0].data == data
        assert came[name].faults == ()
    assert came["d.jpg"].frames[0].data == b""
    assert came["d.jpg"].faults == UNREADABLE
    assert len({signal.frames[0].raw_sha256 for signal in line.signals}) == 5
    assert line.names[-1] == "d.jpg"  # it held nobody up


def test_a_signal_carries_the_frame_and_no_other_part(line, folder):
    before = time.monotonic()
    data = write(folder / "one.png", a_picture(1, ".png"))
    (signal,) = line.wait_for(1)
    (frame,) = signal.frames
    assert (frame.camera, frame.name, frame.data) == ("camera", "one.png", data)
    assert before < signal.at == frame.exposed_at < time.monotonic()
    assert (frame.counter, frame.camera_time_s, signal.part_id) == (None, None, "")


def test_the_same_pixels_behind_another_header_have_the_same_digest(line, folder):
    data = a_picture(1)
    write(folder / "one.jpg", data)
    line.wait_for(1)
    write(folder / "two.jpg", data[:2] + b"\xff\xfe\x00\x06time" + data[2:])
    write(folder / "three.jpg", a_picture(3))
    digests = [s.frames[0].raw_sha256 for s in line.wait_for(3)]
    assert digests[0] == digests[1] != digests[2]


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


def test_the_next_file_waits_until_the_one_before_is_answered(folder, tmp_path):
    for n in range(3):
        write(folder / f"{n}.jpg", a_picture(n))
        os.utime(folder / f"{n}.jpg", ns=(0, 10**9 * (3 - n)))
    with Line(folder, tmp_path, rescan_s=0.2) as line:
        line.is_answering = False
        line.stays_at(1)
        line.answer(line.signals[0])
        line.stays_at(2)
        line.answer(line.signals[1])
        line.wait_for(3)
        assert line.names == ["2.jpg", "1.jpg", "0.jpg"]


def test_what_is_no_picture_or_not_finished_is_left_alone(line, folder):
    for name in (".a.jpg", "a.jpg.tmp", "a.jpg.part", "a.jpg~", "Thumbs.db", "notes.txt"):
        write(folder / name, a_picture(1) if name != "notes.txt" else b"part 17")
    (folder / "sub.jpg").mkdir()
    write(folder / "sub.jpg" / "inner.jpg", a_picture(2))
    write(folder / "without-suffix", a_picture(3))
    line.stays_at(1)
    assert line.names == ["without-suffix"]


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


def test_a_file_moved_in_from_elsewhere_is_complete_at_once(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(pending_files, "PATIENCE_S", 10 * LIMIT_S)
    with Line(folder, tmp_path, rescan_s=10 * LIMIT_S, settle_ms=60_000) as line:
        write(folder / "warm.jpg", a_picture(0))
        line.wait_for(1)
        write(tmp_path / "a.jpg", a_picture(1))
        os.replace(tmp_path / "a.jpg", folder / "a.jpg")
        line.wait_for(2)
        os.replace(folder / "a.jpg", folder / "b.jpg")
        line.wait_for(3)
        assert line.names == ["warm.jpg", "a.jpg", "b.jpg"]


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

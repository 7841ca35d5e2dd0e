"""Every picture of a watched folder becomes one trigger, whoever writes it and however."""

from __future__ import annotations

import os
import time

import pytest

from domains.parts.station.capture.sources import pending_files
from tests.domains.parts.station.capture.sources.folder.watched_line import (
    LIMIT_S,
    UNREADABLE,
    Line,
    a_picture,
    write,
)

# Files that settle take ten seconds and more.
pytestmark = pytest.mark.slow


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

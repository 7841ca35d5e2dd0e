"""A picture that kills, fails or hangs its decoder is alone unreadable."""

import os
import re
from pathlib import Path

import numpy as np
import pytest

from core.imaging.files import open_file, wrap_bytes
from core.imaging.sandbox import Sandbox, samples_in_process
from core.types import Prepared, Unreadable
from tests.core.imaging.hostile_packs import pack as hostile
from tests.core.imaging.pictures import encoded, png_claiming, quadrants
from tests.core.imaging.sandbox.runs import GOOD, LIMITS, SIZE, a_run, assert_same

DEADLY = {
    "abort": r"crashed on this picture \(SIGABRT\)",
    "segfault": r"crashed on this picture \(SIGSEGV\)",
    "exit": r"crashed on this picture \(exit code 0\)",
    "garbage": "nonsense",
    "nested": "nonsense",
    "forged": "nonsense",
    "endless": "nonsense",
    "spoil": r"crashed on this picture \(SIGABRT\)",
}
HANGING = {
    "sleep": "ran out of time on this picture: expected at most 1.5 s",
    "stubborn": "ran out of time",
    "deaf": "closed its channel",
}
SURVIVED = {
    "alloc": "ran out of memory",
    "panic": "Panic: index out of bounds",
    "bug": "KeyError",
    "refuse": "^Not today. Come tomorrow.$",
    "write": "File too large|No usable temporary directory",
    "core": r"\(0, 0\)",
}


def assert_only_the_culprit_suffers(sandbox, word, message):
    incoming = a_run(40)
    incoming[20] = wrap_bytes("culprit", f"{word} ".encode() + GOOD[0])

    samples = list(sandbox.samples(incoming))

    assert [s.id for s in samples] == [i.id for i in incoming]
    assert isinstance(samples[20].frame, Unreadable)
    assert re.search(message, samples[20].frame.message)
    assert samples[20].frame.sha256 == incoming[20].sha256
    others = [i for i in range(40) if i != 20]
    expected = list(samples_in_process(hostile, SIZE, [incoming[i] for i in others], 10**8))
    assert_same([samples[i] for i in others], expected)


@pytest.mark.parametrize("word", DEADLY)
def test_a_picture_that_kills_its_decoder_is_alone_unreadable(sandbox, word):
    assert_only_the_culprit_suffers(sandbox, word, DEADLY[word])


@pytest.mark.parametrize("word", SURVIVED)
def test_a_picture_that_fails_its_decoder_is_alone_unreadable(sandbox, word):
    assert_only_the_culprit_suffers(sandbox, word, SURVIVED[word])


@pytest.mark.parametrize("word", HANGING)
def test_a_picture_that_hangs_its_decoder_is_alone_unreadable(hasty, word):
    assert_only_the_culprit_suffers(hasty, word, HANGING[word])


def test_shared_memory_cannot_be_shrunk_under_the_parent(sandbox):
    samples = list(sandbox.samples([wrap_bytes("shrink", b"shrink " + GOOD[0]), *a_run(3)]))

    assert all(isinstance(s.frame, Prepared) for s in samples)


def test_a_decoder_that_prints_does_not_disturb_the_channel(sandbox):
    samples = list(sandbox.samples([wrap_bytes("chatty", b"print " + GOOD[0]), *a_run(3)]))

    assert all(isinstance(s.frame, Prepared) for s in samples)


def test_several_culprits_in_a_row_are_each_answered_for(sandbox):
    words = ["exit", "", "garbage", "exit"]
    incoming = [
        wrap_bytes(f"{i}", f"{w} ".encode() * bool(w) + GOOD[0]) for i, w in enumerate(words)
    ]

    samples = list(sandbox.samples(incoming))

    assert [isinstance(s.frame, Prepared) for s in samples] == [not w for w in words]


def test_hostile_files_give_one_unreadable_each_in_order(tmp_path):
    (tmp_path / "folder.jpg").mkdir()
    os.mkfifo(tmp_path / "fifo.jpg")
    (tmp_path / "good.jpg").write_bytes(GOOD[0])
    (tmp_path / "link.jpg").symlink_to(tmp_path / "good.jpg")
    contents = {
        "empty.jpg": b"",
        "text.jpg": b"hello",
        "cut.jpg": GOOD[0][: len(GOOD[0]) // 2],
        "tiny.png": encoded(quadrants()[:1, :1], "PNG"),
        "bomb.png": png_claiming(30_000, 30_000),
        "large.bmp": b"BM" + bytes(LIMITS.max_bytes),
        "noise.tiff": np.random.default_rng(0).bytes(5000),
        "png_called.jpg": encoded(quadrants(), "PNG"),
    }
    for name, data in contents.items():
        (tmp_path / name).write_bytes(data)
    names = ["good.jpg", "folder.jpg", "fifo.jpg", "link.jpg", "gone.jpg", *contents, "good.jpg"]

    with Sandbox("domains.parts:pack", SIZE, LIMITS) as sandbox:
        files = (open_file(tmp_path / name, LIMITS.max_bytes) for name in names)
        samples = list(sandbox.samples(files))

    assert [Path(s.id).name for s in samples] == names
    readable = {n for s, n in zip(samples, names, strict=True) if isinstance(s.frame, Prepared)}
    assert readable == {"good.jpg", "png_called.jpg"}
    assert all(s.frame.message for s in samples if isinstance(s.frame, Unreadable))


def test_bytes_over_the_cap_are_refused_without_reaching_the_decoder(sandbox):
    heavy = wrap_bytes("heavy", bytes(LIMITS.max_bytes + 1))
    full = wrap_bytes("full", GOOD[0] + bytes(LIMITS.max_bytes - len(GOOD[0])))

    samples = list(sandbox.samples([heavy, full, full]))

    assert "too large" in samples[0].frame.message
    assert isinstance(samples[1].frame, Prepared)
    assert isinstance(samples[2].frame, Prepared)

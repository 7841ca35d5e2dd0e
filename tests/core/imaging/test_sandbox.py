import gc
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from core.errors import ConfigError
from core.imaging.decoder import Decoder
from core.imaging.files import Incoming, open_file, refuse_file, wrap_bytes
from core.imaging.sandbox import Sandbox, samples_in_process
from core.settings import MEBI, Settings
from core.types import Prepared, Reason, Unreadable
from domains.parts import pack as parts
from tests.core.imaging.hostile_packs import pack as hostile
from tests.core.imaging.hostile_packs import wrong_size
from tests.core.imaging.pictures import encoded, png_claiming, quadrants, smooth

HOSTILE = "tests.core.imaging.hostile_packs:pack"
SIZE = 64
GOOD = [encoded(smooth(80, 100, seed), "JPEG") for seed in range(5)]
LIMITS = Settings(decode_timeout_s=30.0, max_bytes=4 * MEBI)
HASTY = Settings(decode_timeout_s=1.5, max_bytes=4 * MEBI)


def a_run(count: int) -> list[Incoming]:
    return [wrap_bytes(f"picture {i}", GOOD[i % 5], group=f"part {i // 2}") for i in range(count)]


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


def assert_same(samples, expected):
    assert [s.id for s in samples] == [e.id for e in expected]
    for sample, other in zip(samples, expected, strict=True):
        assert sample.group == other.group
        assert type(sample.frame) is type(other.frame)
        if isinstance(sample.frame, Unreadable):
            assert sample.frame == other.frame
            continue
        assert sample.frame.pixels.tobytes() == other.frame.pixels.tobytes()
        assert sample.frame.sha256 == other.frame.sha256
        assert sample.frame.source_size == other.frame.source_size
        assert sample.frame.findings == other.frame.findings
        measures, others = sample.frame.measures, other.frame.measures
        assert list(measures) == list(others)
        np.testing.assert_array_equal(list(measures.values()), list(others.values()))


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(HOSTILE, SIZE, LIMITS) as opened:
        yield opened


@pytest.fixture(scope="module")
def hasty():
    with Sandbox(HOSTILE, SIZE, HASTY) as opened:
        yield opened


@pytest.mark.parametrize("decoders", [1, 3])
def test_the_sandbox_gives_what_this_process_gives_bit_for_bit(decoders):
    incoming = a_run(150)
    incoming[7] = wrap_bytes("png", encoded(quadrants(), "PNG", 6))
    incoming[40] = wrap_bytes("text.jpg", b"no picture")
    incoming[41] = refuse_file("missing", "There is no such file.", group="part x")
    incoming[80] = wrap_bytes("bomb", png_claiming(30_000, 30_000))
    incoming[81] = wrap_bytes("cut", GOOD[0][:900])
    settings = Settings(decoders=decoders, max_bytes=4 * MEBI)

    with Sandbox(HOSTILE, SIZE, settings) as sandbox:
        samples = list(sandbox.samples(incoming))

    expected = list(samples_in_process(hostile, SIZE, incoming, settings.max_pixels))
    assert_same(samples, expected)
    assert sum(isinstance(s.frame, Unreadable) for s in samples) == 4
    assert all(s.decode_ms > 0 for s in samples if isinstance(s.frame, Prepared))
    assert samples[0].frame.sha256 == incoming[0].sha256
    assert samples[41].frame == Unreadable("There is no such file.")


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


def test_a_crash_is_not_blamed_on_the_picture_that_happened_to_come_next(sandbox):
    next(sandbox.samples(a_run(1)))
    for pid in children():
        if "core.imaging.child" in psutil.Process(pid).cmdline():
            os.kill(pid, 9)

    samples = list(sandbox.samples(a_run(20)))

    assert all(isinstance(s.frame, Prepared) for s in samples)


def test_samples_are_lazy_with_a_bounded_look_ahead(sandbox):
    taken = []

    def endless():
        for i in range(10**9):
            taken.append(i)
            yield wrap_bytes(f"{i}", GOOD[0])

    stream = sandbox.samples(endless())
    for _ in range(50):
        next(stream)
    assert len(taken) <= 50 + 3 * 16
    stream.close()

    assert len(list(sandbox.samples(a_run(3)))) == 3


def test_two_streams_at_a_time_are_refused_rather_than_mixed_up(sandbox):
    first = sandbox.samples(a_run(40))
    next(first)

    with pytest.raises(ValueError, match="one at a time"):
        next(sandbox.samples(a_run(2)))

    assert len(list(first)) == 39


def test_what_the_source_raises_passes_through_and_the_sandbox_goes_on(sandbox):
    def broken():
        yield from a_run(20)
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="disk is gone"):
        list(sandbox.samples(broken()))
    assert len(list(sandbox.samples(a_run(3)))) == 3


def test_nothing_stays_behind_after_an_early_end():
    gc.collect()
    before, files = children(), os.listdir("/proc/self/fd")
    threads = threading.active_count()

    with Sandbox(HOSTILE, SIZE, HASTY) as sandbox:
        stream = sandbox.samples([*a_run(20), wrap_bytes("hang", b"sleep"), *a_run(20)])
        next(stream)
        assert children() - before
        assert threading.active_count() == threads

    stream.close()
    gc.collect()
    assert children() == before
    assert len(os.listdir("/proc/self/fd")) == len(files)


def test_ctrl_c_in_the_middle_of_an_answer_is_what_the_caller_gets():
    interrupted = []

    def interrupting(frame, event, _):
        if frame.f_code is Decoder._output.__code__ and "flat" in frame.f_locals:
            interrupted.append(event)
            raise KeyboardInterrupt
        return interrupting

    def read():
        with Sandbox(HOSTILE, SIZE, LIMITS) as sandbox:
            sys.settrace(interrupting)
            list(sandbox.samples(a_run(20)))

    before = sys.gettrace()
    try:
        with pytest.raises(KeyboardInterrupt):
            read()
    finally:
        sys.settrace(before)
    assert interrupted


def test_a_decoder_dies_with_its_parent_even_while_it_hangs(tmp_path):
    script = tmp_path / "parent.py"
    script.write_text(
        "import os, psutil, threading\n"
        "from core.imaging.files import wrap_bytes\n"
        "from core.imaging.protocol import Request\n"
        "from core.imaging.sandbox import Sandbox\n"
        "from core.settings import Settings\n"
        f"with Sandbox('{HOSTILE}', 64, Settings(decode_timeout_s=1.0)) as sandbox:\n"
        "    list(sandbox.samples([wrap_bytes('a', b'x')]))\n"
        "    lane = sandbox._lanes[0].start()\n"
        "    lane.send([Request(b'sleep ', '')])\n"
        "    print(lane.pid, flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)

    done = subprocess.run(
        [sys.executable, script], capture_output=True, env={**os.environ, "PYTHONPATH": path}
    )

    orphan = int(done.stdout)
    deadline = time.monotonic() + 30
    while psutil.pid_exists(orphan) and time.monotonic() < deadline:
        if psutil.Process(orphan).status() == psutil.STATUS_ZOMBIE:
            break
        time.sleep(0.05)
    else:
        assert not psutil.pid_exists(orphan)


@pytest.mark.parametrize("entry", ["no.such:pack", "tests.core.imaging.hostile_packs:not_a_pack"])
def test_a_pack_that_does_not_load_stops_the_run_instead_of_blaming_pictures(entry):
    with (
        Sandbox(entry, SIZE, LIMITS) as sandbox,
        pytest.raises(ConfigError, match="does not start"),
    ):
        list(sandbox.samples(a_run(3)))


def test_a_pack_that_prepares_another_size_is_found_out_alike():
    incoming = a_run(2)

    with Sandbox("tests.core.imaging.hostile_packs:wrong_size", SIZE, LIMITS) as sandbox:
        samples = list(sandbox.samples(incoming))

    assert all("expected 64 x 64" in s.frame.message for s in samples)
    assert_same(samples, list(samples_in_process(wrong_size, SIZE, incoming, 10**8)))


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


def test_findings_travel_with_their_reason_and_every_character(sandbox):
    (sample,) = sandbox.samples(a_run(1))

    assert sample.frame.findings[-1].reason is Reason.WRONG_INPUT
    assert sample.frame.findings[-1].detail == "line one\nline two, “quoted”"


def test_the_parts_pack_reads_alike_in_both_ways():
    incoming = a_run(5)

    with Sandbox("domains.parts:pack", SIZE, LIMITS) as sandbox:
        samples = list(sandbox.samples(incoming))

    assert_same(samples, list(samples_in_process(parts, SIZE, incoming, 10**8)))

"""The sandbox gives what this process gives, and leaves nothing behind."""

import gc
import os
import subprocess
import sys
import threading
import time

import psutil
import pytest

from core.errors import ConfigError
from core.imaging.decoder import Decoder
from core.imaging.files import refuse_file, wrap_bytes
from core.imaging.sandbox import Sandbox, samples_in_process
from core.settings import MEBI, Settings
from core.types import Prepared, Reason, Unreadable
from domains.parts import pack as parts
from tests.core.imaging.hostile_packs import pack as hostile
from tests.core.imaging.hostile_packs import wrong_size
from tests.core.imaging.pictures import encoded, png_claiming, quadrants
from tests.core.imaging.sandbox.runs import (
    GOOD,
    HASTY,
    HOSTILE,
    LIMITS,
    SIZE,
    a_run,
    assert_same,
    children,
)


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


def test_findings_travel_with_their_reason_and_every_character(sandbox):
    (sample,) = sandbox.samples(a_run(1))

    assert sample.frame.findings[-1].reason is Reason.WRONG_INPUT
    assert sample.frame.findings[-1].detail == "line one\nline two, “quoted”"


def test_the_parts_pack_reads_alike_in_both_ways():
    incoming = a_run(5)

    with Sandbox("domains.parts:pack", SIZE, LIMITS) as sandbox:
        samples = list(sandbox.samples(incoming))

    assert_same(samples, list(samples_in_process(parts, SIZE, incoming, 10**8)))

"""A terminal that takes nothing, or is gone, holds no station up."""

from __future__ import annotations

import os
from functools import partial
from threading import Event
from time import monotonic

from domains.parts.station.cli.terminal import CLOSE_S, MOST_WAITING, Terminal


def test_lines_are_printed_in_their_order_and_to_the_end():
    lines: list[int] = []
    with Terminal() as terminal:
        for number in range(500):
            terminal.add(partial(lines.append, number))
    assert lines == list(range(500))


def test_a_pipe_that_nobody_reads_holds_nobody_up_and_is_bounded():
    reader, writer = os.pipe()
    began = monotonic()
    with Terminal() as terminal:
        for _ in range(MOST_WAITING + 5000):
            terminal.add(partial(os.write, writer, b"x" * 4096))
        assert terminal._waiting.qsize() <= MOST_WAITING
        assert terminal._thread.is_alive()
    # It waits for the end of what is printed, and not for ever: a second try would take minutes.
    assert monotonic() - began < 20 * CLOSE_S
    os.close(reader)


def test_a_pipe_that_is_gone_ends_nothing():
    reader, writer = os.pipe()
    os.close(reader)
    has_printed = Event()
    with Terminal() as terminal:
        terminal.add(partial(os.write, writer, b"x"))
        terminal.add(has_printed.set)
    os.close(writer)
    assert has_printed.is_set()

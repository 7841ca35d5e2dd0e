"""The bound on a frame's exposure holds for every camera and every reader, however it stalls."""

from __future__ import annotations

import math
from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domains.parts.station.capture.sources.exposure import Arrivals, arrive

INTERVAL = 0.04


def read_all(stalls, *, exposure=0.5, readout=0.9, latency=0.0, known=True, kept=4, delay=1e-5):
    """Let a reader with pauses read a camera; yields exposure and bound of each frame.

    Times are in intervals. The driver keeps ``kept`` frames and drops what comes beyond.
    """
    arrivals, now, queue, coming = Arrivals(), 0.0, deque(), 0
    for stall in stalls:
        now += stall
        began = now
        while _arrival(coming, exposure, readout, latency) <= now:
            if len(queue) < kept:
                queue.append(coming)
            coming += 1
        if queue:
            frame = queue.popleft()
            now += delay
        else:
            frame, now = coming, _arrival(coming, exposure, readout, latency) + delay
            coming += 1
        arrivals = arrive(
            arrivals,
            began * INTERVAL,
            now * INTERVAL,
            exposure_s=exposure * INTERVAL if known else None,
            latency_s=latency * INTERVAL,
        )
        yield frame * INTERVAL, arrivals.exposed_at, now * INTERVAL


def _arrival(frame, exposure, readout, latency):
    return frame + exposure + readout + latency


@given(
    stalls=st.lists(st.floats(0.01, 0.4) | st.floats(0, 12), min_size=5, max_size=120),
    exposure=st.floats(0.01, 1),
    readout=st.floats(0.01, 1),
    latency=st.floats(0, 5),
    known=st.booleans(),
    kept=st.integers(1, 8),
)
def test_no_frame_is_older_than_its_bound_says(stalls, exposure, readout, latency, known, kept):
    """While the interval is measured right: the reader keeps up on average."""
    last = -math.inf
    calm = [0.05] * 40
    read = read_all(
        [*calm, *stalls], exposure=exposure, readout=readout, latency=latency, known=known,
        kept=kept,
    )  # fmt: skip
    for exposed_at, bound, _ in read:
        assert bound <= exposed_at + 0.06 * INTERVAL
        assert bound >= last
        last = bound


@pytest.mark.parametrize(("known", "most"), [(True, 2.6), (False, 3.1)])
def test_a_reader_that_keeps_up_knows_within_three_intervals(known, most):
    read = list(read_all([0.1] * 60, known=known))
    for _, bound, now in read[10:]:
        assert now - bound < most * INTERVAL


def test_nothing_is_known_of_the_first_frames():
    assert [bound for _, bound, _ in read_all([0.1] * 3)] == [-math.inf] * 3
    assert math.isnan(Arrivals((1.0, 2.0)).interval_s)


def test_what_was_kept_back_while_the_reader_stalled_is_not_taken_for_new():
    read = list(read_all([0.1] * 40 + [6.0] + [0.001] * 4 + [0.1] * 10))
    stalled = read[40:44]
    assert {bound for _, bound, _ in stalled} == {read[39][1]}
    exposed_at, bound, now = read[-1]
    assert now - bound < 3 * INTERVAL
    assert bound <= exposed_at

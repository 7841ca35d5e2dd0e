"""No frame is judged for another trigger than its own."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domains.parts.station.capture.freshness import (
    LEAD_S,
    FrameHistory,
    check,
    check_missing,
)
from domains.parts.station.part import CapturedFrame, Trigger
from domains.parts.station.ports import NoFrame
from domains.parts.station.result import LineReason
from tests.domains.parts.station.fake_camera import FakeCamera, VirtualClock, counter_of

STALE, GAP = LineReason.FRAME_STALE, LineReason.FRAME_GAP
FROZEN, CLOCK = LineReason.FRAME_FROZEN, LineReason.CLOCK
UNUSABLE, NO_FRAME = LineReason.FRAMES_UNUSABLE, LineReason.NO_FRAME
PERIOD = 0.1


def a_frame(**changes) -> CapturedFrame:
    plain = CapturedFrame("camera", b"", 11, 100.01, 50.0, "digest", 20)
    return replace(plain, **changes)


def a_history(**changes) -> FrameHistory:
    return replace(FrameHistory(10, 5, 0, 49.9, 19, ("one", "two")), **changes)


def checked(frame, history=None, trigger=None, hardware=False, discard=3):
    trigger = Trigger(6, 100.0) if trigger is None else trigger
    history = a_history() if history is None else history
    return check(frame, trigger, history, hardware=hardware, discard=discard)


def reasons_of(*args, **kwargs):
    return checked(*args, **kwargs)[0]


@pytest.mark.parametrize("hardware", [False, True])
def test_the_next_frame_after_the_trigger_is_used(hardware):
    assert reasons_of(a_frame(), hardware=hardware) == ()


@pytest.mark.parametrize(
    ("frame", "hardware", "expected"),
    [
        (a_frame(exposed_at=99.999), False, (STALE,)),
        (a_frame(exposed_at=100.0), False, ()),
        (a_frame(exposed_at=math.nan), False, (STALE,)),
        (a_frame(counter=None, exposed_at=99.0), False, (STALE,)),
        (a_frame(counter=None), False, ()),
        (a_frame(counter=10), False, (STALE,)),
        (a_frame(counter=40), False, ()),  # a free camera counts on between two parts
        (a_frame(exposed_at=100 - LEAD_S + 1e-6), True, ()),
        (a_frame(exposed_at=100 - LEAD_S - 1e-6), True, (STALE,)),
        (a_frame(counter=12), True, (GAP,)),
        (a_frame(counter=10), True, (STALE,)),
        (a_frame(counter=None), True, (GAP,)),
        (a_frame(since_open=3), False, (STALE,)),
        (a_frame(since_open=4), False, ()),
        (a_frame(raw_sha256="one"), False, (FROZEN,)),
        (a_frame(raw_sha256="two"), True, (FROZEN,)),
        (a_frame(camera_time_s=49.89), False, (CLOCK,)),
        (a_frame(camera_time_s=math.nan), False, (CLOCK,)),
        (a_frame(camera_time_s=None), False, ()),
        (a_frame(exposed_at=1.0, raw_sha256="one", camera_time_s=1.0), False,
         (STALE, CLOCK, FROZEN)),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_frame_is_named(frame, hardware, expected):
    assert reasons_of(frame, hardware=hardware) == expected


def test_a_lost_trigger_moves_the_counter_that_is_expected():
    """Frame 7 did not come; at trigger 8 a frame 7 has the right step and is still refused."""
    history = a_history(counter=6, trigger=6)
    late = a_frame(counter=7, exposed_at=100.0)
    assert reasons_of(late, history, Trigger(8, 100.0), hardware=True) == (STALE,)
    assert reasons_of(late, history, Trigger(7, 100.0), hardware=True) == ()


def test_a_stale_frame_is_no_frame_to_count_from():
    """One behind stays one behind, however often it comes."""
    history = FrameHistory(6, 6, 0, None, 9, ())
    for number in (8, 9):
        frame = a_frame(counter=number - 1, raw_sha256=str(number), since_open=number + 10)
        reasons, history = checked(frame, history, Trigger(number, 100.0), hardware=True)
        assert STALE in reasons
    frame = a_frame(counter=10, raw_sha256="ten", since_open=30)
    assert reasons_of(frame, history, Trigger(10, 100.0), hardware=True) == ()


def test_a_camera_that_was_opened_again_counts_anew_but_has_to_prove_it():
    again = a_frame(counter=0, camera_time_s=0.0, since_open=4)
    reasons, history = checked(again, hardware=True)
    assert reasons == (GAP,)
    following = a_frame(counter=1, camera_time_s=0.1, since_open=5, raw_sha256="new")
    assert reasons_of(following, history, Trigger(7, 100.0), hardware=True) == ()
    assert reasons_of(again) == ()  # a free camera is known by the time of exposure
    assert reasons_of(replace(again, raw_sha256="two")) == (FROZEN,)


def test_a_frame_that_came_with_its_trigger_can_only_be_frozen():
    frame = a_frame(exposed_at=1.0, since_open=0, counter=None, camera_time_s=None)
    own = Trigger(6, 100.0, frames=(frame,))
    assert reasons_of(frame, trigger=own) == ()
    assert reasons_of(frame, a_history(digests=("digest",)), own) == (FROZEN,)
    assert reasons_of(replace(frame), trigger=own) == (STALE,)


def test_the_third_in_a_row_stops_the_line_and_a_good_one_ends_the_row():
    history = a_history()
    stale = [a_frame(exposed_at=1.0, raw_sha256=str(n), since_open=20 + n) for n in range(3)]
    earlier = []
    for frame in stale[:2]:
        reasons, history = checked(frame, history)
        earlier.append(reasons)
    reasons, history = check_missing(history)
    assert [*earlier, reasons] == [(STALE,), (STALE,), (NO_FRAME, UNUSABLE)]
    good = a_frame(since_open=40)
    reasons, history = checked(good, history)
    assert reasons == ()
    assert check_missing(history)[0] == (NO_FRAME,)


def test_the_first_frames_after_opening_are_refused_without_stopping_the_line():
    history = FrameHistory()
    for since_open in (1, 2, 3):
        frame = a_frame(counter=since_open, since_open=since_open, raw_sha256=str(since_open))
        reasons, history = checked(frame, history, Trigger(since_open, 100.0), hardware=True)
        assert reasons == ((STALE, GAP) if since_open == 1 else (STALE,))
    assert history.refused_in_a_row == 0


def run_of(frames, history, hardware=True, first=100):
    """Check frames as those of one trigger after the other; the history and all reasons."""
    found = []
    for number, (counter, digest) in enumerate(frames, start=first):
        frame = a_frame(counter=counter, raw_sha256=digest, since_open=number,
                        camera_time_s=float(number))  # fmt: skip
        reasons, history = checked(frame, history, Trigger(number, 100.0), hardware=hardware)
        found.append(reasons)
    return found


@pytest.mark.parametrize(("hardware", "first"), [(True, (GAP,)), (False, ())])
def test_a_counter_that_begins_anew_costs_one_part_at_most(hardware, first):
    """16-bit counters do so every 65,535 frames."""
    history = FrameHistory(65535, 99, 0, 49.9, 50, ())
    frames = [(counter, f"{counter}") for counter in (1, 2, 3)]
    assert run_of(frames, history, hardware) == [first, (), ()]


def test_an_offset_that_stays_stops_the_line_until_the_camera_is_opened_again():
    """A trigger without a pulse: every counter is one less than its trigger from then on."""
    history = FrameHistory(98, 98, 0, 49.9, 50, ())
    frames = [(counter, f"{counter}") for counter in range(99, 103)]
    stopped = (STALE, UNUSABLE)
    assert run_of(frames, history) == [(STALE,), (STALE,), stopped, stopped]
    frames = [(counter, f"{counter}") for counter in range(1, 5)]
    assert run_of(frames, history.reopened()) == [(GAP,), (), (), ()]


def test_a_driver_that_is_one_frame_behind_from_the_start_is_never_believed():
    """It gives each frame at the next trigger, and its exposure as if it had just come."""
    clock = VirtualClock()
    camera = FakeCamera(clock, transfer_s=0.0)
    for _ in range(3):
        camera.open()
        history = FrameHistory().reopened()
        reasons, history = check_missing(history)
        assert reasons == (NO_FRAME,)
        for part in range(2, 12):
            clock.sleep(PERIOD)
            camera.expose()
            frame = replace(camera.grab(0.0, 1.0), exposed_at=clock.now)
            trigger = Trigger(part, clock.now)
            reasons, history = check(frame, trigger, history, hardware=True, discard=0)
            assert GAP in reasons
            assert (UNUSABLE in reasons) == (part >= 3)


def test_what_precedes_the_first_frame_that_counts_is_counted_already():
    """Three frames of an electrical trigger are refused after opening; the fourth one is used."""
    history = FrameHistory()
    for number in range(1, 6):
        frame = a_frame(counter=number + 70, since_open=number, raw_sha256=str(number))
        reasons, history = checked(frame, history, Trigger(number, 100.0), hardware=True)
        assert (reasons == ()) == (number > 3)


numbers = st.integers(0, 40)
frames = st.builds(
    CapturedFrame,
    camera=st.just("camera"),
    data=st.just(b""),
    counter=st.none() | numbers,
    exposed_at=st.floats(90, 110) | st.just(math.nan),
    camera_time_s=st.none() | st.floats(0, 100),
    raw_sha256=st.sampled_from("abcdef"),
    since_open=st.integers(1, 40),
)
histories = st.builds(
    FrameHistory,
    counter=st.none() | numbers,
    trigger=st.none() | numbers,
    missing=st.integers(0, 2),
    camera_time_s=st.none() | st.floats(0, 100),
    since_open=numbers,
    digests=st.lists(st.sampled_from("abcdef"), max_size=2).map(tuple),
    refused_in_a_row=st.integers(0, 5),
)


@given(frames, histories, numbers, st.booleans(), st.integers(0, 5))
def test_a_frame_that_is_used_meets_every_condition(frame, history, number, hardware, discard):
    trigger = Trigger(number, 100.0)
    reasons, later = check(frame, trigger, history, hardware=hardware, discard=discard)
    assert later.digests[-1] == frame.raw_sha256
    assert len(later.digests) <= 2
    if reasons:
        assert later.refused_in_a_row in {history.refused_in_a_row, history.refused_in_a_row + 1}
        return
    assert later.refused_in_a_row == 0
    assert frame.exposed_at >= trigger.at - (LEAD_S if hardware else 0)
    assert frame.since_open > discard
    assert frame.raw_sha256 not in history.digests
    if hardware:
        assert frame.counter - history.counter == number - history.trigger
    is_same_opening = frame.since_open > history.since_open
    if is_same_opening and None not in (frame.camera_time_s, history.camera_time_s):
        assert frame.camera_time_s >= history.camera_time_s


@given(st.lists(st.sampled_from(["good", "stale", "frozen", "missing"]), max_size=20))
def test_the_line_stops_exactly_from_the_third_refusal_in_a_row(kinds):
    history, row = a_history(), 0
    for step, kind in enumerate(kinds):
        trigger = Trigger(10 + step, 100.0 + step)
        frame = a_frame(counter=100 + step, exposed_at=trigger.at, camera_time_s=60.0 + step,
                        raw_sha256=str(step), since_open=30 + step)  # fmt: skip
        if kind == "stale":
            frame = replace(frame, exposed_at=trigger.at - 1)
        if kind == "frozen":
            frame = replace(frame, raw_sha256=history.digests[-1])
        if kind == "missing":
            reasons, history = check_missing(history)
        else:
            reasons, history = checked(frame, history, trigger)
        row = 0 if kind == "good" else row + 1
        assert bool(reasons) == (kind != "good")
        assert (UNUSABLE in reasons) == (row >= 3)


@pytest.mark.parametrize("skips_old", [True, False])
@pytest.mark.parametrize("hardware", [True, False])
def test_one_tick_behind_never_reaches_a_verdict(skips_old, hardware):
    """basler/pypylon#729: every 7th frame comes 1.5 cycles late, and the next wait behind it.

    The camera gives its frames in order. Where it cannot skip old ones itself, an old frame is
    refused and the next one asked for while time is left. In no case is a frame used whose picture
    shows another counter than the trigger's; the part after each late one is right again.
    """
    clock = VirtualClock()
    camera = FakeCamera(clock, late_every=7, late_s=1.5 * PERIOD, skips_old=skips_old)
    camera.open()
    history, verdicts, stale, start = FrameHistory(), {}, [], clock.now + 1
    for part in range(1, 702):
        at = start + part * PERIOD
        clock.sleep(at - clock.now)
        trigger = Trigger(part, at, part_seq=part)
        assert camera.expose(at) == part
        verdicts[part], frame, history = _inspected(camera, trigger, history, hardware, stale)
        if not verdicts[part]:
            assert counter_of(frame) == part
    late = set(range(7, 702, 7))
    assert {part for part in range(5, 702) if not verdicts[part]} == set(range(5, 702)) - late
    assert {reason for part in late for reason in verdicts[part]} == {NO_FRAME}
    assert set(stale) - {1, 2, 3, 4} == (set() if skips_old else late)


def _inspected(camera, trigger, history, hardware, stale):
    """Grab within a cycle; an old frame is refused and the next one asked for."""
    until = trigger.at + 0.95 * PERIOD
    while True:
        try:
            frame = camera.grab(trigger.at, until - camera.clock.monotonic())
        except NoFrame:
            reasons, history = check_missing(history)
            return reasons, None, history
        reasons, history = check(frame, trigger, history, hardware=hardware, discard=3)
        if STALE not in reasons:
            return reasons, frame, history
        stale.append(counter_of(frame))

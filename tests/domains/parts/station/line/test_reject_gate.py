"""No part without a committed PASS leaves the gate, whatever comes in whatever order."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from domains.parts.station.line.reject_gate import (
    EjectCause,
    Ejected,
    LetThrough,
    RejectGate,
    Stopped,
    Unexpected,
)
from domains.parts.station.recipe import RejectOptions
from domains.parts.station.result import LineReason, LineResult

PASS, FAIL, STOP = LineResult.PASS, LineResult.FAIL, LineResult.STOP


def a_gate(by="encoder", distance=100.0, tolerance=5.0, backwards=3.0, confirm=False):
    return RejectGate(
        RejectOptions(
            by=by, distance=distance, tolerance=tolerance, backwards=backwards, confirm=confirm
        )
    )


def run(gate, *steps):
    """Call the gate's methods in turn and return all events."""
    return [event for name, *given in steps for event in getattr(gate, name)(*given)]


def test_a_part_with_a_committed_pass_is_let_through():
    gate = a_gate()
    assert run(gate, ("trigger", 1, 0), ("decide", 1, PASS), ("move", 94)) == []
    assert not gate.is_open
    assert run(gate, ("move", 95)) == []
    assert gate.is_open
    assert run(gate, ("move", 105)) == []
    assert gate.is_open
    assert run(gate, ("move", 106)) == [LetThrough(1)]
    assert not gate.is_open
    assert gate.tracked == ()


@pytest.mark.parametrize("result", [None, FAIL, STOP])
def test_whatever_is_no_pass_is_ejected_when_it_enters_the_window(result):
    gate = a_gate()
    steps = [("trigger", 1, 0)] + ([("decide", 1, result)] if result else [])
    assert run(gate, *steps, ("move", 94.9)) == []
    assert run(gate, ("move", 95)) == [Ejected(1, EjectCause.NOT_PASSED)]
    assert not gate.is_open
    assert run(gate, ("move", 106)) == []


def test_a_pass_that_comes_in_the_window_is_too_late():
    gate = a_gate()
    assert run(gate, ("trigger", 1, 0), ("move", 96), ("decide", 1, PASS)) == [
        Ejected(1, EjectCause.NOT_PASSED)
    ]
    assert not gate.is_open


def test_of_two_results_of_one_part_the_first_that_is_no_pass_holds():
    for results in ((PASS, FAIL), (FAIL, PASS)):
        gate = a_gate()
        decisions = [("decide", 1, result) for result in results]
        assert Ejected(1, EjectCause.NOT_PASSED) in run(
            gate, ("trigger", 1, 0), *decisions, ("move", 95)
        )


def test_a_part_that_fails_while_it_is_in_the_window_is_ejected_still():
    gate = a_gate()
    run(gate, ("trigger", 1, 0), ("decide", 1, PASS), ("move", 96))
    assert run(gate, ("decide", 1, FAIL)) == [Ejected(1, EjectCause.NOT_PASSED)]
    assert not gate.is_open
    assert run(gate, ("move", 106)) == []


def test_two_parts_in_one_window_are_both_rejected():
    gate = a_gate()
    events = run(
        gate,
        *[("trigger", 1, 0), ("trigger", 2, 10), ("trigger", 3, 20.1)],
        *[("decide", number, PASS) for number in (1, 2, 3)],
        *[("move", position) for position in range(21, 130)],
    )
    assert events == [
        Ejected(1, EjectCause.TWO_PARTS),
        Ejected(2, EjectCause.TWO_PARTS),
        LetThrough(3),
    ]


def test_a_part_that_was_let_into_the_window_is_rejected_when_another_follows_too_near():
    """The gate is nearer to the camera than two windows: the second trigger comes afterwards."""
    gate = a_gate(distance=10, tolerance=6)
    assert run(gate, ("trigger", 1, 0), ("decide", 1, PASS), ("move", 5)) == []
    assert gate.is_open
    assert run(gate, ("trigger", 2, 11)) == [Ejected(1, EjectCause.TWO_PARTS)]
    assert not gate.is_open


def test_backward_counts_are_absorbed_up_to_the_watermark():
    gate = a_gate()
    run(gate, ("trigger", 1, 0), ("decide", 1, PASS), ("move", 95), ("move", 92))
    assert gate.stop is None
    assert run(gate, ("move", 91.9)) == [
        Ejected(1, EjectCause.TRACKING_LOST),
        Stopped(LineReason.ENCODER_BACKWARDS),
    ]
    assert gate.is_rejecting_all
    assert run(gate, ("move", 91)) == []  # reported once


def test_a_part_ejected_once_is_not_ejected_again_when_the_belt_goes_back_and_forth():
    gate = a_gate()
    events = run(gate, ("trigger", 1, 0), *[("move", at) for at in (95, 94, 93, 95, 99, 97, 106)])
    assert events == [Ejected(1, EjectCause.NOT_PASSED)]


def test_after_a_stop_everything_is_rejected_until_it_is_cleared_and_what_is_on_the_way_after():
    gate = a_gate()
    run(gate, ("trigger", 1, 0), ("decide", 1, PASS), ("move", 50), ("move", 40))
    run(gate, ("trigger", 2, 60), ("decide", 2, PASS))
    gate.clear()
    assert gate.stop is None
    run(gate, ("trigger", 3, 80), ("decide", 3, PASS))
    events = run(gate, *[("move", at) for at in range(81, 200)])
    assert events == [
        Ejected(1, EjectCause.TRACKING_LOST),
        Ejected(2, EjectCause.TRACKING_LOST),
        LetThrough(3),
    ]


def test_a_reject_that_is_not_confirmed_stops_the_line():
    gate = a_gate(confirm=True)
    run(gate, ("trigger", 7, 0), ("move", 95))
    assert run(gate, ("move", 105)) == []
    assert run(gate, ("move", 105.1)) == [Stopped(LineReason.REJECT_NOT_CONFIRMED, 7)]
    confirmed = a_gate(confirm=True)
    events = run(confirmed, ("trigger", 7, 0), ("move", 95), ("confirm",), ("move", 106))
    assert events == [Ejected(7, EjectCause.NOT_PASSED)]


def test_a_confirmation_without_a_reject_is_counted():
    gate = a_gate(confirm=True)
    run(gate, ("trigger", 1, 0), ("decide", 1, PASS), ("move", 96))
    assert run(gate, ("confirm",), ("confirm",)) == [Unexpected(1), Unexpected(2)]
    assert gate.unexpected == 2
    assert gate.stop is None


def test_a_reject_whose_window_went_by_unseen_stops_the_line():
    gate = a_gate()
    assert run(gate, ("trigger", 1, 0), ("move", 300)) == [
        Ejected(1, EjectCause.NOT_PASSED),
        Stopped(LineReason.REJECT_NOT_CONFIRMED, 1),
    ]


def test_parts_that_come_while_the_encoder_stands_stop_the_line():
    """A dead encoder would never bring a part to the gate, so nothing would be rejected."""
    gate = a_gate()
    run(gate, ("trigger", 1, 50), ("trigger", 2, 50))
    assert gate.stop is None
    assert Stopped(LineReason.ENCODER_STILL) in run(gate, ("trigger", 3, 50))
    assert gate.is_rejecting_all


def test_with_timed_tracking_a_belt_stop_rejects_everything_between_camera_and_gate():
    gate = a_gate(by="time", backwards=0)
    run(gate, ("trigger", 1, 0), ("decide", 1, PASS), ("trigger", 2, 40), ("decide", 2, PASS))
    assert run(gate, ("stop_belt", 60)) == [
        Ejected(1, EjectCause.BELT_STOPPED),
        Ejected(2, EjectCause.BELT_STOPPED),
    ]
    assert gate.is_rejecting_all
    assert run(gate, ("move", 500), ("start_belt", 1000)) == []
    # What lay before the camera at the restart is rejected too; what comes behind it is judged.
    run(gate, ("trigger", 3, 1008), ("decide", 3, PASS), ("trigger", 4, 1019), ("move", 1105))
    assert gate.is_rejecting_all
    run(gate, ("decide", 4, PASS), ("trigger", 5, 1106), ("decide", 5, PASS))
    assert not gate.is_rejecting_all
    assert run(gate, *[("move", at) for at in range(1107, 1230)]) == [LetThrough(4), LetThrough(5)]


def test_what_was_noted_late_moves_a_timed_gate_neither_back_nor_to_a_stop():
    gate = a_gate(by="time", backwards=0)
    run(gate, ("trigger", 1, 0), ("decide", 1, PASS), ("move", 96))
    assert run(gate, ("move", 40), ("trigger", 2, 60)) == []
    assert (gate.stop, gate.is_open) == (None, True)
    assert run(gate, ("move", 155), ("move", 166)) == [
        LetThrough(1),
        Ejected(2, EjectCause.NOT_PASSED),
    ]


def test_parts_rejected_by_a_belt_stop_are_confirmed_once_the_belt_has_run_clear():
    gate = a_gate(by="time", backwards=0, confirm=True)
    run(gate, ("trigger", 1, 0), ("trigger", 2, 40), ("stop_belt", 60), ("start_belt", 1000))
    assert run(gate, ("confirm",), ("move", 1105)) == []
    assert run(gate, ("move", 1106)) == [Stopped(LineReason.REJECT_NOT_CONFIRMED, 2)]


def test_with_an_encoder_a_belt_stop_changes_nothing():
    gate = a_gate()
    run(gate, ("trigger", 1, 0), ("decide", 1, PASS))
    assert run(gate, ("stop_belt", 60), ("start_belt", 60)) == []
    assert run(gate, ("move", 96), ("move", 106)) == [LetThrough(1)]


def test_a_number_is_followed_once_and_a_window_begins_behind_the_camera():
    gate = a_gate()
    gate.trigger(1, 0)
    with pytest.raises(ValueError, match="got 1 again"):
        gate.trigger(1, 20)
    assert run(gate, ("decide", 99, PASS)) == []
    with pytest.raises(ValidationError, match="less than the distance"):
        RejectOptions(distance=5, tolerance=5)


# What may come: the belt goes on or (within or beyond the watermark) back, a part is triggered, a
# result is committed for one of the last parts, something is confirmed, belts stop and start.
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("move"), st.floats(-6, 12, width=16)),
        st.tuples(st.just("jump"), st.floats(0, 90, width=16)),
        st.tuples(st.just("trigger"), st.just(0)),
        st.tuples(st.just("decide"), st.integers(0, 4), st.sampled_from(list(LineResult))),
        st.tuples(st.just("confirm")),
        st.tuples(st.sampled_from(["stop_belt", "start_belt", "clear"])),
    ),
    max_size=80,
)


class _Belt:
    """The belt as it is: where parts lie, and what was done about each."""

    def __init__(self, gate: RejectGate, options: RejectOptions) -> None:
        self.gate, self.options = gate, options
        self.position, self.count = 0.0, 0
        self.at: dict[int, float] = {}
        self.passed: dict[int, bool] = {}
        self.outcome: dict[int, str] = {}
        self.is_stopped = False

    def do(self, step) -> None:
        name, *given = step
        if name in ("move", "jump"):
            if self.options.by == "time":
                given[0] = abs(given[0])
            self.position += given[0]
            self.note(self.gate.move(self.position))
        elif name == "trigger":
            self.count += 1
            self.at[self.count] = self.position
            self.note(self.gate.trigger(self.count, self.position))
        elif name == "decide" and self.count > given[0]:
            number = self.count - given[0]
            is_pass = given[1] is PASS
            self.passed[number] = self.passed.get(number, True) and is_pass
            self.note(self.gate.decide(number, given[1]))
        elif name == "confirm":
            self.note(self.gate.confirm())
        elif name == "clear":
            self.gate.clear()
        elif name in ("stop_belt", "start_belt"):
            self.note(getattr(self.gate, name)(self.position))
        self.check()

    def note(self, events) -> None:
        for event in events:
            if isinstance(event, Ejected | LetThrough):
                assert event.number not in self.outcome  # exactly one outcome
                self.outcome[event.number] = type(event).__name__
            if isinstance(event, LetThrough):
                assert self.passed.get(event.number) is True

    def check(self) -> None:
        near, far = (self.options.distance + sign * self.options.tolerance for sign in (-1, 1))
        inside = [
            number
            for number, at in self.at.items()
            if near <= self.position - at <= far and self.outcome.get(number) != "Ejected"
        ]
        if self.gate.is_open:
            assert all(self.passed.get(number) is True for number in inside)
            assert self.gate.stop is None
        if self.options.by == "encoder":
            for number, at in self.at.items():
                if self.position - at > far:  # gone by: what was done about it?
                    assert number in self.outcome


@pytest.mark.parametrize("by", ["encoder", "time"])
@settings(max_examples=150, deadline=None)
@given(
    steps=STEPS,
    distance=st.sampled_from([11.0, 25.0, 60.0]),
    tolerance=st.sampled_from([2.0, 5.0, 10.0]),
    confirm=st.booleans(),
)
def test_no_part_without_a_committed_pass_leaves_the_gate(by, steps, distance, tolerance, confirm):
    options = RejectOptions(
        by=by, distance=distance, tolerance=tolerance, backwards=3, confirm=confirm
    )
    belt = _Belt(RejectGate(options), options)
    for step in steps:
        belt.do(step)
    # In the end the belt runs clear, in steps that no part can be missed by.
    belt.do(("start_belt",))
    while belt.gate.tracked:
        belt.do(("move", 1.0))
    # Every part had its outcome, and `note` saw a PASS on record at each that was let through.
    assert set(belt.outcome) == set(belt.at)


@settings(max_examples=100, deadline=None)
@given(results=st.lists(st.sampled_from([*LineResult, None]), min_size=1, max_size=25))
def test_a_line_without_faults_rejects_what_failed_and_nothing_else(results):
    gate = a_gate(confirm=True)
    ejected, through = [], []
    for position in range(len(results) * 20 + 120):
        number, is_due = divmod(position, 20)
        events = ()
        if not is_due and number < len(results):
            events += gate.trigger(number, position)
        if is_due == 3 and number < len(results) and results[number]:
            events += gate.decide(number, results[number])
        events += gate.move(position)
        ejected += [event.number for event in events if isinstance(event, Ejected)]
        through += [event.number for event in events if isinstance(event, LetThrough)]
        for event in events:
            assert not isinstance(event, Stopped)
            if isinstance(event, Ejected):
                assert gate.confirm() == ()
    assert ejected == [number for number, result in enumerate(results) if result is not PASS]
    assert through == [number for number, result in enumerate(results) if result is PASS]

"""Handing results over: bounded, in order, and what is late is left to the outbox."""

from __future__ import annotations

import threading

import pytest

from domains.parts.station.outputs import sender
from domains.parts.station.outputs.sender import ResultSender
from domains.parts.station.ports import OutputError
from tests.domains.parts.station.inspected import wait_for


class SlowReceiver:
    """Takes what it is given once it is let go."""

    def __init__(self) -> None:
        self.goes_on = threading.Event()
        self.taken: list[str] = []
        self.problem = ""

    def deliver(self, messages) -> None:
        self.goes_on.wait(60)
        if self.problem:
            raise OutputError(self.problem)
        self.taken += [one["id"] for one in messages]


@pytest.fixture
def receiver():
    it = SlowReceiver()
    yield it
    it.goes_on.set()


@pytest.fixture
def sending(receiver):
    it = ResultSender("parts.test", receiver.deliver)
    it.start()
    yield it
    receiver.goes_on.set()
    it.stop(20)


def hand_over(sending, first, count):
    for number in range(first, first + count):
        sending.hand_over({"id": str(number)})


def test_what_waits_is_bounded_and_what_comes_on_top_is_left_to_the_outbox(sending, receiver):
    hand_over(sending, 0, 1)
    wait_for(lambda: not sending._waiting, "the first one")
    hand_over(sending, 1, sender.QUEUE + 50)
    receiver.goes_on.set()
    wait_for(lambda: not sending._waiting, "the rest")
    wait_for(lambda: len(receiver.taken) == sender.QUEUE + 1, "every one")
    assert receiver.taken == [str(number) for number in range(sender.QUEUE + 1)]


def test_what_has_waited_too_long_is_left_to_the_outbox(sending, receiver, monkeypatch):
    hand_over(sending, 0, 1)
    wait_for(lambda: not sending._waiting, "the first one")
    hand_over(sending, 1, 5)
    monkeypatch.setattr(sender, "LIVE_S", 0.0)
    receiver.goes_on.set()
    wait_for(lambda: not sending._waiting, "the rest")
    monkeypatch.setattr(sender, "LIVE_S", 60.0)
    hand_over(sending, 6, 1)
    wait_for(lambda: "6" in receiver.taken, "the last one")
    assert receiver.taken == ["0", "6"]
    assert sending.confirmed() == ("0", "6")


def test_one_failure_confirms_nothing_and_holds_nothing_up(sending, receiver):
    receiver.problem = "The shelf is full."
    hand_over(sending, 0, 1)
    receiver.goes_on.set()
    wait_for(lambda: sending.problem == "The shelf is full.", "the problem")
    receiver.problem = ""
    hand_over(sending, 1, 1)
    wait_for(lambda: not sending.problem, "its end")
    assert sending.confirmed() == ("1",)
    assert sending.confirmed() == ()

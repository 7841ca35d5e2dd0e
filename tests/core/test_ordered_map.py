"""The ordered map: order, laziness, errors at their turn, and calls that never return."""

import itertools
import threading
import time

import pytest

from core.errors import InferenceStalled
from core.ordered_map import AHEAD, THREAD_NAME, ordered_map, threaded_map


def refuse(_item, exc):
    raise exc


def watched(work, items, workers):
    return ordered_map(work, items, workers=workers, timeout_s=10, stalled=refuse)


def plain(work, items, workers):
    return threaded_map(work, items, workers=workers)


both = pytest.mark.parametrize("mapped", [watched, plain])


@both
def test_answers_come_in_the_items_order_however_long_each_takes(mapped):
    def work(n):
        time.sleep(0.002 * (n % 3))
        return n * n

    assert list(mapped(work, range(40), 4)) == [n * n for n in range(40)]


@both
def test_endless_items_are_drawn_only_a_few_ahead(mapped):
    drawn = itertools.count()
    answers = mapped(lambda n: n, drawn, 2)
    assert [next(answers) for _ in range(10)] == list(range(10))
    answers.close()
    assert next(drawn) <= 10 + AHEAD * 2 + 1


@both
def test_an_error_is_raised_at_its_items_turn(mapped):
    def work(n):
        if n == 3:
            raise ValueError("three")
        return n

    answers = mapped(work, range(6), 2)
    assert [next(answers) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="three"):
        next(answers)


def test_a_call_that_never_returns_costs_its_own_item_only():
    forever = threading.Event()

    def work(n):
        if n in (1, 4):
            forever.wait()
        return n

    errors = []

    def stalled(item, exc):
        errors.append(exc)
        return -item

    answers = ordered_map(work, range(8), workers=1, timeout_s=0.3, stalled=stalled)
    assert list(answers) == [0, -1, 2, 3, -4, 5, 6, 7]
    assert all(isinstance(exc, InferenceStalled) for exc in errors)
    forever.set()


def workers_alive():
    return [thread for thread in threading.enumerate() if thread.name == THREAD_NAME]


def test_no_thread_is_inside_a_call_once_the_answers_are_given_up():
    begun = threading.Semaphore(0)

    def work(n):
        begun.release()
        time.sleep(0.05)
        return n

    answers = ordered_map(work, itertools.count(), workers=3, timeout_s=10, stalled=refuse)
    next(answers)
    answers.close()

    assert workers_alive() == []
    assert begun._value < 3 * AHEAD


def test_giving_up_does_not_wait_for_a_call_that_hangs(monkeypatch):
    # Waiting for it would now take longer than any test may.
    monkeypatch.setattr("core.ordered_map._END_S", 1e6)
    forever = threading.Event()
    answers = ordered_map(
        lambda n: forever.wait() if n == 0 else n,
        range(3),
        workers=1,
        timeout_s=0.1,
        stalled=lambda item, _exc: -1,
    )

    assert list(answers) == [-1, 1, 2]

    assert len(workers_alive()) == 1
    forever.set()
    workers_alive()[0].join()

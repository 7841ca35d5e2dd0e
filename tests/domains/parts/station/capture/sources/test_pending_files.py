"""When a file of a watched folder counts as complete."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from domains.parts.station.capture.sources.pending_files import PATIENCE_S, FileState, PendingFiles

SETTLE = 0.2
YEAR_NS = 365 * 86400 * 10**9


def a_file(name="a.jpg", mtime_ns=1000, size=5) -> FileState:
    return FileState(mtime_ns, name, size)


def names(pending, now):
    found = []
    while (file := pending.pop(now)) is not None:
        found.append(file.state.name)
    return found


def test_a_file_that_was_closed_or_renamed_is_complete_at_once():
    pending = PendingFiles(SETTLE)
    pending.note(a_file(), 10.0, "touched")
    assert names(pending, 10.0) == []
    pending.note(a_file(), 10.3, "complete")
    assert names(pending, 10.3) == ["a.jpg"]
    assert len(pending) == 0


def test_a_file_found_by_listing_has_to_stand_still_first():
    pending = PendingFiles(SETTLE)
    pending.note(a_file(), 10.0, "found")
    pending.note(a_file(size=6), 10.15, "found")  # it grew
    assert pending.next_due_at() == 10.15 + SETTLE
    assert names(pending, 10.15 + SETTLE - 1e-6) == []
    pending.note(a_file(size=6), 10.3, "found")  # it did not
    assert names(pending, 10.15 + SETTLE) == ["a.jpg"]


def test_a_file_whose_writer_was_seen_waits_for_its_end_or_two_seconds():
    pending = PendingFiles(SETTLE)
    pending.note(a_file(), 10.0, "touched")
    pending.note(a_file(size=9), 10.5, "found")
    assert names(pending, 10.5 + SETTLE + PATIENCE_S - 1e-6) == []
    assert names(pending, 10.5 + SETTLE + PATIENCE_S) == ["a.jpg"]


def test_a_file_that_was_closed_is_held_again_while_somebody_goes_on_writing():
    pending = PendingFiles(SETTLE)
    pending.note(a_file(), 10.0, "complete")
    pending.note(a_file(size=9), 10.1, "touched")
    assert names(pending, 10.2) == []
    pending.note(a_file(size=10), 10.3, "complete")
    assert names(pending, 10.3) == ["a.jpg"]


def test_a_file_that_does_not_decode_is_tried_again_when_it_changes_or_at_the_end():
    pending = PendingFiles(SETTLE)
    pending.note(a_file(), 10.0, "complete")
    file = pending.pop(10.0)
    assert not pending.is_given_up(file, 10.0)
    pending.put_back(file)
    pending.note(a_file(), 10.1, "complete")  # announced once more, unchanged
    assert names(pending, 10.1) == []
    pending.note(a_file(size=9), 10.5, "complete")
    assert names(pending, 10.5) == ["a.jpg"]
    pending.put_back(file)
    last = pending.pop(10.0 + SETTLE + PATIENCE_S)
    assert pending.is_given_up(last, 10.0 + SETTLE + PATIENCE_S)


def test_what_is_newer_is_not_overwritten_by_what_did_not_decode():
    pending = PendingFiles(SETTLE)
    pending.note(a_file(), 10.0, "complete")
    file = pending.pop(10.0)
    pending.note(a_file(size=9), 10.1, "complete")
    pending.put_back(file)
    assert names(pending, 10.1) == ["a.jpg"]


def test_ten_thousand_files_at_once_come_by_time_and_name():
    states = [a_file(f"{n % 7}-{n}.jpg", mtime_ns=n // 3) for n in range(10_000)]
    pending = PendingFiles(SETTLE)
    for state in reversed(states):
        pending.note(state, 5.0, "complete")
    assert names(pending, 5.0) == [state.name for state in sorted(states)]


def test_time_stamps_of_the_future_or_the_past_hold_nothing_up():
    pending = PendingFiles(SETTLE)
    pending.note(a_file("later.jpg", 2**62), 5.0, "found")
    pending.note(a_file("earlier.jpg", -YEAR_NS), 5.0, "found")
    pending.note(a_file("back.jpg", 2**62), 5.0, "found")
    pending.note(a_file("back.jpg", 7), 5.1, "found")
    assert names(pending, 5.25) == ["earlier.jpg", "later.jpg"]
    assert names(pending, 5.3) == ["back.jpg"]


notices = st.tuples(
    st.sampled_from("abcd"), st.integers(0, 3), st.sampled_from(["found", "touched", "complete"])
)


@given(st.lists(notices, max_size=40), st.floats(0, 1))
def test_every_file_comes_once_and_none_before_it_stood_still_or_was_closed(steps, pause):
    pending, now, last, came = PendingFiles(SETTLE), 0.0, {}, []
    for name, size, notice in steps:
        now += pause
        state = a_file(name, size=size)
        if name not in last or last[name][0] != state:
            last[name] = (state, now, notice)
        pending.note(state, now, notice)
        while (file := pending.pop(now)) is not None:
            came.append(file.state.name)
            known, changed_at, _ = last.pop(file.state.name)
            assert file.state == known
            assert notice == "complete" or now >= changed_at + SETTLE
    end = now + SETTLE + PATIENCE_S
    rest = names(pending, end)
    assert sorted(rest) == sorted(last)
    assert len(pending) == 0


def test_a_file_that_is_gone_is_held_no_longer():
    pending = PendingFiles(SETTLE)
    pending.note(a_file(), 1.0, "complete")
    pending.note(replace(a_file(), name="b.jpg"), 1.0, "found")
    pending.forget("a.jpg")
    pending.forget("b.jpg")
    assert (names(pending, 9.0), pending.next_due_at()) == ([], None)

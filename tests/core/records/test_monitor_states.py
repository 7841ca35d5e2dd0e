"""One of several monitors of a store carries a state on; the others begin again from it."""

from __future__ import annotations

from datetime import UTC, datetime

from core.records.connection import reading
from core.records.monitor_states import keep_state, read_state
from core.records.monitored import WatchedRows

ROWS = WatchedRows(
    "parts", "", frozenset(), "b" * 64, "policy-1", datetime(2026, 6, 15, tzinfo=UTC)
)


def test_a_state_is_kept_in_the_place_of_the_one_that_was_read_alone(store):
    def kept():
        with reading(store) as connection:
            return read_state(connection, "epoch")

    assert kept() is None
    assert keep_state(store, "epoch", ROWS, "1", None)
    assert not keep_state(store, "epoch", ROWS, "2", None)
    assert kept() == "1"
    assert keep_state(store, "epoch", ROWS, "2", "1")
    assert not keep_state(store, "epoch", ROWS, "3", "1")
    assert kept() == "2"

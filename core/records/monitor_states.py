"""Where the tests of each policy stand, kept as JSON beside the rows that they follow."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select, update

from core.records.connection import Store, writing
from core.records.monitored import WatchedRows
from core.records.tables import MONITOR_STATES


def read_state(connection: Connection, state_id: str) -> str | None:
    """Return a state as it was kept, as JSON; None where there is none yet."""
    query = select(MONITOR_STATES.c.body).where(MONITOR_STATES.c.id == state_id)
    return connection.scalar(query)


def keep_state(
    store: Store, state_id: str, rows: WatchedRows, body: str, before: str | None
) -> bool:
    """Return whether a state was kept: not where another one took the place of the one before.

    The disk is not waited for: a state that a power cut takes is worked out anew from the rows.
    While it is written nobody else can write, so all that takes time was done before.

    Args:
        store: The store.
        state_id: The deployment since which the policy is in force.
        rows: Whose it is.
        body: The state, as JSON.
        before: As it was read.

    Raises:
        StoreError: The database failed.
    """
    states = MONITOR_STATES.c
    with writing(store, is_durable=False) as connection:
        if before is not None:
            change = update(MONITOR_STATES).where(states.id == state_id, states.body == before)
            return bool(connection.execute(change.values(body=body)).rowcount)
        if read_state(connection, state_id) is not None:
            return False
        row = {"id": state_id, "pack": rows.pack, "product": rows.product, "body": body}
        connection.execute(insert(MONITOR_STATES), row)
        return True

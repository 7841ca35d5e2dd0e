"""The reading side of the audit log: the walk that checks the store, and the export.

What no log can find from within: cutting off its newest events together with their rows, and a
whole history made up anew. Note `head` outside (on paper, in another system) and give it to
`verify`: then both are found back to the noted event.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import TextIO

from core.records.audit_caches import compare_caches
from core.records.audit_index import AuditIndex
from core.records.audit_tables import COVERED, AuditTables, Watch
from core.records.connection import Store, reading
from core.records.hash_chain import GENESIS, Head, canonical, link, newest
from core.records.tables import AUDIT_EVENTS, RowLike

_EVENTS = 32
"""Events read at a time: one that covers a large batch is long."""


@dataclass(frozen=True, slots=True)
class AuditFault:
    """One thing that is not as it was written.

    Attributes:
        kind: ``event edited``, ``event missing``, ``head differs``, ``row edited``,
            ``row missing``, ``row added``, ``row covered again`` (rows are never changed: the first
            hash holds), ``case status differs``, ``case count differs``,
            ``read status differs`` or ``search differs``.
        subject: The table, and the event's number (``5 to 9`` for a gap) or the row's id.
    """

    kind: str
    subject: str


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What a walk over the whole log found.

    Attributes:
        events: Events walked.
        rows: Rows that the events cover.
        head: The newest event.
        faults: Everything that is wrong; empty when nothing is.
    """

    events: int
    rows: int
    head: Head
    faults: tuple[AuditFault, ...]


def head(store: Store) -> Head:
    """Return the newest event, to be noted outside the store.

    Raises:
        StoreError: The database failed.
    """
    with reading(store) as connection:
        return newest(connection)


def verify(store: Store, *noted: Head, watch: Watch | None = None) -> AuditReport:
    """Return what differs between the chain of the log and the rows that it covers.

    Finds edited and removed events, edited, removed and slipped-in rows, and a worklist that does
    not follow from the rows.

    Args:
        store: The store.
        *noted: Heads noted outside earlier; find a cut-off tail and a history made up anew.
        watch: Called every few hundred rows with how many of how many have been read.

    Raises:
        StoreError: The database failed.
    """
    with reading(store) as connection, closing(AuditIndex()) as index:
        tables = AuditTables(connection, watch)
        events, faults = _walk(tables, index, noted)
        for table in COVERED:
            for rows in tables.batches(table):
                index.add_rows(table, rows)
        differences = [AuditFault(*one) for one in index.different_rows()]
        again = sum(fault.kind == "row covered again" for fault in differences)
        faults += differences
        faults += [AuditFault(*one) for one in compare_caches(tables, connection, index)]
        return AuditReport(events, index.covered - again, newest(connection), tuple(faults))


def export(store: Store, file: TextIO) -> int:
    """Return the number of events, written as one JSON object a line, oldest first.

    Raises:
        StoreError: The database failed.
    """
    count = 0
    with reading(store) as connection:
        for events in AuditTables(connection).batches(AUDIT_EVENTS, _EVENTS):
            file.writelines(canonical(dict(event)) + "\n" for event in events)
            count += len(events)
    return count


def _walk(
    tables: AuditTables, index: AuditIndex, noted: Sequence[Head]
) -> tuple[int, list[AuditFault]]:
    faults: list[AuditFault] = []
    pinned = {one.seq for one in noted}
    hashes = {0: GENESIS}
    events, last = 0, Head(0, GENESIS)
    for batch in tables.batches(AUDIT_EVENTS, _EVENTS):
        for event in batch:
            faults += _check(event, last)
            index.add_event(event)
            last = Head(event["seq"], event["hash"])
            if last.seq in pinned:
                hashes[last.seq] = last.hash
        events += len(batch)
    for one in noted:
        if hashes.get(one.seq) != one.hash:
            faults.append(AuditFault("head differs", f"audit_events {one.seq}"))
    return events, faults


def _check(event: RowLike, last: Head) -> Iterator[AuditFault]:
    seq = event["seq"]
    if seq > last.seq + 1:
        # One line for a gap: a number made up may leave billions out.
        until = f" to {seq - 1}" if seq > last.seq + 2 else ""
        yield AuditFault("event missing", f"audit_events {last.seq + 1}{until}")
    if event["hash"] != link(event["previous"], event):
        yield AuditFault("event edited", f"audit_events {seq}")
    elif seq == last.seq + 1 and event["previous"] != last.hash:
        # The one before was changed and hashed anew; before the first there is none.
        yield AuditFault("event edited", f"audit_events {last.seq or seq}")

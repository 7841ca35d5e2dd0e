"""A part of the audit log as CSV or PDF, with the anchors that pin it.

The same events, anchors and names give the same bytes.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from core.people import Person, Role
from core.records.audit_search import AuditEvent, AuditQuery, iterate_events, rows_written
from core.records.connection import Store
from core.records.people import names_of
from core.service.anchors import Anchor, AnchorStatus, anchor_file, check_anchors, read_anchors
from core.service.audit_text import describe_counts, describe_row, packs_about
from core.service.progress import Progress, silent
from core.settings import Settings
from core.spreadsheet import escape_formula

MOST_CSV, MOST_PDF = 100_000, 2_000
_COLUMNS = (
    "number", "time", "person", "person id", "action", "subject", "cases", "written", "hash",
    "previous hash", "anchored",
)  # fmt: skip
_ROWS_DESCRIBED = 3


@dataclass(frozen=True)
class AuditExport:
    """Events with what is needed to read them.

    Attributes:
        events: Newest first.
        is_cut: Whether there are more than were taken.
        names: Names of the people by their ids.
        sentences: What each event wrote, by its number, for the first few rows of each table.
        anchors: Anchors that the log contains, by the number of their event.
        status: How the log compares with its anchors; None where no file is set.
    """

    events: Sequence[AuditEvent]
    is_cut: bool
    names: Mapping[str, str]
    sentences: Mapping[int, Sequence[str]]
    anchors: Mapping[int, Anchor]
    status: AnchorStatus | None


def collect_events(
    store: Store,
    settings: Settings,
    query: AuditQuery,
    *,
    by: Person,
    most: int,
    progress: Progress = silent,
) -> AuditExport:
    """Return events for an export.

    Args:
        store: The store.
        settings: Where the anchors are.
        query: Which events.
        by: Who asks.
        most: At most so many.
        progress: Called with how far it is.

    Raises:
        PermissionDenied: The person may not read the audit log.
        StoreError: The database failed.
        ConfigError: The anchors cannot be read.
    """
    by.require(Role.LEAD, "export the audit log")
    found = list(iterate_events(store, query, most + 1))
    events = found[:most]
    names = names_of(store, {one.actor for one in events})
    file = anchor_file(settings)
    anchors = {one.head.seq: one for one in (read_anchors(file) if file else ())}
    sentences = {}
    for done, one in enumerate(events, 1):
        if most <= MOST_PDF:
            sentences[one.seq] = list(_sentences(store, one, names))
        progress("Collecting events", done, len(events))
    return AuditExport(
        events=events,
        is_cut=len(found) > most,
        names=names,
        sentences=sentences,
        anchors={
            one.seq: anchors[one.seq]
            for one in events
            if one.seq in anchors and anchors[one.seq].head.hash == one.hash
        },
        status=check_anchors(store, file) if file else None,
    )


def to_csv(export: AuditExport) -> bytes:
    """Return the events as CSV, in UTF-8 with the mark that spreadsheets look for."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(_COLUMNS)
    for one in export.events:
        cells = (
            one.at,
            export.names.get(one.actor, one.actor),
            one.actor,
            one.action,
            one.subject,
            " ".join(one.cases),
            describe_counts(one),
            one.hash,
            one.previous,
            _anchored(export, one),
        )
        table.writerow([one.seq, *map(escape_formula, cells)])
    return text.getvalue().encode("utf-8-sig")


def to_pdf(export: AuditExport, query: AuditQuery) -> bytes:
    """Return the events as a PDF with the anchors, the same bytes for the same events."""
    from core.service.audit_pdf import write_pdf

    return write_pdf(
        "Audit log",
        [*_describe_query(query, export), *describe_anchors(export.status)],
        _COLUMNS_PDF,
        [_cells(export, one) for one in export.events],
    )


def describe_anchors(status: AnchorStatus | None) -> list[str]:
    """Return how the log compares with its anchors, as sentences."""
    if status is None:
        return [
            "No anchor file is set, so nothing outside the database says that the log was not "
            "made up anew. Set ASSAY_ANCHOR_FILE to a file that the store's keeper cannot change."
        ]
    newest = f"The newest event is {status.newest}."
    if status.last is None:
        return [newest, "No anchor was noted yet: a worker notes one every ten minutes."]
    noted = f", noted {status.last.at}" if status.last.at else ""
    lines = [newest, f"The last of {status.count} anchors is {status.last.head}{noted}."]
    if status.broken is None:
        return [*lines, "The log contains every anchor."]
    good = f"up to event {status.verified.head.seq}" if status.verified else "nowhere"
    return [
        *lines,
        f"The log breaks at event {status.broken.head.seq}: it is not there as it was noted "
        f"({status.broken.head.hash}). It agrees with the anchors {good}.",
    ]


_COLUMNS_PDF = (
    ("Event", 0.07),
    ("Time (UTC)", 0.12),
    ("Who", 0.12),
    ("What", 0.45),
    ("Hash", 0.24),
)


def _cells(export: AuditExport, one: AuditEvent) -> list[str]:
    who = export.names.get(one.actor, one.actor)
    what = [f"{one.action}: {one.subject}", describe_counts(one), *export.sentences[one.seq]]
    pinned = _anchored(export, one)
    return [
        str(one.seq),
        f"{one.at[:10]} {one.at[11:19]}",
        who,
        "\n".join(filter(None, what)),
        f"{one.hash}\n{pinned}".strip(),
    ]


def _anchored(export: AuditExport, one: AuditEvent) -> str:
    anchor = export.anchors.get(one.seq)
    return "" if anchor is None else f"anchored {anchor.at}".strip()


def _describe_query(query: AuditQuery, export: AuditExport) -> list[str]:
    fields = {
        "case": query.case_id,
        "person": export.names.get(query.actor, query.actor),
        "action": query.action,
        "from": query.since.isoformat(timespec="minutes") if query.since else "",
        "before": query.until.isoformat(timespec="minutes") if query.until else "",
    }
    chosen = ", ".join(f"{name} {value}" for name, value in fields.items() if value)
    cut = " (there are more: choose a shorter time)" if export.is_cut else ""
    return [f"{len(export.events)} events{cut}; {chosen or 'all'}, newest first."]


def _sentences(store: Store, one: AuditEvent, names: Mapping[str, str]) -> Iterable[str]:
    packs = packs_about(store, one)
    for table, rows in rows_written(store, one, _ROWS_DESCRIBED).items():
        for row in islice(rows, _ROWS_DESCRIBED):
            yield describe_row(table, row, packs, names)

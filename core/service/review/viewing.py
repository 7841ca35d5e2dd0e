"""How people look at cases: each sees their own record, a lead everybody's."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from statistics import median

from core.errors import DataError
from core.people import Person, Role
from core.records.connection import Store
from core.records.view_log import (
    MOST_EVENTS,
    Showing,
    ViewEvent,
    ViewKind,
    append_events,
    list_views,
)

LONGEST_MS = 24 * 3600 * 1000.0
_COLUMNS = (
    *("at", "person", "case", "revision", "view", "number", "kind", "after_ms", "active_ms"),
)


def record_view(store: Store, view: Showing, sent: object) -> None:
    """Record what a browser sends of a showing.

    Args:
        store: The store.
        view: The showing, as the page that shows the case names it.
        sent: ``{"events": [{"kind": …, "after_ms": …}, …], "active_ms": …}``.

    Raises:
        DataError: It is nothing of the kind.
        StoreError: The database failed.
    """
    match sent:
        case {"events": [*events], "active_ms": int() | float() as active} if (
            len(events) <= MOST_EVENTS and 0 <= active <= LONGEST_MS
        ):
            append_events(store, view, [_event(one) for one in events], float(active))
        case _:
            raise _refused()


def viewing_of(store: Store, by: Person, *, of_everybody: bool = False) -> list[ViewEvent]:
    """Return what happened on a person's own screen, newest first, or on everybody's.

    Raises:
        PermissionDenied: The person may not see it.
        StoreError: The database failed.
    """
    if of_everybody:
        by.require(Role.LEAD, "see how others look at cases")
        return list_views(store, limit=None)
    by.require(Role.REVIEWER, "see how they look at cases")
    return list_views(store, by.id, limit=None)


def summarize_days(events: Sequence[ViewEvent]) -> list[tuple[str, str, str, str, str, str]]:
    """Return one row a day, newest first: day, cases shown, zoomed, decided, median, active."""
    days: dict[str, list[ViewEvent]] = {}
    for one in sorted(events, key=lambda one: one.at, reverse=True):
        days.setdefault(f"{one.at.astimezone():%Y-%m-%d}", []).append(one)
    return [_day(day, of_day) for day, of_day in days.items()]


def _day(day: str, events: Sequence[ViewEvent]) -> tuple[str, str, str, str, str, str]:
    counted = Counter(one.kind for one in events)
    times = [one.after_ms for one in events if one.kind is ViewKind.DECIDED]
    active: dict[str, float] = {}
    for one in events:
        active[one.view.id] = max(active.get(one.view.id, 0.0), one.active_ms)
    kinds = (ViewKind.SHOWN, ViewKind.ZOOMED, ViewKind.DECIDED)
    shown, zoomed, decided = (f"{counted[kind]:,}" for kind in kinds)
    middle = f"{median(times) / 1000:.1f} s" if times else "–"
    return day, shown, zoomed, decided, middle, f"{sum(active.values()) / 60_000:.1f} min"


def write_csv(events: Sequence[ViewEvent]) -> str:
    """Return events as CSV; a text that a spreadsheet would compute begins with an apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for one in events:
        view = one.view
        person = f"'{view.person_id}" if view.person_id[:1] in "=+-@\t\r" else view.person_id
        figures = (f"{one.after_ms:.1f}", f"{one.active_ms:.1f}")
        writer.writerow(
            (one.at.isoformat(), person, view.case_id, view.revision, view.id, one.number,
             one.kind.value, *figures)
        )  # fmt: skip
    return text.getvalue()


def _event(sent: object) -> tuple[ViewKind, float]:
    match sent:
        case {"kind": str(kind), "after_ms": int() | float() as after} if 0 <= after <= LONGEST_MS:
            try:
                return ViewKind(kind), float(after)
            except ValueError:
                pass
    raise _refused()


def _refused() -> DataError:
    return DataError(
        "This is no record of a showing.", hint="Open the page anew; it sends what it shows."
    )

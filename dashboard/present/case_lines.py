"""Lines of the list of cases as text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from core.packs import DomainPack
from core.records.case_filter import CaseFilter, Facets
from core.records.case_status import QueueState
from core.service.review.browse import CaseLine
from core.types import Disposition, Reason
from dashboard.present.escaping import display_name
from dashboard.present.marks import SHAPES, verdict_mark
from dashboard.present.verdicts import format_probability

COLUMNS = (
    ("name", "Case"),
    ("verdict", "Verdict"),
    ("probability", "Probability"),
    ("state", "State"),
    ("reason", "Reason"),
    ("product", "Product"),
    ("site", "Site"),
    ("opened", "Received"),
)
HIDDEN = "not shown yet"
STATES = {
    QueueState.WAITING: "waits",
    QueueState.NEGATIVE: "passed",
    QueueState.REVIEWED: "reviewed",
    QueueState.WITHDRAWN: "withdrawn",
}
AGES: Mapping[str, tuple[float | None, float | None]] = {
    "any age": (None, None),
    "last hour": (None, 1.0),
    "last 24 hours": (None, 24.0),
    "last 7 days": (None, 168.0),
    "last 30 days": (None, 720.0),
    "older than 4 hours": (4.0, None),
    "older than 24 hours": (24.0, None),
    "older than 7 days": (168.0, None),
}
"""Least and greatest age in hours, by what a person chooses."""


def case_lines(
    lines: Iterable[CaseLine],
    packs: Mapping[str, DomainPack],
    now: datetime,
    address: Callable[[str], str],
) -> list[dict[str, Any]]:
    """Return the lines of the list as texts by column.

    Args:
        lines: The cases.
        packs: The installed packs by name.
        now: With a zone.
        address: Returns the address of a small picture by its file's digest.
    """
    return [_line(line, packs[line.item.pack], now, address) for line in lines]


def _line(
    line: CaseLine, pack: DomainPack, now: datetime, address: Callable[[str], str]
) -> dict[str, Any]:
    item = line.item
    if line.is_hidden:
        mark = verdict_mark(None, HIDDEN)
    else:
        mark = verdict_mark(item.disposition, pack.wording[item.disposition])
    is_scored = not line.is_hidden and item.positive_probability is not None
    state = STATES[item.queue_state]
    if line.answer is not None:
        state = f"{state}: {verdict_mark(line.answer, pack.wording[line.answer])}"
    return {
        "id": item.case_id,
        "name": name_line(line),
        "mark": {"shape": mark.shape, "word": mark.word, "kind": mark.kind},
        "probability": format_probability(item.positive_probability) if is_scored else "",
        "state": state,
        "reason": ", ".join(map(reason_text, line.reasons)),
        "product": item.product,
        "site": ", ".join(line.sites),
        "opened": describe_age(item.opened_at, now),
        "picture": address(line.content_key),
    }


def name_line(line: CaseLine) -> str:
    """Return a case's group, or its file's name where it has no group."""
    is_ungrouped = line.item.images == 1 and line.item.key in (line.content_key, "")
    named = display_name(line.name if is_ungrouped else line.item.key)
    return named if line.item.images == 1 else f"{named} ({line.item.images} images)"


def reason_text(reason: Reason) -> str:
    """Return a reason in two words."""
    return reason.value.replace("_", " ").lower()


def describe_age(at: datetime, now: datetime) -> str:
    """Return when something came: how long ago within a day, else the date."""
    minutes = int((now - at).total_seconds() // 60)
    if minutes < 1:
        return "just now"
    if minutes < 60:
        return f"{minutes} min ago"
    if now - at < timedelta(days=1):
        return f"{minutes // 60} h ago"
    return f"{at.astimezone():%Y-%m-%d %H:%M}"


def verdict_choice(disposition: Disposition, packs: Iterable[DomainPack]) -> str:
    """Return what a verdict is called in some packs, with its shape."""
    words = dict.fromkeys(pack.wording[disposition] for pack in packs)
    return f"{SHAPES[disposition]} {' · '.join(words)}"


def describe_matches(
    case_filter: CaseFilter, facets: Iterable[Facets], *, is_complete: bool, searched: int
) -> str:
    """Return how many cases a filter means, as far as that is counted.

    Args:
        case_filter: The filter.
        facets: How many cases there are of each.
        is_complete: Whether a search for text came to its end.
        searched: In how many cases it looked before it stopped.
    """
    cases = sum(one.cases for one in facets if case_filter.matches(one))
    counted = "1 case" if cases == 1 else f"{cases:,} cases"
    if case_filter.text and not is_complete:
        return (
            f"Searched the next {searched:,} of {counted}; ids, whole keys and digests were looked "
            "up among all. Next searches on"
        )
    if case_filter.text:
        return f"Searched {counted}"
    if case_filter.min_age_h is not None or case_filter.max_age_h is not None:
        return f"Of {counted} of any age"
    return counted


def age_choice(case_filter: CaseFilter) -> str:
    """Return which of the ages a filter means; one of its own is written out."""
    wanted = (case_filter.min_age_h, case_filter.max_age_h)
    for name, ages in AGES.items():
        if ages == wanted:
            return name
    least, most = wanted
    parts = [f"older than {least:g} hours"] if least is not None else []
    return ", ".join([*parts, *([f"newer than {most:g} hours"] if most is not None else [])])

"""Events of the audit log in plain sentences."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from core.packs import DomainPack, installed
from core.records.audit_search import AuditEvent, packs_of
from core.records.connection import Store
from core.records.deployment import SECOND_TYPED
from core.types import Disposition

_LONGEST = 160
_TABLES = {
    "cases": ("case", "cases"),
    "images": ("picture", "pictures"),
    "headers": ("file header", "file headers"),
    "decisions": ("verdict", "verdicts"),
    "reinstatements": ("verdict brought back", "verdicts brought back"),
    "reviews": ("review", "reviews"),
    "receipts": ("object received", "objects received"),
    "resolutions": ("resolution", "resolutions"),
    "deployments": ("deployment", "deployments"),
    "pack_rows": ("row of a pack", "rows of a pack"),
    "observations": ("set of picture figures", "sets of picture figures"),
    "alarms": ("alarm", "alarms"),
    "alarm_notes": ("note on an alarm", "notes on alarms"),
    "proposals": ("proposal", "proposals"),
    "proposal_outcomes": ("outcome of a proposal", "outcomes of proposals"),
    "role_grants": ("role", "roles"),
    "ended_sessions": ("end of a sign-in", "ends of sign-ins"),
    "preferences": ("preference", "preferences"),
    "view_events": ("look at a case", "looks at cases"),
    "read_plans": ("plan of second reads", "plans of second reads"),
    "case_reads": ("second read", "second reads"),
    "read_draws": ("draw for a second read", "draws for second reads"),
    "gold_answers": ("known answer", "known answers"),
}

Names = Mapping[str, str]


def describe_counts(event: AuditEvent) -> str:
    """Return what an event wrote: "1 case, 2 pictures"."""
    parts = []
    for table, count in event.counts.items():
        one, many = _TABLES.get(table, (f"row of {table}", f"rows of {table}"))
        parts.append(f"{count} {one if count == 1 else many}")
    return ", ".join(parts)


def describe_event(event: AuditEvent, names: Names) -> str:
    """Return an event in one line: when, who, what, to what."""
    at = f"{event.at[:10]} {event.at[11:19]}"
    who = names.get(event.actor, event.actor) or "nobody named"
    return f"{at} · {who} · {event.action} · {describe_counts(event) or event.subject}"


def packs_about(store: Store, event: AuditEvent) -> dict[str, DomainPack]:
    """Return the installed packs that the cases of an event belong to.

    Raises:
        StoreError: The database failed.
    """
    names = packs_of(store, event.cases)
    return {name: pack for name, pack in installed().items() if name in names}


def describe_row(
    table: str, row: Mapping[str, Any], packs: Mapping[str, DomainPack], names: Names
) -> str:
    """Return a row that an event wrote, as a sentence.

    Args:
        table: Its table.
        row: The row.
        packs: The packs of its cases, whose words verdicts are given in.
        names: Names of people by their ids.
    """
    describe = _DESCRIBE.get(table)
    if describe is None:
        return f"{_TABLES.get(table, (table,))[0].capitalize()}: {_plain(row)}."
    return describe(row, packs, names)


def _case(row: Mapping[str, Any], packs: Mapping[str, DomainPack], names: Names) -> str:
    del packs, names
    product = f", product {row['product']}" if row["product"] else ""
    return f"Case {_short(row['key'])} of {row['pack']}{product}."


def _image(row: Mapping[str, Any], packs: Mapping[str, DomainPack], names: Names) -> str:
    del packs, names
    source = f" from {_short(row['source'])}" if row["source"] else ""
    return f"Picture {_short(row['name'])}{source}, content {row['content_key'][:16]}."


def _decision(row: Mapping[str, Any], packs: Mapping[str, DomainPack], names: Names) -> str:
    del packs, names
    number = row["positive_probability"]
    score = "no probability" if number is None else f"probability {number:.3f}"
    why = f" {row['message']}" if row["message"] else ""
    return (
        f"Verdict {row['wording']} ({score}) by {row['bundle']} under policy {row['policy_id']}, "
        f"code {row['code_version']}, for content {row['content_key'][:16]}.{why}"
    )


def _review(row: Mapping[str, Any], packs: Mapping[str, DomainPack], names: Names) -> str:
    who = names.get(row["reviewer"], row["reviewer"])
    if row["kind"] == "undo":
        return f"{who} took the review of this case back."
    if row["kind"] == "withdraw":
        return f"{who} withdrew this case: nobody is asked about it. {_short(row['comment'])}"
    word = _word(row["disposition"], packs)
    label = f", label {row['label']}" if row["label"] else ""
    basis = f" The verdict on screen was {row['decision_id']}." if row["decision_id"] else ""
    pictures = "1 picture" if row["images"] == 1 else f"{row['images']} pictures"
    comment = f" Comment: {_short(row['comment'])}." if row["comment"] else ""
    return f"{who} decided {word}{label}, with {pictures} on screen.{basis}{comment}"


def _deployment(row: Mapping[str, Any], packs: Mapping[str, DomainPack], names: Names) -> str:
    del packs
    who, second = (names.get(row[name], row[name]) for name in ("deployed_by", "second_person"))
    product = row["product"] or "every product without a deployment of its own"
    typed = " (typed name)" if json.loads(row["evidence"]).get(SECOND_TYPED) else ""
    beside = f" with {second}{typed}" if second else ""
    return (
        f"{who}{beside} let {row['bundle']} under policy {row['policy_id']} judge {product} of "
        f"{row['pack']}, stage {row['stage']}, audit share {row['audit_share']:g}. "
        f"Evidence: {_short(row['evidence'])}."
    )


_DESCRIBE = {
    "cases": _case,
    "images": _image,
    "decisions": _decision,
    "reviews": _review,
    "deployments": _deployment,
}


def _word(disposition: str, packs: Mapping[str, DomainPack]) -> str:
    """Return a verdict in the words of the only pack, else the disposition itself."""
    words = {pack.wording[Disposition(disposition)] for pack in packs.values()}
    return next(iter(words)) if len(words) == 1 else disposition


def _plain(row: Mapping[str, Any]) -> str:
    return ", ".join(_fields(row))


def _fields(row: Mapping[str, Any]) -> Iterator[str]:
    for name, value in row.items():
        if name in {"id", "seq"} or value in ("", None) or isinstance(value, bytes):
            continue
        yield f"{name.replace('_', ' ')} {_short(str(value))}"


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"

"""What an alarm says, in a line, a paragraph and a table."""

from __future__ import annotations

from collections.abc import Sequence

from core.records.alarms import MonitorAlarm

_KINDS = {"escapes": "escapes", "ood": "unlike the certificate's pictures", "drift": "drift"}


def describe_banner(standing: Sequence[MonitorAlarm]) -> str:
    """Return in one line that alarms stand; empty where none does."""
    if not standing:
        return ""
    first = next((one for one in standing if one.is_voiding), standing[0])
    more = f" {len(standing) - 1} more." if len(standing) > 1 else ""
    where = f"{first.pack} {first.product}".strip()
    if not first.is_voiding:
        return f"Alarm for {where}: {_KINDS[first.kind]}. The certificate stands.{more}"
    return (
        f"Alarm for {where}: {_KINDS[first.kind]}. Nothing passes without a person until it is "
        f"certified again.{more}"
    )


def describe_alarm(one: MonitorAlarm) -> str:
    """Return when an alarm was raised, what it did, and who has taken note."""
    at = one.raised_at.astimezone()
    parts = [f"Raised {at:%Y-%m-%d %H:%M}."]
    if one.is_voiding:
        parts.append(
            "The certificate is suspended: nothing passes without a person until the policy is "
            "certified again and released. Taking note does not bring it back."
        )
    else:
        parts.append("The certificate stands.")
    parts += [
        f"{note.by} took note {note.at.astimezone():%Y-%m-%d %H:%M}"
        + (f": {note.comment}" if note.comment else ".")
        for note in one.notes
    ]
    return " ".join(parts)


def alarm_rows(alarms: Sequence[MonitorAlarm]) -> list[tuple[str, ...]]:
    """Return a table of alarms with its head."""
    head = ("Raised", "Product", "Alarm", "What it says", "Noted by")
    rows = [
        (
            f"{one.raised_at.astimezone():%Y-%m-%d %H:%M}",
            one.product or "all",
            _KINDS[one.kind],
            one.sentence,
            ", ".join(note.by for note in one.notes),
        )
        for one in alarms
    ]
    return [head, *rows]

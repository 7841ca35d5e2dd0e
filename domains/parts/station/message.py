"""The message about one part, the same for every receiver and however often it is sent."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from datetime import datetime, timedelta

from domains.parts.station.part import InspectedPart

Body = Mapping[str, object]


def message_id(station: str, part: InspectedPart) -> str:
    """Return the id by which a receiver knows a message again.

    The same part with another verdict, as after a correction, is another message. Numbers begin
    anew with a new store: the trigger's time keeps the ids apart.

    Args:
        station: Name of the station.
        part: The part that the message is about, in the process that inspected it: a part read
            from the store has its trigger's time no more.
    """
    reasons = ",".join(reason.name for reason in part.reasons)
    identity = f"{station}/{part.trigger.number}/{part.trigger.at!r}/{part.result.value}/{reasons}"
    digest = hashlib.sha256(identity.encode()).hexdigest()[:12]
    return f"{station}.{part.trigger.number}.{digest}"


def message_of(station: str, part: InspectedPart) -> dict[str, object]:
    """Return the message about a part, as JSON."""
    trigger, verdict = part.trigger, part.verdict
    is_number = part.score is not None and math.isfinite(part.score)
    return {
        "id": message_id(station, part),
        "station": station,
        "number": trigger.number,
        "part_seq": trigger.part_seq,
        "part_id": part.part_id,
        "product": part.product,
        "recipe": trigger.recipe,
        "challenge": trigger.challenge,
        "result": verdict.result.value,
        "reason": verdict.number,
        "reasons": [reason.name for reason in verdict.reasons],
        "sentence": verdict.message,
        "detail": part.detail,
        "score": part.score if is_number else None,
        "bundle_sha256": part.bundle_sha256,
        "policy": part.policy,
        "decisions": list(part.decisions),
        "recorded_at": _utc(part.recorded_at),
        "elapsed_us": part.elapsed_us,
    }


def live(body: Body, valid_s: float) -> dict[str, object]:
    """Return a message that a machine may act upon for so long after it was recorded."""
    recorded_at = datetime.fromisoformat(str(body["recorded_at"]))
    return {**body, "valid_until": _utc(recorded_at + timedelta(seconds=valid_s))}


def history(body: Body) -> dict[str, object]:
    """Return a message that comes late: it is a record, and nothing to act upon."""
    return {**body, "is_historical": True}


def _utc(at: datetime) -> str:
    return at.isoformat(timespec="microseconds")

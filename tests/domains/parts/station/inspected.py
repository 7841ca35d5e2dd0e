"""Parts as the outputs of a station get them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import monotonic, sleep

from domains.parts.station.part import InspectedPart, Trigger
from domains.parts.station.result import LineReason, LineVerdict

RECORDED_AT = datetime(2026, 11, 29, 10, 0, 0, tzinfo=UTC)
WORDS = tuple(range(24))


def inspected(
    number: int = 1,
    *reasons: LineReason,
    part_id: str = "P-1",
    part_seq: int = 7,
    at: float = 12.5,
    recorded_at: datetime | None = None,
    detail: str = "",
    bundle: str = "ab" * 32,
) -> InspectedPart:
    """Return a part that passes where no reason is given."""
    verdict = LineVerdict.because(*reasons) if reasons else LineVerdict.passed()
    return InspectedPart(
        trigger=Trigger(number=number, at=at, part_seq=part_seq, part_id=part_id, recipe=3),
        verdict=verdict,
        part_id=part_id,
        product="castings",
        decisions=(f"d{number}",),
        score=0.25,
        bundle_sha256=bundle,
        policy="0123456789abcdef",
        recorded_at=recorded_at or RECORDED_AT + timedelta(seconds=number),
        elapsed_us=83_000,
        detail=detail,
    )


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
    """Return once a condition holds; a test whose condition never does fails by its name."""
    limit = monotonic() + seconds
    while not condition():
        assert monotonic() < limit, f"waited {seconds:g} s for {what}"
        sleep(0.005)

"""A station's parts in the store: committed with their decisions before any output leaves."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

from sqlalchemy import Connection

from core.records import blobs, pack_rows
from core.records.connection import Store, writing
from core.records.pack_rows import PackRow
from core.records.store import record
from core.records.values import now
from core.service.assessment.recording import prepare_decision
from core.types import Assessment
from domains.parts import pack
from domains.parts.station.part import CapturedFrame, InspectedPart, Trigger
from domains.parts.station.result import LineReason, LineResult, LineVerdict

PACK = "parts"
PART = "part"
CHALLENGE_PART = "challenge part"
RUN = "run"

NUMBERS_SKIPPED = 64
"""What a killed process had under way may have been shown without being on record."""

Also = Callable[[Connection, InspectedPart], None]


@dataclass(frozen=True, slots=True)
class Draft:
    """A judged part that is not on record yet.

    Attributes:
        trigger: Its trigger.
        verdict: What the rule says.
        part_id: The part's id; empty where there is none.
        product: Name of the product.
        frames: What the cameras gave, as far as they gave anything.
        assessments: Of the frames that were judged, in the cameras' order.
        audit_share: Share of the negatives to be drawn for the audit.
        detail: What a person needs besides the reasons' sentences.
    """

    trigger: Trigger
    verdict: LineVerdict
    part_id: str
    product: str
    frames: Sequence[CapturedFrame] = ()
    assessments: Sequence[Assessment] = ()
    audit_share: float = 0.0
    detail: str = ""


class PartRecorder:
    """Writes the parts of one station; used by one thread at a time.

    Args:
        store: The store.
        station: Name of the station, which names its series.
        also: Writes more in the transaction of each part, such as its messages to the outbox.
    """

    def __init__(self, store: Store, station: str, also: Also | None = None) -> None:
        self.store, self.station, self._also = store, station, also

    def start(self, shown: int = 0) -> int:
        """Return the number of the station's first part, once its start is noted.

        Numbers are never used again, not even those of parts that were under way when a process
        was killed.

        Args:
            shown: Highest number that is known to have left, also without being on record.

        Raises:
            StoreError: The database failed.
        """
        with writing(self.store) as connection:
            last = max(
                shown,
                *(
                    pack_rows.last_number(connection, PACK, kind, self.station)
                    for kind in (PART, CHALLENGE_PART, RUN)
                ),
            )
            first = last + NUMBERS_SKIPPED if last else 1
            row = PackRow(PACK, RUN, self.station, first, now())
            pack_rows.add(connection, [row], actor=self.station)
        return first

    def commit(self, draft: Draft) -> InspectedPart:
        """Return a part that is durable: pictures, decisions, its row, and what ``also`` adds.

        Returns:
            The part as it is on record.

        Raises:
            StoreError: The store refused; only a STOP may leave.
        """
        blobs.put_many(self.store.blobs, [frame.data for frame in draft.frames])
        rows = [
            prepare_decision(
                one,
                pack,
                product=draft.product,
                audit_share=draft.audit_share,
                sender=self.station,
            )
            for one in draft.assessments
        ]
        written: list[InspectedPart] = []

        def with_row(connection: Connection, ids: Sequence[str]) -> None:
            written.append(_part(draft, tuple(ids)))
            frames = [_frame(one) for one in draft.frames]
            self._write(connection, to_row(written[0], self.station, frames), written[0])

        if rows:
            record(self.store, rows, actor=self.station, also=with_row)
        else:
            with writing(self.store) as connection:
                with_row(connection, ())
        return written[0]

    def correct(self, part: InspectedPart, verdict: LineVerdict) -> None:
        """Record the verdict that left after the deadline, not the one on record.

        Raises:
            StoreError: The database failed.
        """
        elapsed_us = _elapsed_us(part.trigger)
        self.add(replace(part, verdict=verdict, recorded_at=now(), elapsed_us=elapsed_us))

    def add(self, part: InspectedPart) -> None:
        """Put a part on record as it is, behind what its number has on record already.

        Raises:
            StoreError: The database failed.
        """
        kind, number = _kind(part.trigger), part.trigger.number
        with writing(self.store) as connection:
            last = pack_rows.newest(connection, PACK, kind, self.station, number)
            frames = [] if last is None else last.body["frames"]
            revision = 0 if last is None else last.revision + 1
            self._write(connection, to_row(part, self.station, frames, revision), part)

    def _write(self, connection: Connection, row: PackRow, part: InspectedPart) -> None:
        pack_rows.add(connection, [row], actor=self.station)
        if self._also is not None:
            self._also(connection, part)


def parts_of(
    store: Store,
    station: str,
    *,
    since: datetime | None = None,
    after: int = 0,
    limit: int | None = None,
    results: Sequence[LineResult] | None = None,
) -> list[InspectedPart]:
    """Return a station's parts, challenges left out, the newest first.

    Raises:
        StoreError: The database failed.
    """
    outcomes = None if results is None else [result.value for result in results]
    rows = pack_rows.rows_of(
        store, PACK, PART, station, since=since, after=after, limit=limit, outcomes=outcomes
    )
    return [from_row(row) for row in rows]


def to_row(
    part: InspectedPart,
    station: str,
    frames: Sequence[Mapping[str, str]] = (),
    revision: int = 0,
) -> PackRow:
    """Return a part as a row of the station's series, its frames by what they are found by."""
    trigger = part.trigger
    body: dict[str, Any] = {
        "part_seq": trigger.part_seq,
        "recipe": trigger.recipe,
        "challenge": trigger.challenge,
        "triggered_at": _triggered_at(part).isoformat(),
        "product": part.product,
        "reasons": [reason.name for reason in part.reasons],
        "decisions": list(part.decisions),
        "frames": list(frames),
        "bundle_sha256": part.bundle_sha256,
        "policy": part.policy,
        "elapsed_us": part.elapsed_us,
        "detail": part.detail,
    }
    return PackRow(
        PACK,
        _kind(trigger),
        station,
        trigger.number,
        part.recorded_at,
        part.part_id,
        part.result.value,
        part.score,
        body,
        revision,
    )


def from_row(row: PackRow) -> InspectedPart:
    """Return the part of a row; its trigger's monotonic time is gone with the process."""
    body = row.body
    reasons = [LineReason[name] for name in body["reasons"]]
    trigger = Trigger(
        row.number,
        0.0,
        part_seq=body["part_seq"],
        recipe=body["recipe"],
        challenge=body["challenge"],
    )
    return InspectedPart(
        trigger,
        LineVerdict(LineResult(row.outcome), tuple(reasons)),
        part_id=row.subject,
        product=body["product"],
        decisions=tuple(body["decisions"]),
        score=row.figure,
        bundle_sha256=body["bundle_sha256"],
        policy=body["policy"],
        recorded_at=row.at,
        elapsed_us=body["elapsed_us"],
        detail=body["detail"],
    )


def unrecorded(draft: Draft) -> InspectedPart:
    """Return a part that could not be put on record, for the outputs alone.

    Raises:
        ValueError: Its verdict is PASS, which may not leave.
    """
    if draft.verdict.result is LineResult.PASS:
        raise ValueError("unrecorded: expected FAIL or STOP, got PASS")
    return replace(_part(draft, ()), is_recorded=False)


def _part(draft: Draft, decisions: tuple[str, ...]) -> InspectedPart:
    origins = [one.provenance for one in draft.assessments]
    return InspectedPart(
        draft.trigger,
        draft.verdict,
        part_id=draft.part_id,
        product=draft.product,
        decisions=decisions,
        score=_score(draft.assessments),
        bundle_sha256=_one(origin.bundle_sha256 for origin in origins),
        policy=_one(origin.policy_id for origin in origins),
        recorded_at=now(),
        elapsed_us=_elapsed_us(draft.trigger),
        detail=draft.detail,
    )


def _elapsed_us(trigger: Trigger) -> int:
    return round(1e6 * (monotonic() - trigger.at))


def _frame(frame: CapturedFrame) -> dict[str, str]:
    sha256 = hashlib.sha256(frame.data).hexdigest()
    return {"camera": frame.camera, "name": frame.name, "raw": frame.raw_sha256, "sha256": sha256}


def _score(assessments: Sequence[Assessment]) -> float | None:
    scores = [a.prediction.positive_probability for a in assessments if a.prediction is not None]
    return max((score for score in scores if score == score), default=None)


def _one(values: Any) -> str:  # noqa: ANN401 - a generator of text
    return next(iter(values), "")


def _kind(trigger: Trigger) -> str:
    return CHALLENGE_PART if trigger.challenge else PART


def _triggered_at(part: InspectedPart) -> datetime:
    return (part.recorded_at - timedelta(microseconds=part.elapsed_us)).astimezone(UTC)

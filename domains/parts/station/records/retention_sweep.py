"""Carrying a retention plan out: reading the station's parts, deleting, and saying so on record."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

from sqlalchemy import select

from core.errors import StoreError
from core.records import pack_rows
from core.records.clearings import CLEARING, clear_pictures, finish_clearing
from core.records.connection import Store, chunks, reading
from core.records.pack_rows import PackRow
from core.records.tables import DECISIONS, IMAGES, PACK_ROWS, REVIEWS
from core.records.values import UNREAD, now
from core.types import Reason
from domains.parts.station.recipe import RetentionOptions
from domains.parts.station.records.origin import origin_of
from domains.parts.station.records.overrides import OVERRIDE
from domains.parts.station.records.parts import PACK, PART
from domains.parts.station.records.retention import (
    DiskState,
    PartPictures,
    RetentionPlan,
    plan_retention,
)
from domains.parts.station.records.retention_folder import claim_folder
from domains.parts.station.result import LineResult

_WINDOW = 1000
_CLOCK_STEP = timedelta(hours=1)
_MEASURE_EVERY_S = 600.0


@dataclass(frozen=True, slots=True)
class SweepReport:
    """What a sweep did.

    Attributes:
        parts: Parts whose pictures went.
        pictures: Pictures that went.
        freed: Their bytes.
        problem: What a person has to do; empty where there is nothing.
    """

    parts: int
    pictures: int
    freed: int
    problem: str


class Sweeper:
    """Deletes a station's pictures by its plan; used by one thread at a time.

    Args:
        store: The store; its blobs folder is claimed for this station.
        station: Name of the station.
        options: Budgets and keep rules.

    Raises:
        ConfigError: The blobs folder may not be deleted in.
        StoreError: The store cannot be read.
    """

    def __init__(self, store: Store, station: str, options: RetentionOptions) -> None:
        self._store, self._station, self._options = store, station, options
        origin = _origin(store)
        self._key = hashlib.sha256(f"retention {station} {origin}".encode()).digest()
        self._folder = claim_folder(store.blobs, f"{station} {origin}")
        self._offset = now().timestamp() - monotonic()
        self._is_finished = False
        self._bytes, self._measured_at = 0, float("-inf")

    def sweep(self) -> SweepReport:
        """Return what was deleted of the plan, a thousand parts at a time, each on record first.

        Raises:
            StoreError: The store failed; what was deleted before is on record.
        """
        if not self._is_finished:
            finish_clearing(self._store, PACK, self._station)
            self._is_finished = True
        plan = self._plan()
        pictures = 0
        for start in range(0, len(plan.parts), _WINDOW):
            pictures += self._clear(plan.parts[start : start + _WINDOW])
        self._bytes = max(0, self._bytes - plan.freed)
        problem = plan.problem or self._clock_problem
        return SweepReport(len(plan.parts), pictures, plan.freed, problem)

    @property
    def _clock_problem(self) -> str:
        step = timedelta(seconds=now().timestamp() - monotonic() - self._offset)
        if abs(step) <= _CLOCK_STEP or self._options.days is None:
            return ""
        hours = f"{step / timedelta(hours=1):+.0f} hours"
        return f"The clock was set by {hours}: nothing is deleted by age until the next start."

    def _plan(self) -> RetentionPlan:
        usage = shutil.disk_usage(self._folder)
        return plan_retention(
            self._parts(),
            self._options,
            DiskState(usage.total, usage.free, self._measure()),
            size_of=self._size,
            newest=None if self._clock_problem else self._newest(),
            key=self._key,
        )

    def _measure(self) -> int:
        """Return the bytes of all pictures, read where they are limited, and then not each time.

        A million files take seconds to look at; what comes meanwhile the free room still bounds.
        """
        if self._options.max_gb is not None and monotonic() - self._measured_at > _MEASURE_EVERY_S:
            self._bytes = sum(path.stat().st_size for path in self._folder.glob("??/*"))
            self._measured_at = monotonic()
        return self._bytes

    def _size(self, picture: str) -> int:
        try:
            return (self._folder / picture[:2] / picture).stat().st_size
        except OSError:
            return 0

    def _clear(self, parts: Sequence[PartPictures]) -> int:
        gone = clear_pictures(
            self._store,
            [picture for part in parts for picture in part.pictures],
            pack=PACK,
            series=self._station,
            number=parts[-1].number,
            at=now(),
            reason="retention",
        )
        return len(gone)

    def _newest(self) -> datetime | None:
        rows = pack_rows.rows_of(self._store, PACK, PART, self._station, limit=1)
        return rows[0].at if rows else None

    def _parts(self) -> Iterator[PartPictures]:
        """Yield the parts behind the last clearing, by rising number."""
        with reading(self._store) as connection:
            start = pack_rows.last_number(connection, PACK, CLEARING, self._station)
            last = pack_rows.last_number(connection, PACK, PART, self._station)
        while start < last:
            end = min(start + _WINDOW, last)
            rows = pack_rows.rows_of(
                self._store, PACK, PART, self._station, after=start, before=end + 1
            )
            yield from self._with_pictures(sorted(rows, key=lambda row: row.number))
            start = end

    def _with_pictures(self, rows: Sequence[PackRow]) -> Iterator[PartPictures]:
        passed = [row for row in rows if row.outcome == LineResult.PASS.value]
        pictures_of, audited = _judged(self._store, [i for row in passed for i in _ids(row)])
        reviewed = _reviewed(self._store, list(pictures_of.values()))
        touched = self._touched(passed)
        for row in rows:
            pictures = tuple(
                dict.fromkeys(pictures_of[one] for one in _ids(row) if one in pictures_of)
            )
            is_kept = (
                row.outcome != LineResult.PASS.value
                or row.number in touched
                or not audited.isdisjoint(_ids(row))
                or not reviewed.isdisjoint(pictures)
            )
            yield PartPictures(row.number, row.at, row.subject, pictures, is_kept)

    def _touched(self, rows: Sequence[PackRow]) -> set[int]:
        """Return the numbers of parts that were overridden, or failed under the same id."""
        numbers = {row.number for row in rows}
        subjects = {row.subject for row in rows if row.subject}
        kept = (LineResult.FAIL.value, LineResult.STOP.value)
        columns = PACK_ROWS.c
        failed: set[str] = set()
        overridden: set[int] = set()
        with reading(self._store) as connection:
            for some in chunks(sorted(subjects)):
                query = select(columns.subject).where(columns.pack == PACK, columns.kind == PART)
                query = query.where(columns.subject.in_(some), columns.outcome.in_(kept))
                failed |= set(connection.scalars(query))
            if numbers:
                query = select(columns.number).where(
                    columns.pack == PACK,
                    columns.kind == OVERRIDE,
                    columns.series == self._station,
                    columns.number.between(min(numbers), max(numbers)),
                )
                overridden = set(connection.scalars(query))
        return overridden | {row.number for row in rows if row.subject in failed}


def _origin(store: Store) -> str:
    """Return what tells one store from another."""
    if not (found := origin_of(store)):
        raise StoreError(
            "Retention cannot claim the pictures of a store that holds nothing yet.",
            hint="Start the station first.",
        )
    return found


def _ids(row: PackRow) -> list[str]:
    return list(row.body["decisions"])


def _judged(store: Store, ids: Sequence[str]) -> tuple[dict[str, str], set[str]]:
    """Return the picture of each decision, and which decisions were drawn for the audit."""
    columns = DECISIONS.c
    query = select(columns.id, columns.content_key, columns.findings)
    pictures: dict[str, str] = {}
    audited: set[str] = set()
    with reading(store) as connection:
        for some in chunks(sorted(set(ids))):
            for one, key, findings in connection.execute(query.where(columns.id.in_(some))):
                if not key.startswith(UNREAD):
                    pictures[one] = key
                if any(finding[0] == Reason.AUDIT.value for finding in json.loads(findings)):
                    audited.add(one)
    return pictures, audited


def _reviewed(store: Store, pictures: Sequence[str]) -> set[str]:
    with reading(store) as connection:
        return {
            key
            for some in chunks(sorted(set(pictures)))
            for key in connection.scalars(
                select(IMAGES.c.content_key)
                .join(REVIEWS, REVIEWS.c.case_id == IMAGES.c.case_id)
                .where(IMAGES.c.content_key.in_(some))
            )
        }

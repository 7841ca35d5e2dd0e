"""What a board shows, read from the store and the status file; boards of a station share it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import monotonic

from core.packs import DomainPack
from core.records import pack_rows, worklist
from core.records.connection import Store
from core.records.values import now
from domains.parts.station.board.baseline import baseline_parts
from domains.parts.station.board.board import (
    BoardTile,
    RateLine,
    backlog_line,
    challenge_line,
    rates_today,
    tile,
)
from domains.parts.station.board.charts import ChartView, score_chart, share_chart
from domains.parts.station.board.headline import Headline, headline
from domains.parts.station.board.status_file import (
    ShownRecipe,
    ShownStatus,
    boot_id,
    is_answering,
    read_status,
    status_path,
)
from domains.parts.station.challenge.challenge import ChallengeState
from domains.parts.station.challenge.interlock import CHALLENGE
from domains.parts.station.challenge.reference_parts import reference_parts_of
from domains.parts.station.part import InspectedPart
from domains.parts.station.records.overrides import Override, overrides_of, salt_answers
from domains.parts.station.records.parts import PACK, PART, parts_of
from domains.parts.station.result import LineReason

STRIP = 20
CHARTED = 2000
_LIVE_S = 0.1
_DAY_S = 2.0


@dataclass(frozen=True, slots=True)
class LiveView:
    """What changes with every part.

    Attributes:
        headline: What stands there in large letters.
        newest: The newest part on record; None before the first.
        parts: The last parts, the newest first.
        tiles: The same, small.
        status: The station's status; None where there is none.
        is_answering: Whether it is that of a station that lives.
    """

    headline: Headline
    newest: InspectedPart | None
    parts: tuple[InspectedPart, ...]
    tiles: tuple[BoardTile, ...]
    status: ShownStatus | None
    is_answering: bool

    @property
    def recipe(self) -> ShownRecipe | None:
        """The recipe that is active."""
        return self.status.recipe if self.status else None


@dataclass(frozen=True, slots=True)
class DayView:
    """What changes slowly.

    Attributes:
        rates: Of today.
        shares: The p-chart; None with too few parts.
        scores: The EWMA chart; None with too few parts.
        backlog: What waits for persons.
        challenge: When the reference parts were last shown.
        overrides: Of today.
        answers: To known-bad parts, today.
        missed: Triggers refused since the station's start.
        charted: Parts that the charts are of, the oldest first.
    """

    rates: list[RateLine]
    shares: ChartView | None
    scores: ChartView | None
    backlog: str
    challenge: str
    overrides: list[Override]
    answers: list[tuple[str, bool]]
    missed: int
    charted: tuple[InspectedPart, ...]


class BoardReader:
    """Reads at most ten times a second, and what is of the day every two seconds.

    Args:
        store: The store.
        home: The home folder of the station.
        station: Its name.
        pack: The pack, whose cases wait.
    """

    def __init__(self, store: Store, home: Path, station: str, pack: DomainPack) -> None:
        self.store, self.station = store, station
        self._path, self._pack, self._boot = status_path(home, station), pack, boot_id()
        self._lock = threading.Lock()
        self._live: tuple[float, LiveView] | None = None
        self._day: tuple[float, DayView] | None = None

    def live(self) -> LiveView:
        """Return what changes with every part.

        Raises:
            StoreError: The database failed.
        """
        with self._lock:
            if self._live is None or monotonic() - self._live[0] > _LIVE_S:
                view = self._read_live()
                self._live = (monotonic(), view)
            return self._live[1]

    def day(self) -> DayView:
        """Return what changes slowly.

        Raises:
            StoreError: The database failed.
        """
        live = self.live()
        with self._lock:
            if self._day is None or monotonic() - self._day[0] > _DAY_S:
                view = self._read_day(live)
                self._day = (monotonic(), view)
            return self._day[1]

    def part(self, number: int) -> InspectedPart | None:
        """Return one of the last parts; None where it is not among them."""
        found = (one for one in self.live().parts if one.trigger.number == number)
        return next(found, None)

    def _read_live(self) -> LiveView:
        # The status first: no result is then on the line that the store would have had later.
        status = read_status(self._path)
        lives = is_answering(status, monotonic(), self._boot)
        parts = _newest_first(
            parts_of(self.store, self.station, limit=STRIP),
            reference_parts_of(self.store, self.station, limit=STRIP),
        )
        newest = parts[0] if parts else None
        return LiveView(
            headline(
                status.block if status else None,
                newest,
                is_answering=lives,
                outstanding=status.outstanding if status else (),
            ),
            newest,
            parts,
            tuple(map(tile, parts)),
            status,
            lives,
        )

    def _read_day(self, live: LiveView) -> DayView:
        midnight = _midnight()
        recent = parts_of(self.store, self.station, limit=CHARTED)[::-1]
        charted = _of_one_process(recent)
        baseline = baseline_parts(self.store, self.station, charted[-1]) if charted else ()
        return DayView(
            rates_today(
                pack_rows.outcome_counts(self.store, PACK, PART, self.station, since=midnight)
            ),
            share_chart(charted, baseline),
            score_chart(charted, baseline),
            backlog_line(worklist.counts(self.store, self._pack.name)),
            challenge_line(self._passed_at(), live.recipe, now()),
            overrides_of(self.store, self.station, since=midnight),
            salt_answers(self.store, self.station, since=midnight),
            live.status.block.missed_triggers if live.status else 0,
            tuple(charted),
        )

    def _passed_at(self) -> datetime | None:
        rows = pack_rows.rows_of(
            self.store, PACK, CHALLENGE, self.station, outcomes=[ChallengeState.PASSED], limit=1
        )
        return rows[0].at if rows else None


def _newest_first(*series: Sequence[InspectedPart]) -> tuple[InspectedPart, ...]:
    merged = sorted(
        (part for parts in series for part in parts), key=lambda part: -part.trigger.number
    )
    return tuple(merged[:STRIP])


def _of_one_process(parts: Sequence[InspectedPart]) -> list[InspectedPart]:
    """Return the parts that the newest one's recipe and bundle judged by their picture alone.

    Others make another chart; and a late part says something of the station, not of the product.
    """
    judged = [part for part in parts if part.score is not None and _is_judged(part)]
    return [
        part
        for part in judged
        if (part.trigger.recipe, part.bundle_sha256)
        == (judged[-1].trigger.recipe, judged[-1].bundle_sha256)
    ]


def _is_judged(part: InspectedPart) -> bool:
    return all(reason.number < LineReason.FRAME_STALE.number for reason in part.reasons)


def _midnight() -> datetime:
    return datetime.now().astimezone().replace(hour=0, minute=0, second=0, microsecond=0)

"""The challenge as an interlock: until it is passed, no part of the line is judged."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta

from core.records import pack_rows
from core.records.connection import Store, writing
from core.records.pack_rows import PackRow
from core.records.values import now
from domains.parts.station.challenge.challenge import (
    ChallengeDue,
    ChallengePassed,
    ChallengeProgress,
    ChallengeState,
    Setup,
    ShownReference,
    challenge_due,
    challenge_progress,
    check_release,
)
from domains.parts.station.challenge.reference_parts import passed_bad_since
from domains.parts.station.judging.inspection import Inspection
from domains.parts.station.part import InspectedPart
from domains.parts.station.recipe import ChallengeOptions
from domains.parts.station.records.parts import PACK
from domains.parts.station.user import StationUser

CHALLENGE = "challenge"
RELEASED = "released"

_CHECK_EVERY = timedelta(seconds=1)


class Interlock:
    """Follows the challenge of one recipe.

    ``is_due`` and everything else that the loop asks is worked out from what was read at the start;
    writing to the store is left to the caller's thread for that, by what ``outcome`` returns.

    Args:
        options: The recipe's reference parts.
        last: The station's last challenge that was passed, of whatever recipe.
        is_failed: Whether the newest challenge failed and nobody has released it since.
        setup: What the challenge is about now.
    """

    def __init__(
        self, options: ChallengeOptions, last: ChallengePassed | None, is_failed: bool, setup: Setup
    ) -> None:
        self._options, self._last, self.setup = options, last, setup
        self.is_failed = is_failed
        self._shown: list[ShownReference] = []
        self.is_running = False
        self._checked_at: datetime | None = None
        self._due: tuple[ChallengeDue, ...] = ()

    def due(self, at: datetime) -> tuple[ChallengeDue, ...]:
        """Return why the reference parts have to be shown; empty while nothing is due."""
        if self._checked_at is None or abs(at - self._checked_at) >= _CHECK_EVERY:
            self._due = challenge_due(self._last, at, self.setup, self._options.hours)
            self._checked_at = at
        return self._due

    def holds_line(self, at: datetime) -> bool:
        """Return whether no part of the line may be judged."""
        return self.is_failed or self.is_running or bool(self.due(at))

    @property
    def names(self) -> tuple[str, ...]:
        """All reference parts, the bad ones first."""
        return (*self._options.bad, *self._options.good)

    @property
    def progress(self) -> ChallengeProgress:
        """Where the present challenge stands."""
        return challenge_progress(self._options, self._shown)

    def begin(self) -> bool:
        """Return whether a challenge may begin, and begin it: not after a failed one."""
        if not self.is_failed:
            self._shown, self.is_running = [], True
        return self.is_running

    def next_part(self, part_id: str) -> str:
        """Return which reference part is shown: the one of that id, else the first outstanding."""
        outstanding = self.progress.outstanding
        return part_id if part_id in self.names else next(iter(outstanding), "")

    def add(self, part: InspectedPart) -> ChallengeState:
        """Return where the challenge stands after the result of a reference part."""
        self._shown.append(ShownReference(part.trigger.challenge, part.verdict))
        progress = self.progress
        if progress.state is ChallengeState.PASSED:
            self._last, self._checked_at = ChallengePassed(now(), self.setup), None
        self.is_failed = progress.state is ChallengeState.FAILED
        self.is_running = progress.state is ChallengeState.RUNNING
        return progress.state

    def release(self) -> None:
        """Let a failed challenge begin anew; nothing counts as passed."""
        self.is_failed, self._shown = False, []


def interlock_of(store: Store, station: str, inspection: Inspection) -> Interlock | None:
    """Return the interlock of a recipe with what judges it now.

    Returns:
        The interlock; None without reference parts, and while nothing judges, so nothing passes.

    Raises:
        StoreError: The database failed.
    """
    recipe, bundle_sha256 = inspection.recipe, inspection.bundle_sha256
    if recipe.challenge is None or not bundle_sha256:
        return None
    setup = Setup(recipe.number, bundle_sha256, inspection.cameras.describe(), now())
    return read_interlock(store, station, recipe.challenge, setup)


def read_interlock(
    store: Store, station: str, options: ChallengeOptions, setup: Setup
) -> Interlock:
    """Return the interlock as the station's records have it.

    Args:
        store: The store.
        station: Name of the station.
        options: The recipe's reference parts.
        setup: What the challenge is about now.

    Raises:
        StoreError: The database failed.
    """
    newest = pack_rows.rows_of(store, PACK, CHALLENGE, station, limit=1)
    is_failed = bool(newest) and newest[0].outcome == ChallengeState.FAILED
    # A process that is killed may leave the part on record and not the end of the challenge.
    since = newest[0].at if newest else None
    is_failed = is_failed or bool(passed_bad_since(store, station, options, since))
    passed = pack_rows.rows_of(
        store, PACK, CHALLENGE, station, outcomes=[ChallengeState.PASSED], limit=1
    )
    last = ChallengePassed(passed[0].at, _setup(passed[0])) if passed else None
    if last is not None and _is_same(last.setup, setup):
        # A restart is no changeover.
        setup = last.setup
    return Interlock(options, last, is_failed, setup)


def record_challenge(
    store: Store, station: str, state: ChallengeState, progress: ChallengeProgress, setup: Setup
) -> None:
    """Put the end of a challenge on record.

    Raises:
        StoreError: The database failed.
    """
    body = {
        "setup": {**asdict(setup), "since": setup.since.isoformat()},
        "passed_bad": list(progress.passed_bad),
        "rejected_good": list(progress.rejected_good),
        "rejected_bad": progress.rejected_bad,
        "shown": progress.shown,
    }
    _write(store, station, state.value, "", body)


def record_release(store: Store, station: str, by: StationUser, reason: str) -> None:
    """Put on record that a lead lets a failed challenge begin anew.

    Raises:
        ConfigError: The person is no lead, or gives no reason.
        StoreError: The database failed.
    """
    check_release(by, reason)
    _write(store, station, RELEASED, by.name, {"role": by.role.value, "reason": reason})


def _write(store: Store, station: str, outcome: str, subject: str, body: dict[str, object]) -> None:
    with writing(store) as connection:
        number = pack_rows.last_number(connection, PACK, CHALLENGE, station) + 1
        row = PackRow(PACK, CHALLENGE, station, number, now(), subject, outcome, None, body)
        pack_rows.add(connection, [row], actor=subject or station)


def _setup(row: PackRow) -> Setup:
    body = row.body["setup"]
    return Setup(**{**body, "since": datetime.fromisoformat(body["since"])})


def _is_same(one: Setup, other: Setup) -> bool:
    return (one.recipe, one.bundle_sha256, one.cameras) == (
        other.recipe,
        other.bundle_sha256,
        other.cameras,
    )

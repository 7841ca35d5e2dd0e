"""Challenges in the store: where one stands survives a restart, and so does a failed one.

The showings are the station's rows of reference parts. What ends a challenge is a row of its own:
``passed`` with what it was passed for, or ``released`` with who found what; the next begins there.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict
from datetime import datetime

import numpy as np

from core.records import pack_rows
from core.records.connection import Store, writing
from core.records.pack_rows import PackRow
from core.records.values import now
from domains.parts.station.challenge import (
    ChallengePassed,
    ChallengeProgress,
    ChallengeState,
    ScoreDrift,
    Setup,
    ShownReference,
    challenge_progress,
    check_release,
    score_drift,
)
from domains.parts.station.part import InspectedPart
from domains.parts.station.recipe import ChallengeOptions
from domains.parts.station.records import CHALLENGE_PART, PACK, from_row
from domains.parts.station.spc import logit

CHALLENGE = "challenge"
_PASSED = "passed"
_RELEASED = "released"


def reference_parts_of(
    store: Store,
    station: str,
    *,
    after: int = 0,
    since: datetime | None = None,
    limit: int | None = None,
) -> list[InspectedPart]:
    """Return the showings of reference parts, the newest first.

    Raises:
        StoreError: The database failed.
    """
    rows = pack_rows.rows_of(
        store, PACK, CHALLENGE_PART, station, after=after, since=since, limit=limit
    )
    return [from_row(row) for row in rows]


def last_passed(store: Store, station: str) -> ChallengePassed | None:
    """Return the station's last challenge that was passed; None before the first.

    Raises:
        StoreError: The database failed.
    """
    rows = pack_rows.rows_of(store, PACK, CHALLENGE, station, outcomes=[_PASSED], limit=1)
    if not rows:
        return None
    setup = dict(rows[0].body["setup"])
    since = datetime.fromisoformat(setup.pop("since"))
    return ChallengePassed(rows[0].at, Setup(**setup, since=since))


def open_challenge(store: Store, station: str, options: ChallengeOptions) -> ChallengeProgress:
    """Return where the challenge stands that began after the last one was passed or released.

    Raises:
        StoreError: The database failed.
    """
    ended = pack_rows.rows_of(store, PACK, CHALLENGE, station, limit=1)
    shown = reference_parts_of(store, station, after=ended[0].number if ended else 0)
    return challenge_progress(
        options,
        [ShownReference(one.trigger.challenge, one.verdict) for one in reversed(shown)],
    )


def close_challenge(
    store: Store, station: str, options: ChallengeOptions, setup: Setup
) -> ChallengeProgress:
    """Return where the challenge stands, and put it on record if it has just been passed.

    Args:
        store: The store.
        station: Name of the station.
        options: The recipe's reference parts.
        setup: What it was passed for.

    Raises:
        StoreError: The database failed.
    """
    progress = open_challenge(store, station, options)
    if progress.state is ChallengeState.PASSED:
        body = {
            "setup": {**asdict(setup), "since": setup.since.isoformat()},
            "rejected_bad": progress.rejected_bad,
            "rejected_good": list(progress.rejected_good),
            "shown": progress.shown,
        }
        _end(store, station, _PASSED, body, actor=station)
    return progress


def release_challenge(store: Store, station: str, *, who: str, role: str, reason: str) -> None:
    """Put on record that a lead looked at a failed challenge; it begins anew.

    Raises:
        ConfigError: The person is no lead, or gives no reason.
        StoreError: The database failed.
    """
    check_release(role, reason)
    _end(store, station, _RELEASED, {"role": role, "reason": reason.strip()}, actor=who)


def score_drifts(
    store: Store, station: str, options: ChallengeOptions
) -> dict[str, ScoreDrift | None]:
    """Return how far each bad reference part's score has drifted; None with too few showings.

    Raises:
        StoreError: The database failed.
    """
    scores: dict[str, list[float]] = defaultdict(list)
    for one in reversed(reference_parts_of(store, station)):
        if one.score is not None:
            scores[one.trigger.challenge].append(one.score)
    return {name: score_drift(logit(np.array(scores[name]))) for name in options.bad}


def _end(store: Store, station: str, outcome: str, body: dict[str, object], *, actor: str) -> None:
    with writing(store) as connection:
        shown = pack_rows.last_number(connection, PACK, CHALLENGE_PART, station)
        revision = pack_rows.revisions(connection, PACK, CHALLENGE, station, shown)
        row = PackRow(
            PACK, CHALLENGE, station, shown, now(), outcome=outcome, body=body, revision=revision
        )
        pack_rows.add(connection, [row], actor=actor)

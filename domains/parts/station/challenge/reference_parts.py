"""The showings of reference parts in the store: what was passed, and how their scores drift."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

import numpy as np

from core.records import pack_rows
from core.records.connection import Store
from domains.parts.station.challenge.challenge import ScoreDrift, score_drift
from domains.parts.station.part import InspectedPart
from domains.parts.station.recipe import ChallengeOptions
from domains.parts.station.records.parts import CHALLENGE_PART, PACK, from_row
from domains.parts.station.result import LineResult
from domains.parts.station.spc.control_charts import logit


def reference_parts_of(
    store: Store, station: str, *, since: datetime | None = None, limit: int | None = None
) -> list[InspectedPart]:
    """Return the showings of reference parts, the newest first.

    Raises:
        StoreError: The database failed.
    """
    rows = pack_rows.rows_of(store, PACK, CHALLENGE_PART, station, since=since, limit=limit)
    return [from_row(row) for row in rows]


def passed_bad_since(
    store: Store, station: str, options: ChallengeOptions, since: datetime | None
) -> list[str]:
    """Return the bad reference parts that the station passed since then.

    Each is on record before anything leaves, so this holds where the process was killed before the
    end of the challenge was.

    Raises:
        StoreError: The database failed.
    """
    shown = reference_parts_of(store, station, since=since)
    passed = {one.trigger.challenge for one in shown if one.result is LineResult.PASS}
    return [name for name in options.bad if name in passed]


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

"""The start-of-shift challenge: reference parts prove that the station still rejects bad ones.

Pure functions of what is on record. Until the challenge is passed no part of the line is judged;
one bad reference part passed stops the line until a lead has looked, and then it starts anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, StrEnum

import numpy as np

from core.decision.certificate import best_alpha
from core.decision.rate import percentage
from core.errors import ConfigError
from core.types import F64
from domains.parts.station.recipe import ChallengeOptions
from domains.parts.station.result import LineReason, LineResult, LineVerdict
from domains.parts.station.user import StationUser

_CONFIDENCE = 0.95
_BASELINE = 10
_ENOUGH = 5
_TAIL = 0.00135
# A reference part rejected for another reason, such as a late or a stale frame, proves nothing.
_BY_PICTURE = frozenset({LineReason.DEFECT, LineReason.AMBIGUOUS, LineReason.NOVEL})


class ChallengeDue(Enum):
    """Why the reference parts have to be shown."""

    NEVER_PASSED = "They were never shown."
    HOURS = "The last time is too long ago."
    CHANGEOVER = "The recipe was changed since."
    BUNDLE = "Another bundle judges now."
    CAMERA = "A camera or its settings were changed since."
    CLOCK = "The last time lies in the future: check the clock."


@dataclass(frozen=True, slots=True)
class Setup:
    """What a challenge is about; if it changes, the challenge is due again.

    Attributes:
        recipe: Number of the recipe.
        bundle_sha256: Digest of the bundle that judges.
        cameras: Identity and settings of the cameras, as text.
        since: When the recipe became active, UTC.
    """

    recipe: int
    bundle_sha256: str
    cameras: str
    since: datetime


@dataclass(frozen=True, slots=True)
class ChallengePassed:
    """A challenge that was passed: when, UTC, and of what."""

    at: datetime
    setup: Setup


def challenge_due(
    last: ChallengePassed | None, now: datetime, setup: Setup, hours: float
) -> tuple[ChallengeDue, ...]:
    """Return every reason why the challenge is due; none while the last one holds.

    Args:
        last: The station's last challenge that was passed, of whatever recipe.
        now: UTC.
        setup: The present one.
        hours: How long a challenge holds.
    """
    if last is None:
        return (ChallengeDue.NEVER_PASSED,)
    then = last.setup
    is_changed = then.recipe != setup.recipe or last.at < setup.since
    reasons = {
        ChallengeDue.CLOCK: last.at > now,
        ChallengeDue.HOURS: now - last.at >= timedelta(hours=hours),
        ChallengeDue.CHANGEOVER: is_changed,
        ChallengeDue.BUNDLE: then.bundle_sha256 != setup.bundle_sha256,
        ChallengeDue.CAMERA: then.cameras != setup.cameras,
    }
    return tuple(reason for reason, holds in reasons.items() if holds)


class ChallengeState(StrEnum):
    """Where a challenge stands."""

    RUNNING = "running"
    PASSED = "passed"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class ShownReference:
    """A reference part as it was judged."""

    name: str
    verdict: LineVerdict


@dataclass(frozen=True, slots=True)
class ChallengeProgress:
    """Where a challenge stands after the parts shown so far.

    Attributes:
        state: Passed once every part was judged as expected; failed once a bad one passed.
        outstanding: Parts still to be shown, or to be shown again.
        passed_bad: Bad parts that the station passed.
        rejected_good: Good parts that were rejected, even if they passed when shown again.
        rejected_bad: How many bad parts were rejected for what the picture shows.
        shown: How many showings there were.
    """

    state: ChallengeState
    outstanding: tuple[str, ...]
    passed_bad: tuple[str, ...]
    rejected_good: tuple[str, ...]
    rejected_bad: int
    shown: int

    @property
    def sentence(self) -> str:
        """What to do, or what the challenge proves."""
        if self.state is ChallengeState.FAILED:
            parts = ", ".join(self.passed_bad)
            return f"Bad reference parts were passed: {parts}. The line stands; a lead releases it."
        if self.state is ChallengeState.RUNNING:
            return f"Show the reference parts {', '.join(self.outstanding)}."
        again = f" Good parts rejected at first: {', '.join(self.rejected_good)}."
        return f"Passed. {describe_proof(self.rejected_bad)}{again if self.rejected_good else ''}"


def challenge_progress(
    options: ChallengeOptions, shown: Sequence[ShownReference]
) -> ChallengeProgress:
    """Return where a challenge stands.

    A good part may be shown again until it passes: overkill harms no customer. A bad part that
    passed has failed the challenge, whatever it does when shown again. A bad part rejected for
    another reason than what its picture shows is shown again.

    Args:
        options: The recipe's reference parts.
        shown: The parts since the challenge began or was released, in the order shown; names that
            the recipe does not list are left out.
    """
    passed = {one.name for one in shown if one.verdict.result is LineResult.PASS}
    failed = {one.name for one in shown if one.verdict.result is LineResult.FAIL}
    proven = {one.name for one in shown if _is_rejected_by_picture(one.verdict)}
    passed_bad = tuple(name for name in options.bad if name in passed)
    rejected = [name for name in options.bad if name in proven and name not in passed]
    outstanding = tuple(name for name in options.bad if name not in proven | passed)
    outstanding += tuple(name for name in options.good if name not in passed)
    state = ChallengeState.RUNNING if outstanding else ChallengeState.PASSED
    return ChallengeProgress(
        state=ChallengeState.FAILED if passed_bad else state,
        outstanding=outstanding,
        passed_bad=passed_bad,
        rejected_good=tuple(name for name in options.good if name in failed),
        rejected_bad=len(rejected),
        shown=len(shown),
    )


def escape_bound(bad_parts: int) -> float:
    """Return what k of k bad parts rejected prove of the escape rate: ``1 - 0.05^(1/k)``.

    An exact upper bound at 95 % confidence for parts drawn like these; 1 where none was shown.
    """
    return best_alpha(bad_parts, _CONFIDENCE) if bad_parts else 1.0


def describe_proof(bad_parts: int) -> str:
    """Return what ``bad_parts`` of as many bad parts rejected prove, as a sentence."""
    return (
        f"{bad_parts} of {bad_parts} bad parts rejected prove with 95 % confidence that of defects "
        f"like these at most {percentage(escape_bound(bad_parts))} escape."
    )


@dataclass(frozen=True, slots=True)
class ScoreDrift:
    """How far a reference part's score has moved from its first showings.

    Attributes:
        sigmas: Distance in standard deviations of the baseline; signed.
        limit: Distance beyond which a warning is due: as seldom by chance as three known sigmas.
    """

    sigmas: float
    limit: float

    @property
    def is_warning(self) -> bool:
        """Whether the part is to be replaced, or the station looked at."""
        return abs(self.sigmas) > self.limit


def score_drift(scores: F64) -> ScoreDrift | None:
    """Return the drift of a reference part's newest score; None with too few to tell.

    The first 10 showings are the baseline, for ever: one that moved along would never see a part
    wear out. With a standard deviation out of few showings three of them are crossed by chance far
    more often than 0.27 %, so the limit is that of a prediction interval of that level (Student).

    Args:
        scores: The part's scores in the order shown, at best as log-odds (`spc.logit`).
    """
    baseline = scores[: min(_BASELINE, scores.size - 1)]
    if baseline.size < _ENOUGH:
        return None
    from scipy.stats import t  # takes half a second: imported where a drift is computed

    n = baseline.size
    limit = float(t.isf(_TAIL, n - 1)) * float(np.sqrt(1.0 + 1.0 / n))
    if float(np.ptp(baseline)) == 0.0:
        step = float(np.sign(scores[-1] - baseline[0]))
        return ScoreDrift(step * np.inf if step else 0.0, limit)
    return ScoreDrift(float((scores[-1] - baseline.mean()) / baseline.std(ddof=1)), limit)


def check_release(by: StationUser, reason: str) -> None:
    """Check that a failed challenge may be released. It then starts anew; nothing counts as passed.

    Args:
        by: The person.
        reason: What was found, in the person's words.

    Raises:
        ConfigError: The person is no lead, or gives no reason.
    """
    if not by.is_lead:
        raise ConfigError(
            f"A failed challenge is released by a lead, got the role {by.role.value!r}.",
            hint="Call a lead; the line stands until then.",
        )
    if not reason.strip():
        raise ConfigError(
            "A failed challenge is released with a reason, got none.",
            hint="Say what was found, such as a worn reference part.",
        )


def _is_rejected_by_picture(verdict: LineVerdict) -> bool:
    is_rejected = verdict.result is LineResult.FAIL
    return is_rejected and not _BY_PICTURE.isdisjoint(verdict.reasons)

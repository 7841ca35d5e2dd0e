"""A challenge is due when it has to be, passes by proof alone, and one bad part passed fails it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from core.errors import ConfigError
from domains.parts.station.challenge.challenge import (
    ChallengeDue,
    ChallengePassed,
    ChallengeState,
    Setup,
    ShownReference,
    challenge_due,
    challenge_progress,
    check_release,
    describe_proof,
    escape_bound,
    score_drift,
)
from domains.parts.station.recipe import ChallengeOptions
from domains.parts.station.result import LineReason, LineVerdict
from domains.parts.station.user import StationRole, StationUser

NOON = datetime(2026, 11, 29, 12, tzinfo=UTC)
SETUP = Setup(1, "a" * 64, "serial 7", NOON - timedelta(hours=20))
OPTIONS = ChallengeOptions(good=("g1", "g2", "g3"), bad=("b1", "b2", "b3"))
PASSED = LineVerdict.passed()
DEFECT = LineVerdict.because(LineReason.DEFECT)
LATE = LineVerdict.because(LineReason.LATE)


def due(hours_ago: float = 1.0, then: Setup = SETUP, now: Setup = SETUP):
    last = ChallengePassed(NOON - timedelta(hours=hours_ago), then)
    return challenge_due(last, NOON, now, 8.0)


def test_a_challenge_is_due_after_hours_changeover_bundle_camera_and_clock():
    assert challenge_due(None, NOON, SETUP, 8.0) == (ChallengeDue.NEVER_PASSED,)
    assert due(7.99) == ()
    assert due(8.0) == (ChallengeDue.HOURS,)
    assert due(-0.1) == (ChallengeDue.CLOCK,)
    assert due(then=Setup(2, "a" * 64, "serial 7", SETUP.since)) == (ChallengeDue.CHANGEOVER,)
    # There and back to the same recipe is a changeover too.
    returned = Setup(1, "a" * 64, "serial 7", NOON - timedelta(minutes=5))
    assert due(then=SETUP, now=returned) == (ChallengeDue.CHANGEOVER,)
    assert due(then=Setup(1, "b" * 64, "serial 7", SETUP.since)) == (ChallengeDue.BUNDLE,)
    assert due(then=Setup(1, "a" * 64, "serial 8", SETUP.since)) == (ChallengeDue.CAMERA,)
    assert due(9.0, then=Setup(1, "b" * 64, "serial 8", SETUP.since)) == (
        ChallengeDue.HOURS,
        ChallengeDue.BUNDLE,
        ChallengeDue.CAMERA,
    )


def test_a_challenge_passes_when_every_part_is_judged_as_expected():
    shown = []
    for name in ("g1", "b1", "b2", "g2", "g3"):
        shown.append(ShownReference(name, DEFECT if name[0] == "b" else PASSED))
        assert challenge_progress(OPTIONS, shown).state is ChallengeState.RUNNING
    progress = challenge_progress(OPTIONS, shown)
    assert progress.outstanding == ("b3",)
    assert progress.sentence == "Show the reference parts b3."
    progress = challenge_progress(OPTIONS, [*shown, ShownReference("b3", DEFECT)])
    assert progress.state is ChallengeState.PASSED
    assert progress.rejected_bad == 3
    assert "at most 63.2 %" in progress.sentence


def test_one_bad_part_passed_fails_it_for_good():
    shown = [ShownReference("b1", PASSED), ShownReference("b1", DEFECT)]
    shown += [ShownReference(name, DEFECT) for name in ("b2", "b3")]
    shown += [ShownReference(name, PASSED) for name in OPTIONS.good]
    progress = challenge_progress(OPTIONS, shown)
    assert progress.state is ChallengeState.FAILED
    assert progress.passed_bad == ("b1",)
    assert progress.rejected_bad == 2  # b1 was rejected too, and counts for nothing
    assert "a lead releases" in progress.sentence
    # The other way round as well: rejected first and passed afterwards.
    again = challenge_progress(
        OPTIONS, [ShownReference("b1", DEFECT), ShownReference("b1", PASSED)]
    )
    assert again.state is ChallengeState.FAILED


def test_a_bad_part_rejected_for_another_reason_proves_nothing():
    for reason in set(LineReason) - {LineReason.DEFECT, LineReason.AMBIGUOUS, LineReason.NOVEL}:
        shown = [ShownReference("b1", LineVerdict.because(reason))]
        assert "b1" in challenge_progress(OPTIONS, shown).outstanding, reason
    both = [ShownReference("b1", LineVerdict.because(LineReason.DEFECT, LineReason.CLOCK))]
    assert "b1" not in challenge_progress(OPTIONS, both).outstanding


def test_a_good_part_may_be_shown_again_and_is_named():
    shown = [
        ShownReference("g1", LATE),
        ShownReference("g1", PASSED),
        ShownReference("g2", PASSED),
        ShownReference("g3", PASSED),
    ]
    shown += [ShownReference(name, DEFECT) for name in OPTIONS.bad]
    progress = challenge_progress(OPTIONS, shown)
    assert progress.state is ChallengeState.PASSED
    assert progress.rejected_good == ("g1",)
    assert "Good parts rejected at first: g1." in progress.sentence
    assert progress.shown == 7


VERDICTS = st.sampled_from([PASSED, DEFECT, LATE, LineVerdict.because(LineReason.CAMERA_LOST)])


@given(
    st.lists(
        st.builds(
            ShownReference, st.sampled_from([*OPTIONS.good, *OPTIONS.bad, "stray"]), VERDICTS
        ),
        max_size=30,
    )
)
def test_no_order_of_showings_passes_without_the_proof(shown):
    progress = challenge_progress(OPTIONS, shown)
    passed = {one.name for one in shown if one.verdict is PASSED}
    proven = {one.name for one in shown if one.verdict is DEFECT}
    is_passed = proven >= set(OPTIONS.bad) and passed >= set(OPTIONS.good)
    is_failed = bool(passed & set(OPTIONS.bad))
    assert (progress.state is ChallengeState.FAILED) == is_failed
    assert (progress.state is ChallengeState.PASSED) == (is_passed and not is_failed)


@pytest.mark.parametrize("k", [1, 3, 10, 59, 299])
def test_the_proof_is_exact(k):
    bound = escape_bound(k)
    assert bound == pytest.approx(1 - 0.05 ** (1 / k))
    # With that escape rate k bad parts are all rejected with probability 5 %, by scipy.
    assert binom.pmf(0, k, bound) == pytest.approx(0.05)
    assert f"{k} of {k}" in describe_proof(k)
    assert escape_bound(0) == 1.0


def test_a_worn_reference_part_warns_and_a_steady_one_as_seldom_as_three_sigma():
    rng = np.random.default_rng(8)
    steady = rng.normal(2.0, 0.1, (40_000, 11))
    warned = np.mean([score_drift(scores).is_warning for scores in steady[:4000]])
    assert warned == pytest.approx(0.0027, abs=0.003)
    # Three standard deviations of ten showings would warn six times as often.
    z = (steady[:, -1] - steady[:, :10].mean(1)) / steady[:, :10].std(1, ddof=1)
    assert (np.abs(z) > 3).mean() > 5 * 0.0027
    # It wears by a tenth of a sigma at each showing: the baseline does not move along.
    worn = 2.0 + 0.1 * rng.standard_normal(80) - 0.01 * np.arange(80)
    assert score_drift(worn[:12]).is_warning is False
    drift = score_drift(worn)
    assert drift.is_warning
    assert drift.sigmas < -drift.limit


def test_a_drift_needs_a_baseline():
    assert score_drift(np.arange(5.0)) is None
    assert score_drift(np.zeros(0)) is None
    constant = score_drift(np.array([0.2] * 8 + [0.3]))
    assert constant.is_warning
    assert constant.sigmas == np.inf
    assert score_drift(np.full(9, 0.2)).sigmas == 0.0


def test_a_failed_challenge_is_released_by_a_lead_with_a_reason():
    check_release(StationUser("Ann", StationRole.LEAD), "the part b1 was worn")
    with pytest.raises(ConfigError, match="released by a lead, got the role 'operator'"):
        check_release(StationUser("Ann", StationRole.OPERATOR), "worn")
    with pytest.raises(ConfigError, match="with a reason"):
        check_release(StationUser("Ann", StationRole.LEAD), "  ")

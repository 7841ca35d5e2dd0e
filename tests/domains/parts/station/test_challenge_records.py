"""Where a challenge stands is in the store: a restart neither passes nor releases it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core.errors import ConfigError
from core.records import audit, pack_rows
from core.records.connection import writing
from core.records.pack_rows import PackRow
from core.records.values import now
from domains.parts.station.challenge import ChallengeDue, ChallengeState, Setup, challenge_due
from domains.parts.station.challenge_records import (
    close_challenge,
    last_passed,
    open_challenge,
    reference_parts_of,
    release_challenge,
    score_drifts,
)
from domains.parts.station.recipe import ChallengeOptions
from domains.parts.station.records import CHALLENGE_PART, PACK, PartRecorder
from domains.parts.station.result import LineReason, LineVerdict
from tests.domains.parts.station.test_records import a_draft

OPTIONS = ChallengeOptions(good=("g1", "g2", "g3"), bad=("b1", "b2", "b3"))
SETUP = Setup(3, "a" * 64, "serial 7", datetime(2026, 11, 1, tzinfo=UTC))
PASSED, DEFECT = LineVerdict.passed(), LineVerdict.because(LineReason.DEFECT)


@pytest.fixture
def show(store):
    """Show reference parts to the station; by default each is judged as expected."""
    recorder = PartRecorder(store, "line 1")
    recorder.start()
    count = iter(range(1, 1000))

    def _show(*names, verdict=None):
        for name in names:
            expected = PASSED if name.startswith("g") else DEFECT
            recorder.commit(a_draft(next(count), verdict or expected, challenge=name))

    return _show


def test_a_challenge_is_passed_once_and_is_on_record(store, show):
    assert last_passed(store, "line 1") is None
    show("b1", "b2", "g1")
    progress = close_challenge(store, "line 1", OPTIONS, SETUP)
    assert (progress.state, progress.outstanding) == (ChallengeState.RUNNING, ("b3", "g2", "g3"))
    assert last_passed(store, "line 1") is None
    show("b3", "g2", "g3")
    assert close_challenge(store, "line 1", OPTIONS, SETUP).state is ChallengeState.PASSED
    passed = last_passed(store, "line 1")
    assert passed is not None
    assert passed.setup == SETUP
    assert challenge_due(passed, now(), SETUP, 8.0) == ()
    assert last_passed(store, "line 2") is None
    # The next one begins with nothing shown.
    assert open_challenge(store, "line 1", OPTIONS).shown == 0
    assert audit.verify(store).faults == ()


def test_a_failed_challenge_stays_failed_until_a_lead_releases_it(store, show):
    show("b1", verdict=PASSED)
    show("b1", "b2", "b3", "g1", "g2", "g3")
    for _ in range(2):  # also after a restart: it follows from the rows
        assert close_challenge(store, "line 1", OPTIONS, SETUP).state is ChallengeState.FAILED
    with pytest.raises(ConfigError, match="released by a lead"):
        release_challenge(store, "line 1", who="Eva", role="operator", reason="worn")
    assert open_challenge(store, "line 1", OPTIONS).state is ChallengeState.FAILED
    release_challenge(store, "line 1", who="Ada", role="lead", reason="b1 was worn")
    progress = open_challenge(store, "line 1", OPTIONS)
    assert (progress.state, progress.shown) == (ChallengeState.RUNNING, 0)
    # Released is not passed.
    assert last_passed(store, "line 1") is None
    assert challenge_due(None, now(), SETUP, 8.0) == (ChallengeDue.NEVER_PASSED,)
    show("b1", "b2", "b3", "g1", "g2", "g3")
    assert close_challenge(store, "line 1", OPTIONS, SETUP).state is ChallengeState.PASSED
    assert audit.verify(store).faults == ()


def test_a_release_without_a_new_showing_may_be_repeated(store):
    for _ in range(2):
        release_challenge(store, "line 1", who="Ada", role="lead", reason="looked at it")
    assert audit.verify(store).faults == ()


def test_reference_parts_are_read_apart_from_the_line(store, show):
    show("b1", "g1")
    assert [one.trigger.challenge for one in reference_parts_of(store, "line 1")] == ["g1", "b1"]


def test_the_drift_of_each_bad_part_is_read_from_its_showings(store):
    scores = [0.90, 0.91, 0.89, 0.90, 0.92, 0.88, 0.91, 0.90, 0.89, 0.90]
    body = {
        "part_seq": 0, "recipe": 3, "challenge": "b1", "product": "welds", "reasons": ["DEFECT"],
        "decisions": [], "bundle_sha256": "", "policy": "", "elapsed_us": 1, "detail": "",
    }  # fmt: skip
    rows = [
        PackRow(PACK, CHALLENGE_PART, "line 1", n, now(), "b1", "FAIL", score, body)
        for n, score in enumerate([*scores, 0.89, 0.60], 1)
    ]
    with writing(store) as connection:
        pack_rows.add(connection, rows[:11], actor="test")
    drifts = score_drifts(store, "line 1", OPTIONS)
    assert drifts["b2"] is None
    assert drifts["b1"] is not None
    assert not drifts["b1"].is_warning
    with writing(store) as connection:
        pack_rows.add(connection, rows[11:], actor="test")
    worn = score_drifts(store, "line 1", OPTIONS)["b1"]
    assert worn is not None
    assert worn.is_warning
    assert worn.sigmas < 0

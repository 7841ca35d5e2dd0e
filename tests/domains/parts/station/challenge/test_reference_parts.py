"""Reference parts are read apart from the line's; a bad one passed is found after a kill too."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core.records import pack_rows
from core.records.connection import writing
from core.records.pack_rows import PackRow
from core.records.values import now
from domains.parts.station.challenge.challenge import ChallengeState, Setup, challenge_progress
from domains.parts.station.challenge.interlock import (
    read_interlock,
    record_challenge,
    record_release,
)
from domains.parts.station.challenge.reference_parts import (
    passed_bad_since,
    reference_parts_of,
    score_drifts,
)
from domains.parts.station.recipe import ChallengeOptions
from domains.parts.station.records.parts import CHALLENGE_PART, PACK, PartRecorder, parts_of
from domains.parts.station.result import LineReason, LineVerdict
from domains.parts.station.user import StationRole, StationUser
from tests.domains.parts.station.records.test_parts import a_draft

OPTIONS = ChallengeOptions(good=("g1", "g2", "g3"), bad=("b1", "b2", "b3"))
SETUP = Setup(3, "a" * 64, "serial 7", datetime(2026, 11, 1, tzinfo=UTC))
PASSED, DEFECT = LineVerdict.passed(), LineVerdict.because(LineReason.DEFECT)


@pytest.fixture
def show(store):
    recorder = PartRecorder(store, "line 1")
    recorder.start()
    count = iter(range(1, 1000))

    def _show(*names, verdict):
        for name in names:
            recorder.commit(a_draft(next(count), verdict, challenge=name))

    return _show


def test_reference_parts_are_read_apart_from_the_line(store, show):
    show("b1", "", "g1", verdict=DEFECT)
    assert [one.trigger.challenge for one in reference_parts_of(store, "line 1")] == ["g1", "b1"]
    assert [one.trigger.number for one in parts_of(store, "line 1")] == [2]
    assert reference_parts_of(store, "line 2") == []


def test_a_bad_part_passed_holds_the_line_after_a_kill_until_a_lead_releases(store, show):
    """The process ends between the part's row and the challenge's: the last pass still holds."""
    progress = challenge_progress(OPTIONS, [])
    record_challenge(store, "line 1", ChallengeState.PASSED, progress, SETUP)
    assert not read_interlock(store, "line 1", OPTIONS, SETUP).holds_line(now())
    show("b2", "g1", verdict=PASSED)
    assert passed_bad_since(store, "line 1", OPTIONS, None) == ["b2"]
    interlock = read_interlock(store, "line 1", OPTIONS, SETUP)
    assert interlock.is_failed
    assert interlock.holds_line(now())
    record_release(store, "line 1", StationUser("Ada", StationRole.LEAD), "b2 was worn")
    assert not read_interlock(store, "line 1", OPTIONS, SETUP).is_failed


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

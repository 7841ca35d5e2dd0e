"""A whole station with a drawn camera and a PLC in process: every trigger is answered once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from threading import Event as Flag

import pytest

from core.records import audit
from core.settings import Settings
from domains.parts.station.faults.plates import draw_plate
from domains.parts.station.faults.rig import Rig
from domains.parts.station.records import parts_of
from domains.parts.station.result import LineReason, LineResult

pytestmark = pytest.mark.trained


@pytest.fixture
def rig(rig_home: Path) -> Iterator[Rig]:
    # A busy machine must not make parts late that the test expects to pass.
    with Rig(Settings(home=rig_home), deadline_ms=3000) as running:
        yield running


def test_good_parts_pass_and_scratched_ones_fail_each_answered_once_and_on_record(rig):
    known = len(parts_of(rig.store, "rig"))
    answers = [rig.plc.inspect(n, 5.0) for n in range(1, 11)]
    rig.camera.draw = lambda rng: draw_plate(rng, 0.8)
    answers += [rig.plc.inspect(n, 5.0) for n in range(11, 21)]
    assert Counter(one.result for one in answers[:10])[LineResult.PASS] >= 9
    assert [(one.result, one.reason) for one in answers[10:]] == [(LineResult.FAIL, 1)] * 10
    parts = parts_of(rig.store, "rig")[::-1][known:]
    assert [part.trigger.part_seq for part in parts] == list(range(1, 21))
    assert [part.result for part in parts] == [one.result for one in answers]
    assert all(part.decisions and part.bundle_sha256 and part.policy for part in parts)
    assert audit.verify(rig.store).faults == ()


def test_a_part_that_is_not_judged_in_time_fails_and_the_record_says_so(rig):
    hold = Flag()
    rig.camera.before = lambda: hold.wait(4.0)
    late = rig.plc.inspect(7, 5.0)
    hold.set()
    rig.camera.before = lambda: None
    assert (late.result, late.reason) == (LineResult.FAIL, LineReason.LATE.number)
    after = rig.plc.inspect(8, 5.0)
    assert after.result is not None
    newest = parts_of(rig.store, "rig", limit=2)
    assert [part.trigger.part_seq for part in newest] == [8, 7]
    assert newest[1].reasons == (LineReason.LATE,)

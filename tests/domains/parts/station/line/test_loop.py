"""A whole station with a drawn camera and a PLC in process: every trigger is answered once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from threading import Event as Flag
from threading import Thread, active_count
from time import monotonic, sleep

import pytest

from core.records import audit
from core.settings import Settings
from domains.parts.station.faults.plates import draw_plate
from domains.parts.station.faults.rig import OTHER_RECIPE, Rig
from domains.parts.station.ports import Command
from domains.parts.station.records.parts import parts_of
from domains.parts.station.result import LineReason, LineResult
from tests.domains.parts.station.inspected import wait_for

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
    # Nothing of it is remembered: a line that is late now and then runs for months.
    assert rig.line._under_way._left == rig.inspector._answered == {}


def test_a_recipe_is_changed_between_parts_and_a_failed_change_keeps_the_old_one(rig):
    assert rig.plc.inspect(1, 5.0).result is LineResult.PASS
    rig.plc.command(OTHER_RECIPE)
    assert rig.plc.wait_for_command(10.0) is True
    assert rig.plc.enable(10.0)
    assert rig.plc.block().recipe_active == OTHER_RECIPE
    assert rig.plc.inspect(2, 5.0).result is LineResult.PASS
    rig.plc.command(77)
    assert rig.plc.wait_for_command(10.0) is False
    assert rig.plc.inspect(3, 5.0).result is LineResult.PASS
    assert [part.trigger.recipe for part in parts_of(rig.store, "rig")] == [2, 2, 1]


def test_of_two_recipes_asked_for_at_once_the_newer_counts_and_both_learn_of_it(rig):
    answers: dict[str, bool] = {}
    for number in ("2", "1"):
        rig.line.post(
            Command(0.0, "recipe", number, lambda ok, _, n=number: answers.update({n: ok}))
        )
    deadline = monotonic() + 10.0
    while len(answers) < 2 and monotonic() < deadline:
        sleep(0.02)
    assert answers == {"2": False, "1": True}
    assert rig.plc.block().recipe_active == 1


def test_a_changeover_waits_for_no_bundle_that_is_being_opened(rig):
    hold = Flag()
    rig.camera.before = lambda: hold.wait(20.0)
    answers: list[bool] = []
    # A part under way keeps the prepared recipe waiting.
    Thread(target=rig.plc.inspect, args=(1, 10.0), daemon=True).start()
    wait_for(lambda: rig.plc.block().inspecting, "the part")
    rig.line.post(Command(0.0, "recipe", str(OTHER_RECIPE), lambda ok, _: answers.append(ok)))
    wait_for(lambda: rig.line._pending is not None, "the prepared recipe")
    with rig.judges._lock:  # as while a bundle is opened, which takes seconds
        hold.set()
        rig.camera.before = lambda: None
        wait_for(lambda: answers, "the changeover")
        assert answers == [True]
        assert rig.plc.block().recipe_active == OTHER_RECIPE
        assert all(rig.plc.has_heartbeat(2.0) for _ in range(5))


def test_a_station_without_a_bundle_says_so_and_starts_once_there_is_one(rig_home):
    home = rig_home
    own = home / "bundles"
    aside = home / "bundles aside"
    own.rename(aside)
    with Rig(Settings(home=home), deadline_ms=3000, ready_s=None) as rig:
        wait_for(lambda: rig.plc.problems, "the problem")
        assert "has no bundle" in rig.plc.problems[0]
        aside.rename(own)
        assert rig.plc.enable(20.0)
        assert rig.plc.inspect(1, 5.0).result is LineResult.PASS
        wait_for(lambda: not rig.plc.problems, "its end")


def test_commands_that_make_no_sense_stop_nothing(rig):
    answers: list[tuple[bool, str]] = []
    for argument in ("9" * 5000, "-1", "", "1; DROP", "\N{ARABIC-INDIC DIGIT TWO}"):
        command = Command(0.0, "recipe", argument, lambda *answer: answers.append(answer))
        rig.line.post(command)
    rig.line.post(Command(0.0, "\x1b[2J", "x", lambda *answer: answers.append(answer)))
    wait_for(lambda: len(answers) == 6, "the answers")
    assert not any(is_done for is_done, _ in answers)
    assert all(sentence.isprintable() and len(sentence) < 200 for _, sentence in answers)
    assert rig.plc.inspect(1, 5.0).result is LineResult.PASS


def test_a_flood_of_recipe_changes_is_answered_one_by_one_and_the_last_counts(rig):
    answers: list[tuple[int, bool]] = []
    before = active_count()
    for number in range(300):
        wanted = str(1 + number % 2)
        rig.line.post(
            Command(0.0, "recipe", wanted, lambda ok, _, n=number: answers.append((n, ok)))
        )
    most = 0
    deadline = monotonic() + 30.0
    while len(answers) < 300 and monotonic() < deadline:
        most = max(most, active_count())
        sleep(0.002)
    assert sorted(number for number, _ in answers) == list(range(300))
    assert dict(answers)[299]
    assert most <= before + 3
    wait_for(lambda: rig.plc.block().recipe_active == 2, "the last recipe")


def test_whatever_fails_at_a_deployment_the_next_one_is_followed(rig, monkeypatch):
    def fail(*_):
        raise ValueError("a file of the bundle is no JSON")

    with monkeypatch.context() as patch:
        patch.setattr(rig.judges._deployed, "judge_of", fail)
        wait_for(lambda: rig.plc.problems, "the problem")
        assert "ValueError" in rig.plc.problems[0]
        failed = rig.plc.inspect(1, 5.0)
        assert failed.reason == LineReason.BUNDLE.number
    wait_for(lambda: not rig.plc.problems, "its end")
    assert rig.plc.inspect(2, 5.0).result is LineResult.PASS


def test_ids_of_a_plc_that_are_no_text_pass_no_part(rig):
    answer = rig.plc.inspect(1, 5.0, part_id="A\x1b[2J\n")
    assert answer.reason == LineReason.ID_UNREAD.number
    (part,) = parts_of(rig.store, "rig", limit=1)
    assert part.part_id == ""

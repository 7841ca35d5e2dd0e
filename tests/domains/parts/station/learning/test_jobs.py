"""Learning asked for on the board: the station that runs captures, learns and then judges."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event as Flag
from threading import Thread

import numpy as np
import pytest

from core.errors import ConfigError
from core.jobs.worker import work
from core.people import Person
from core.records.connection import Store
from core.records.deployments import history
from core.records.job import State
from core.service.review.explanations import Explainer
from core.service.store import open_store
from core.settings import Settings
from domains.parts.station.learning.asking import (
    LEARN,
    LOOK,
    LearnSpec,
    LookSpec,
    Spec,
    ask,
    status_of,
)
from domains.parts.station.learning.folder import GOOD, PartPicture, place_of
from domains.parts.station.learning.jobs import add_defects
from domains.parts.station.learning.named_defects import NamedDefect, named_defects
from domains.parts.station.learning.parts_shown import last_part, parts_shown
from domains.parts.station.line.station import run_station
from domains.parts.station.options import TriggerOptions
from domains.parts.station.part import CapturedFrame, InspectedPart, Trigger
from domains.parts.station.recipe import (
    CameraOptions,
    PartIdOptions,
    Recipe,
    StationFile,
    keep_station,
)
from domains.parts.station.records.naming import name_defect
from domains.parts.station.records.parts import Draft, PartRecorder, parts_of
from domains.parts.station.result import LineReason, LineResult, LineVerdict
from domains.parts.station.user import StationUser
from tests.domains.parts.station.inspected import wait_for
from tests.domains.parts.station.learning.test_learn import make_home, png

LONG_S = 240.0

EVA = Person.alone("Eva")


def station_at(root: Path) -> StationFile:
    recipe = Recipe(
        number=1,
        product="plates",
        deadline_ms=5000,
        cameras=(CameraOptions(name="top", source=str(root / "camera")),),
        part_id=PartIdOptions(source="file_name"),
        allow_uncertified=True,
    )
    trigger = TriggerOptions(settle_ms=0)
    return StationFile(name="cap", trigger=trigger, recipes=(recipe,), reserve_mb=1)


@contextmanager
def running(station: StationFile, settings: Settings) -> Iterator[None]:
    stop = Flag()
    thread = Thread(target=run_station, args=(station, settings), kwargs={"stop": stop})
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(60.0)
    assert not thread.is_alive()


def done(store: Store, kind: str) -> dict:
    def state() -> State:
        found = status_of(store, kind, "cap", 1)
        assert found is not None
        assert found.state not in {State.FAILED, State.GIVEN_UP}, found.problem
        return found.state

    wait_for(lambda: state() is State.DONE, f"{kind} to be done", LONG_S)
    return dict(status_of(store, kind, "cap", 1).result)


@pytest.mark.slow
@pytest.mark.trained
def test_a_station_without_a_bundle_captures_learns_beside_the_line_and_then_judges(
    tmp_path, network_home
):
    settings, station = Settings(home=make_home(tmp_path, network_home)), station_at(tmp_path)
    (tmp_path / "camera").mkdir()
    rng = np.random.default_rng(3)

    def show(name: str, scratch: float = 0.0) -> InspectedPart:
        hidden = tmp_path / "camera" / f"{name}.part"
        hidden.write_bytes(png(rng, scratch))
        hidden.rename(hidden.with_suffix(".png"))
        wait_for(lambda: name in [p.part_id for p in parts_of(store, "cap", limit=3)], name, 30.0)
        return next(p for p in parts_of(store, "cap", limit=3) if p.part_id == name)

    store = open_store(settings)
    with running(station, settings):
        for number in range(20):
            captured = show(f"P{number:02}")
            assert captured.verdict == LineVerdict.because(LineReason.NOT_CERTIFIED)
        show("smuggled", 0.6)
        recipe = station.recipes[0]
        parts = parts_shown(store, "cap", recipe, limit=100)
        assert [one.problem for one in parts] == [""] * 21
        ask(store, LookSpec("cap", 1, numbers=tuple(one.number for one in parts)), EVA)
        looked = done(store, LOOK)
        assert looked["refused"] == []
        assert [one["group"] for one in looked["parts"] if one["is_odd"]] == ["smuggled"]

        ask(
            store,
            LearnSpec("cap", 1, StationUser("Eva"), takes_good=True, left_out=("smuggled",)),
            EVA,
        )
        learned = done(store, LEARN)
        assert learned["parts"] == {"good": 20}
        assert "0 defects shown; 59 needed for 5 %" in " ".join(learned["sentences"])
        (deployed,) = history(store, "parts", "plates")
        assert (deployed.number, deployed.deployed_by) == (learned["deployment"], "Eva")

        # The line that captured judges from now on, and nobody changed it over.
        wait_for(lambda: bool(show(f"W{rng.integers(10**9)}").decisions), "judging", 30.0)
        good = [show(f"G{number}").result for number in range(8)]
        assert good.count(LineResult.PASS) >= 6  # 5 % are called out on average
        bad = [show(f"B{number}", 0.8) for number in range(4)]
        assert {part.result for part in bad} == {LineResult.FAIL}

        explainer = Explainer(store, settings)
        for part in bad:
            name_defect(store, explainer, part, "tiefer Riß", by=StationUser("Eva"))
        explainer.close()
        place = place_of(settings.home, station, recipe)
        named = named_defects(store, "cap", recipe, place.data.groups()[GOOD])
        assert {one.number for one in named} == {part.trigger.number for part in bad}
        ask(store, LearnSpec("cap", 1, StationUser("Eva"), defects=tuple(named)), EVA)
        learned = done(store, LEARN)
        assert learned["parts"] == {"good": 20, "tiefer Riß": 4}
        assert learned["refused"] == []
    groups = set().union(*place.data.groups().values())
    assert named_defects(store, "cap", recipe, groups) == []
    store.close()


def on_record(recorder: PartRecorder, number: int, *reasons: LineReason, recipe: int = 1) -> bytes:
    data = png(np.random.default_rng(number))
    frame = CapturedFrame("top", data, number, 0.0, None, "", 9, "top.png")
    trigger = Trigger(number, 0.0, recipe=recipe)
    verdict = LineVerdict.because(*reasons or (LineReason.NOT_CERTIFIED,))
    recorder.commit(Draft(trigger, verdict, "", "plates", [frame]))
    return data


def test_what_was_taken_badly_is_no_part_to_learn_from(store, tmp_path):
    recorder, recipe = PartRecorder(store, "cap"), station_at(tmp_path).recipes[0]
    assert last_part(store, "cap") == 0
    on_record(recorder, 1)
    on_record(recorder, 2, LineReason.DEFECT)
    on_record(recorder, 3, LineReason.FRAME_STALE, LineReason.NOT_CERTIFIED)
    on_record(recorder, 4, recipe=2)
    recorder.commit(Draft(Trigger(5, 0.0, recipe=1), LineVerdict.because(LineReason.LATE), "", "p"))
    found = {one.number: one.problem for one in parts_shown(store, "cap", recipe, limit=9)}
    assert found == {
        1: "",
        2: "",
        3: LineReason.FRAME_STALE.sentence,
        5: LineReason.LATE.sentence,
    }
    assert [one.number for one in parts_shown(store, "cap", recipe, after=2, limit=9)] == [5, 3]
    assert last_part(store, "cap") == 5


def test_a_part_that_was_learned_as_good_is_refused_as_a_defect_and_the_others_are_taken(
    store, tmp_path
):
    station = station_at(tmp_path)
    recipe, recorder = station.recipes[0], PartRecorder(store, "cap")
    place = place_of(tmp_path, station, recipe)
    first = on_record(recorder, 1)
    on_record(recorder, 2)
    place.data.add(GOOD, [PartPicture("1.png", "cap.1", first)])
    defects = (NamedDefect(1, "dent"), NamedDefect(2, "dent"), NamedDefect(9, "ok"))
    refused = add_defects(store, "cap", recipe, place, defects)
    assert place.data.groups() == {GOOD: {"cap.1"}, "dent": {"cap.2"}}
    assert [one.partition(":")[0] for one in refused] == ["part 1", "part 9"]
    assert "is learned as good already" in refused[0]
    assert "No defect can be called 'ok'" in refused[1]


def test_what_fails_says_why_and_can_be_asked_for_again(store, settings, tmp_path):
    keep_station(settings.home, station_at(tmp_path))
    (tmp_path / "few").mkdir()

    def problem_of(spec: Spec) -> str:
        ask(store, spec, EVA)
        work([], store, settings, stop=Flag(), once=True, lanes=["train"])
        kind = LOOK if isinstance(spec, LookSpec) else LEARN
        found = status_of(store, kind, spec.station, spec.recipe)
        assert found.state is State.FAILED
        return found.problem

    assert problem_of(LookSpec("cap", 1, tmp_path / "none")).startswith("There is no folder")
    few = problem_of(LookSpec("cap", 1, tmp_path / "few"))
    assert few.startswith("0 good parts were shown, 0 are there in all; expected at least 5.")
    assert problem_of(LearnSpec("cap", 7, StationUser("Eva"))).startswith("There is no recipe 7")
    assert "Start the station other once" in problem_of(LookSpec("other", 1))
    with pytest.raises(ConfigError, match="Nobody answers"):
        ask(store, replace(LearnSpec("cap", 1, StationUser(" "))), EVA)

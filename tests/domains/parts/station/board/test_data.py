"""A board reads the store and the status file: what it shows is what lies there."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Event, Thread

import pytest

from core.errors import ConfigError, DataError, PermissionDenied
from core.records import audit, pack_rows
from core.records.connection import writing
from core.records.final_reads import final_reads
from core.records.read_plans import ReadPlan, set_plan
from core.records.store import decision
from core.service.review.explanations import Explainer
from core.types import Disposition
from domains.parts import pack
from domains.parts.station.board.baseline import accept_baseline, baseline_parts
from domains.parts.station.board.data import BoardReader
from domains.parts.station.board.status_file import StatusFile
from domains.parts.station.plc.blocks import StatusBlock, encode_status
from domains.parts.station.records.naming import defect_names, name_defect
from domains.parts.station.records.parts import PartRecorder, parts_of, to_row
from domains.parts.station.result import LineReason, LineVerdict
from domains.parts.station.user import StationUser
from tests.domains.parts.station.board.test_status_file import STATION
from tests.domains.parts.station.inspected import inspected, wait_for
from tests.domains.parts.station.records.test_parts import a_draft


def put(store, parts) -> None:
    with writing(store) as connection:
        pack_rows.add(connection, [to_row(one, "line-1") for one in parts], actor="line-1")


def a_line(count, first=1, at=None, **changed):
    at = at or datetime.now(UTC)
    return [
        replace(
            inspected(n, *([LineReason.DEFECT] if n % 5 == 0 else []), part_id=f"P{n}"),
            score=0.1 + 0.005 * (n % 7), recorded_at=at + timedelta(milliseconds=n), **changed,
        )
        for n in range(first, first + count)
    ]  # fmt: skip


@pytest.fixture
def reader(store, settings) -> BoardReader:
    return BoardReader(store, settings.home, "line-1", pack)


@pytest.fixture
def lively(settings):
    """The station's status, handed in as its loop does; gives a function that changes it."""
    output, stop = StatusFile(settings.home, STATION, tuple), Event()
    output.open()
    block = [StatusBlock(online=True, recipe_active=1)]

    def beat() -> None:
        while not stop.wait(0.05):
            output.show(encode_status(block[0]), {})

    thread = Thread(target=beat, daemon=True)
    thread.start()
    yield lambda **changed: block.__setitem__(0, replace(block[0], **changed))
    stop.set()
    thread.join()
    output.close()


def test_without_a_station_nothing_is_shown_as_passed(store, reader):
    put(store, a_line(3))
    view = reader.live()
    assert (view.headline.word, view.is_answering, view.recipe) == ("NO ANSWER", False, None)
    assert [one.title for one in view.tiles] == ["P3", "P2", "P1"]


def test_the_last_twenty_parts_and_reference_parts_stand_in_one_row(store, reader, lively):
    parts = a_line(25)
    parts[22] = replace(parts[22], trigger=replace(parts[22].trigger, challenge="b1"))
    put(store, [one for one in parts if not one.trigger.challenge])
    put(store, [parts[22]])
    lively(acq_id=25)
    wait_for(lambda: reader.live().is_answering, "the status")
    view = reader.live()
    assert [one.number for one in view.tiles] == list(range(25, 5, -1))
    assert (view.tiles[2].title, view.tiles[2].is_reference) == ("Ref. b1", True)
    assert view.headline.word == "FAIL"
    assert view.recipe.product == "bracket"
    assert reader.part(24).part_id == "P24"
    assert reader.part(5) is None


def test_the_day_s_rates_charts_and_limits(store, reader):
    yesterday = datetime.now(UTC) - timedelta(days=1)
    late = [replace(one, verdict=LineVerdict.because(LineReason.LATE)) for one in a_line(7, 201)]
    put(store, [*a_line(100, at=yesterday), *a_line(100, 101), *late])
    view = reader.day()
    assert {one.name: one.rate.k for one in view.rates} == {"PASS": 80, "FAIL": 27, "STOP": 0}
    assert view.shares.is_provisional
    assert list(view.shares.values) == [0.2, 0.2, 0.2, 0.2]  # what is late is not of the product
    assert view.challenge == "Reference parts: never passed."
    assert (view.overrides, view.answers, view.missed) == ([], [], 0)
    accept_baseline(store, "line-1", view.charted, by=StationUser("Ann"))
    kept = baseline_parts(store, "line-1", view.charted[-1])
    assert [one.trigger.number for one in kept] == list(range(1, 201))
    assert audit.verify(store).faults == ()


def test_a_baseline_is_of_one_product_and_bundle_and_has_a_name(store):
    parts = a_line(100)
    put(store, parts)
    with pytest.raises(ConfigError, match="needs a name and 100 parts"):
        accept_baseline(store, "line-1", parts, by=StationUser(" "))
    with pytest.raises(ConfigError, match="and 99"):
        accept_baseline(store, "line-1", parts[1:], by=StationUser("Ann"))
    accept_baseline(store, "line-1", parts, by=StationUser("Ann"))
    assert len(baseline_parts(store, "line-1", parts[-1])) == 100
    assert baseline_parts(store, "line-1", replace(parts[-1], bundle_sha256="cd" * 32)) == []
    assert baseline_parts(store, "line-1", replace(parts[-1], product="lids")) == []


def test_a_named_defect_is_a_review_that_training_reads(store, settings):
    recorder = PartRecorder(store, "line-1")
    part = recorder.commit(a_draft(1))
    explainer = Explainer(store, settings)
    made = decision(store, part.decisions[0])
    assert defect_names(store, made) == ["scratch", "defect"]
    assert name_defect(store, explainer, part, "dent", by=StationUser("Eva")) == "dent is kept."
    assert (
        name_defect(store, explainer, part, "dent", by=StationUser("Eva"))
        == "dent is kept already."
    )
    with pytest.raises(DataError, match="Eva has reviewed it already: dent"):
        name_defect(store, explainer, part, "scratch", by=StationUser("Jan"))
    (written,) = final_reads(store, "parts")
    assert (written.disposition, written.label, written.reviewer, written.decision_id) == (
        Disposition.POSITIVE, "dent", "Eva", part.decisions[0],
    )  # fmt: skip
    assert defect_names(store, made) == ["scratch", "dent", "defect"]
    explainer.close()


def test_the_board_shows_nothing_of_a_case_that_others_still_read(store, settings):
    set_plan(store, "parts", "", ReadPlan(negative=1.0, positive=1.0, defer=1.0), by="lena")
    part = PartRecorder(store, "line-1").commit(a_draft(1))
    explainer = Explainer(store, settings)
    name_defect(store, explainer, part, "dent", by=StationUser("Eva"))
    made = decision(store, part.decisions[0])
    assert defect_names(store, made) == ["scratch", "defect"]
    with pytest.raises(DataError) as refused:
        name_defect(store, explainer, part, "scratch", by=StationUser("Jan"))
    assert "dent" not in str(refused.value)
    assert "Eva" not in str(refused.value)
    with pytest.raises(DataError, match="Eva has reviewed it already: dent"):
        name_defect(store, explainer, part, "scratch", by=StationUser("Eva"))
    explainer.close()


def test_what_cannot_get_a_label_is_refused(store, settings):
    recorder = PartRecorder(store, "line-1")
    part = recorder.commit(a_draft(1))
    reference = recorder.commit(a_draft(2, challenge="b1"))
    explainer = Explainer(store, settings)
    with pytest.raises(PermissionDenied, match="Nobody is named"):
        name_defect(store, explainer, part, "dent", by=StationUser(" "))
    with pytest.raises(ConfigError, match="No defect can be called 'good'"):
        name_defect(store, explainer, part, "good", by=StationUser("Eva"))
    for one in (reference, replace(part, decisions=())):
        with pytest.raises(DataError, match="gets no label"):
            name_defect(store, explainer, one, "dent", by=StationUser("Eva"))
    assert final_reads(store, "parts") == []
    assert parts_of(store, "line-1")[0].result == part.result
    explainer.close()


def test_a_part_corrected_later_counts_as_it_left(store, reader):
    put(store, a_line(4))
    first = parts_of(store, "line-1")[-1]
    row = to_row(replace(first, verdict=LineVerdict.because(LineReason.LATE)), "line-1", (), 1)
    with writing(store) as connection:
        pack_rows.add(connection, [row], actor="line-1")
    assert reader.live().tiles[-1].word == "FAIL"
    assert {one.name: one.rate.k for one in reader.day().rates}["FAIL"] == 1

"""What left counts: after a killed process the record is made to agree with the notes of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.records import audit, pack_rows
from domains.parts.station.part import InspectedPart, Trigger
from domains.parts.station.records.answers import AnswerLog, begin_numbers
from domains.parts.station.records.parts import (
    PACK,
    PART,
    Draft,
    PartRecorder,
    parts_of,
    unrecorded,
)
from domains.parts.station.result import LineReason, LineResult, LineVerdict
from tests.domains.parts.station.records.test_parts import a_draft

LATE = LineVerdict.because(LineReason.LATE)
PASS = LineVerdict.passed()
BOOT = "this start"


def left_late(number: int) -> InspectedPart:
    trigger = Trigger(number, 12.25, part_seq=number % 7, part_id=f"P{number}", recipe=3)
    return unrecorded(Draft(trigger, LATE, f"P{number}", "welds"))


class Station:
    """A station's process as far as its records go; `killed` leaves everything as it is."""

    def __init__(self, store, folder, boot: str = BOOT) -> None:
        self.announced: list[tuple[int, str]] = []
        self.recorder = PartRecorder(store, "line 1", self.note)
        self.notes = AnswerLog(folder / "stations" / "line 1.answers")
        self.first = begin_numbers(self.notes, self.recorder, boot)

    def note(self, _, part: InspectedPart) -> None:
        self.announced.append((part.trigger.number, part.result))

    def passes(self, number: int) -> None:
        self.notes.note(self.recorder.commit(a_draft(number, PASS)))


def results(store) -> dict[int, tuple[LineReason, ...] | None]:
    return {part.trigger.number: part.reasons for part in parts_of(store, "line 1")}


def test_a_pass_that_was_recorded_after_fail_late_left_is_corrected_at_the_next_start(
    store, tmp_path
):
    killed = Station(store, tmp_path)
    killed.passes(1)
    killed.notes.note(left_late(2))
    passed = killed.recorder.commit(a_draft(2, PASS))
    assert results(store) == {1: (), 2: ()}
    after = Station(store, tmp_path)
    assert results(store) == {1: (), 2: (LineReason.LATE,)}
    assert after.announced == [(2, LineResult.FAIL)]
    (late, _) = parts_of(store, "line 1")
    assert (late.decisions, late.score) == (passed.decisions, passed.score)
    with store.engine.connect() as connection:
        row = pack_rows.newest(connection, PACK, PART, "line 1", 2)
    assert row is not None
    assert row.revision == 1
    # A late part is one to learn from, as any other.
    assert [frame["name"] for frame in row.body["frames"]] == ["1.jpg"]
    assert audit.verify(store).faults == ()
    assert Station(store, tmp_path).announced == []


def test_a_fail_that_left_and_was_never_recorded_is_put_on_record(store, tmp_path):
    killed = Station(store, tmp_path)
    for number in range(1, 101):
        killed.notes.note(left_late(number))
    after = Station(store, tmp_path)
    assert results(store) == dict.fromkeys(range(1, 101), (LineReason.LATE,))
    found = parts_of(store, "line 1")[0]
    assert found.trigger == replace(left_late(100).trigger, at=0.0, part_id="")
    assert (found.part_id, found.product) == ("P100", "welds")
    assert after.first > 100


def test_a_pass_that_never_left_lets_nothing_pass_on_record(store, tmp_path):
    killed = Station(store, tmp_path)
    killed.passes(1)
    killed.recorder.commit(a_draft(2, PASS))
    Station(store, tmp_path)
    assert results(store) == {1: (), 2: (LineReason.INTERRUPTED,)}


def test_after_a_power_cut_a_missing_note_proves_nothing(store, tmp_path):
    killed = Station(store, tmp_path)
    killed.recorder.commit(a_draft(1, PASS))
    killed.notes.note(left_late(2))
    killed.recorder.commit(a_draft(2, PASS))
    Station(store, tmp_path, boot="another start")
    assert results(store) == {1: (), 2: (LineReason.LATE,)}


def test_notes_of_another_store_are_not_believed(store, tmp_path):
    path = tmp_path / "stations" / "line 1.answers"
    Station(store, tmp_path).notes.note(left_late(5))
    path.write_bytes(path.read_bytes().replace(b'"origin": "', b'"origin": "0'))
    Station(store, tmp_path)
    assert results(store) == {}


@pytest.mark.parametrize("torn", [b"", b'\n{"number": 7, "rea', b"\n\x00\xff", b"\n[1]\n7\n{}"])
def test_lines_that_were_cut_off_spoil_no_other(store, tmp_path, torn):
    killed = Station(store, tmp_path)
    killed.notes.note(left_late(1))
    with (tmp_path / "stations" / "line 1.answers").open("ab") as file:
        file.write(torn)
    killed.notes.note(left_late(2))
    Station(store, tmp_path)
    assert sorted(results(store)) == [1, 2]


def test_the_notes_do_not_grow_for_ever(store, tmp_path, monkeypatch):
    monkeypatch.setattr("domains.parts.station.records.answers.LINES", 20)
    killed = Station(store, tmp_path)
    for number in range(1, 96):
        killed.passes(number)
    lines = [len(p.read_bytes().splitlines()) for p in (tmp_path / "stations").iterdir()]
    assert sorted(lines) == [16, 21]
    killed.recorder.commit(a_draft(96, PASS))
    Station(store, tmp_path)
    wrong = {number for number, reasons in results(store).items() if reasons}
    assert wrong == {96}


def test_a_disk_that_takes_no_note_stops_no_part_from_leaving(store, tmp_path, caplog):
    killed = Station(store, tmp_path)
    killed.notes.close()
    for number in (1, 2):
        killed.notes.note(left_late(number))
    assert caplog.text.count("cannot be noted") == 1

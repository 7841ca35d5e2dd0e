"""CSV files: a line a part, none lost, none twice, and none that a spreadsheet runs."""

from __future__ import annotations

import csv
import multiprocessing
import resource
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from core.errors import ConfigError
from domains.parts.station.message import message_id, message_of
from domains.parts.station.options import CsvOptions
from domains.parts.station.outputs.csv_file import COLUMNS, CsvOutput, DayFiles
from domains.parts.station.ports import OutputError
from domains.parts.station.result import LineReason
from tests.domains.parts.station.inspected import WORDS, inspected, wait_for


def bodies(*numbers, **fields):
    return [message_of("line", inspected(number, **fields)) for number in numbers]


def lines(path, separator=","):
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file, delimiter=separator, strict=True))


@pytest.fixture
def day(tmp_path):
    return tmp_path / "line-2026-11-29.csv"


@contextmanager
def full_at(size):
    """No file may grow beyond a size: a write stops in the middle, as on a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def test_a_part_is_a_line_with_its_values(tmp_path, day):
    part = inspected(5, LineReason.DEFECT, LineReason.NOVEL)
    DayFiles("line", CsvOptions(folder=str(tmp_path))).append([message_of("line", part)])
    [line] = lines(day)
    assert tuple(line) == COLUMNS
    assert line["number"] == "5"
    assert line["recorded_at"] == "2026-11-29T10:00:05.000000+00:00"
    assert (line["result"], line["reason"], line["reasons"]) == ("FAIL", "1", "DEFECT NOVEL")
    assert (line["score"], line["part_id"], line["elapsed_us"]) == ("0.25", "P-1", "83000")


@pytest.mark.parametrize("separator", [",", ";"])
@pytest.mark.parametrize("bom", [True, False])
def test_separator_and_byte_order_mark_are_the_integrators_choice(tmp_path, day, separator, bom):
    files = DayFiles("line", CsvOptions(folder=str(tmp_path), separator=separator, bom=bom))
    files.append(bodies(1, 2, detail=f"a{separator}b"))
    files.append(bodies(3))
    assert day.read_bytes().startswith(b"\xef\xbb\xbfnumber" if bom else b"number")
    assert day.read_bytes().count(b"\xef\xbb\xbf") == bom
    assert [line["number"] for line in lines(day, separator)] == ["1", "2", "3"]
    assert lines(day, separator)[0]["detail"] == f"a{separator}b"


@pytest.mark.parametrize("prefix", ["=", "+", "-", "@", "\t=", "\r@", "\n-"])
def test_what_was_read_on_a_part_is_no_formula_and_no_second_line(tmp_path, day, prefix):
    files = DayFiles("line", CsvOptions(folder=str(tmp_path)))
    files.append(bodies(1, part_id=f'{prefix}cmd|" /C calc"!A0\nforged,line', detail="\ud800"))
    assert len(day.read_bytes().splitlines()) == 2
    [line] = lines(day)
    assert line["part_id"].startswith("'" + prefix.strip())
    assert line["number"] == "1"


def test_a_file_holds_one_utc_day_by_when_a_part_was_recorded(tmp_path):
    files = DayFiles("line", CsvOptions(folder=str(tmp_path)))
    before = inspected(1, recorded_at=datetime(2026, 11, 29, 23, 59, 59, 999999, UTC))
    after = inspected(2, recorded_at=datetime(2026, 11, 30, 0, 0, tzinfo=UTC))
    files.append([message_of("line", after), message_of("line", before)])
    assert [line["number"] for line in lines(tmp_path / "line-2026-11-29.csv")] == ["1"]
    assert [line["number"] for line in lines(tmp_path / "line-2026-11-30.csv")] == ["2"]


def test_a_restart_goes_on_without_doubles(tmp_path, day):
    options = CsvOptions(folder=str(tmp_path))
    DayFiles("line", options).append(bodies(1, 2))
    DayFiles("line", options).append(bodies(2, 3, 1, 3))
    assert [line["number"] for line in lines(day)] == ["1", "2", "3"]


def test_the_same_number_of_another_store_is_another_part(tmp_path, day):
    files = DayFiles("line", CsvOptions(folder=str(tmp_path)))
    later = inspected(1, at=99.0)
    files.append([*bodies(1), message_of("line", later)])
    assert [line["number"] for line in lines(day)] == ["1", "1"]


def test_a_station_whose_name_looks_like_a_formula_has_no_doubles_either(tmp_path):
    options = CsvOptions(folder=str(tmp_path))
    for _ in range(2):
        DayFiles("-1", options).append([message_of("-1", inspected(1))])
    assert len(lines(tmp_path / "-1-2026-11-29.csv")) == 1


def test_a_line_that_a_crash_cut_off_is_written_anew(tmp_path, day):
    options = CsvOptions(folder=str(tmp_path))
    DayFiles("line", options).append(bodies(1, 2))
    whole = day.read_bytes()
    day.write_bytes(whole[:-20])
    DayFiles("line", options).append(bodies(2, 3))
    assert [line["number"] for line in lines(day)] == ["1", "2", "3"]
    assert day.read_bytes().startswith(whole)


def test_a_full_disk_leaves_whole_lines_and_what_failed_is_written_later(tmp_path, day):
    files = DayFiles("line", CsvOptions(folder=str(tmp_path)))
    files.append(bodies(1))
    before = day.read_bytes()
    with full_at(len(before) + 30), pytest.raises(OutputError, match="could not be written"):
        files.append(bodies(2, 3))
    assert day.read_bytes() == before
    files.append(bodies(2, 3))
    assert [line["number"] for line in lines(day)] == ["1", "2", "3"]


def test_a_file_that_somebody_removed_or_put_in_place_of_ours_is_read_anew(tmp_path, day):
    files = DayFiles("line", CsvOptions(folder=str(tmp_path)))
    files.append(bodies(1, 2))
    day.unlink()
    files.append(bodies(1))
    assert [line["number"] for line in lines(day)] == ["1"]


def test_a_station_keeps_nothing_of_the_lines_that_it_wrote(tmp_path, day):
    files = DayFiles("line", CsvOptions(folder=str(tmp_path)))
    for number in range(1, 200):
        files.append(bodies(number))
    assert files._known[day].ids is None
    files.append(bodies(150, 90, 200))
    assert len(files._known[day].ids) == 1 + 200
    assert [line["number"] for line in lines(day)] == [str(n) for n in range(1, 201)]


def test_a_late_message_of_an_earlier_part_is_written_behind_the_others(tmp_path, day):
    files = DayFiles("line", CsvOptions(folder=str(tmp_path)))
    files.append(bodies(1, 5))
    for _ in range(2):
        files.append(bodies(3))
    assert [line["number"] for line in lines(day)] == ["1", "5", "3"]


def _append(folder, barrier):
    files = DayFiles("line", CsvOptions(folder=folder))
    barrier.wait(60)
    for number in range(1, 150):
        files.append(bodies(number))


def test_station_and_worker_append_to_one_file_at_once(tmp_path, day):
    context = multiprocessing.get_context("spawn")
    arguments = (str(tmp_path), context.Barrier(2))
    both = [context.Process(target=_append, args=arguments) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join(60)
        assert one.exitcode == 0
    assert [int(line["number"]) for line in lines(day)] == list(range(1, 150))


def test_the_output_confirms_a_line_once_it_is_on_the_disk(tmp_path, day):
    output = CsvOutput("line", CsvOptions(folder=str(tmp_path / "a" / "b")))
    output.open()
    parts = [inspected(number) for number in range(1, 301)]
    arrived: list[str] = []
    try:
        for part in parts:
            assert output.send(part, WORDS) is False

        def have_all() -> bool:
            arrived.extend(output.confirmed())
            return len(arrived) >= len(parts)

        wait_for(have_all, "every line")
    finally:
        output.close()
    assert arrived == [message_id("line", part) for part in parts]
    assert len(lines(tmp_path / "a" / "b" / day.name)) == 300
    assert output.confirmed() == ()


def test_a_folder_that_goes_away_is_a_problem_on_the_board_and_no_crash(tmp_path):
    folder = tmp_path / "gone"
    output = CsvOutput("line", CsvOptions(folder=str(folder)))
    output.open()
    try:
        folder.rmdir()
        output.send(inspected(1), WORDS)
        wait_for(lambda: output.problem != "", "a problem")
        assert "No such file" in output.problem
        assert output.confirmed() == ()
        folder.mkdir()
        output.send(inspected(2), WORDS)
        wait_for(lambda: output.problem == "", "the end of the problem")
        assert output.confirmed() == (message_id("line", inspected(2)),)
    finally:
        output.close()


def test_a_folder_that_cannot_be_made_is_refused_at_the_start(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be made"):
        CsvOutput("line", CsvOptions(folder=str(tmp_path / "file" / "below"))).open()

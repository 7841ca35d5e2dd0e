"""What is exported is read back by an independent reader, and nothing unjudged counts as good."""

from __future__ import annotations

import csv
import json
import warnings
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from io import StringIO

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from core.errors import ConfigError, DataError
from core.service.store import open_store
from core.settings import Settings
from domains.parts.station.cli.spc_command import export
from domains.parts.station.part import InspectedPart, Trigger
from domains.parts.station.records.parts import PartRecorder
from domains.parts.station.result import LineReason, LineResult, LineVerdict
from domains.parts.station.spc.export import (
    CSV_COLUMNS,
    sampling_reason,
    value_attribute,
    write_csv,
    write_dfq,
)
from tests.domains.parts.station.records.test_parts import a_draft

with warnings.catch_warnings():
    # aqdefreader 1.3.0 imports a module of chardet by its old name.
    warnings.filterwarnings("ignore", "chardet.universaldetector is deprecated", DeprecationWarning)
    from aqdefreader import DfqFile

AT = datetime(2026, 11, 29, 16, 4, 54, 250_000, tzinfo=UTC)


def a_part(number=1, *reasons, score=0.25, part_id="P-1", challenge="", product="cap", at=AT):
    verdict = LineVerdict.because(*reasons) if reasons else LineVerdict.passed()
    trigger = Trigger(number, 0.0, part_seq=number % 7, recipe=3, challenge=challenge)
    return InspectedPart(
        trigger, verdict, part_id, product, (), score, "b" * 64, "policy-1", at, 900
    )


PARTS = [
    a_part(1, score=0.125),
    a_part(2, LineReason.DEFECT, score=0.9375, part_id="P-2"),
    a_part(3, LineReason.AMBIGUOUS, score=0.5, part_id="P-3"),
    a_part(4, LineReason.NO_FRAME, score=None, part_id=""),
    a_part(5, LineReason.DEFECT, score=0.99, part_id="bad-1", challenge="bad-1"),
    a_part(6, LineReason.CHALLENGE_DUE, score=0.1, part_id="P-6"),
]


def fields_of(data: bytes) -> list[tuple[str, int, str]]:
    """Read K fields by the published format: code, an index after a slash, a space, the value."""
    found = []
    for line in data.decode("cp1252").split("\r\n")[:-1]:
        code, _, value = line.partition(" ")
        code, _, index = code.partition("/")
        assert code[0] == "K"
        assert len(code) == 5
        found.append((code, int(index or 0), value))
    return found


def values_of(data: bytes, characteristic: int) -> list[dict[str, str]]:
    """Gather the values of a characteristic: each begins with its K0001."""
    values = []
    for code, index, value in fields_of(data):
        if index == characteristic and code < "K0100":
            if code == "K0001":
                values.append({})
            values[-1][code] = value
    return values


def test_a_value_is_valid_only_where_the_part_was_judged_by_its_picture():
    assert [value_attribute(part).value for part in PARTS] == [0, 0, 129, 129, 0, 129]
    for reason in LineReason:
        expected = 0 if reason is LineReason.DEFECT else 129
        assert value_attribute(a_part(1, reason)) == expected, reason
    assert value_attribute(a_part(1, LineReason.DEFECT, LineReason.DISK)) == 129
    assert value_attribute(a_part(1, score=None)) == 129


def test_reference_parts_and_parts_before_a_challenge_are_marked():
    assert [sampling_reason(part).value for part in PARTS] == [0, 0, 0, 0, 30, 50]


def test_an_independent_reader_reads_the_dfq():
    file = DfqFile(write_dfq(PARTS, station="line-7").decode("cp1252").splitlines())
    assert file.part_count() == 1
    part = file.get_part(0)
    assert (part.get_data("K1001"), part.get_data("K1082")) == ("cap", "line-7")
    score, rejected = part.get_characteristics()
    assert (score.get_data("K2002"), rejected.get_data("K2002")) == ("score", "rejected")
    assert (score.get_data("K2004"), rejected.get_data("K2004")) == (0, 1)
    assert [float(m.value) for m in score.get_measurements()] == [0.125, 0.9375, 0.5, 0, 0.99, 0.1]
    assert [m.value for m in rejected.get_measurements()] == [0, 1, 1, 1, 1, 1]
    for characteristic in (score, rejected):
        measured = characteristic.get_measurements()
        assert [m.attribute for m in measured] == [0, 0, 129, 129, 0, 129]
        assert {m.datetime for m in measured} == {datetime(2026, 11, 29, 16, 4, 54)}


def test_the_dfq_holds_the_fields_that_the_reader_leaves_out():
    data = write_dfq(PARTS, station="line-7")
    assert data.startswith(b"K0100 2\r\nK1001/1 cap\r\n")
    rejected = values_of(data, 2)
    assert [value["K0015"] for value in rejected] == ["0", "0", "0", "0", "30", "50"]
    assert [value["K0014"] for value in rejected] == ["P-1", "P-2", "P-3", "", "bad-1", "P-6"]
    assert [(value["K0020"], value["K0021"]) for value in rejected[:2]] == [("1", "0"), ("1", "1")]
    assert [value["K0004"] for value in values_of(data, 1)] == ["29.11.2026/16:04:54"] * 6


def test_times_are_utc_and_days_come_first():
    there = datetime(2026, 3, 2, 0, 30, tzinfo=timezone(timedelta(hours=2)))
    data = write_dfq([a_part(at=there)], station="s")
    assert values_of(data, 1)[0]["K0004"] == "01.03.2026/22:30:00"
    assert b"2026-03-01T22:30:00.000000Z" in write_csv([a_part(at=there)])


@given(part_id=st.text(max_size=20), product=st.text(max_size=10))
def test_no_text_of_a_part_forges_a_field(part_id, product):
    data = write_dfq([a_part(part_id=part_id, product=product)], station="s")
    assert len(fields_of(data)) == 11 + 5 + 5 + 2
    assert len(values_of(data, 1)) == 1
    rows = list(csv.reader(StringIO(write_csv([a_part(part_id=part_id)]).decode(), newline="")))
    assert len(rows) == 2
    assert rows[1][2].removeprefix("'") == part_id.removeprefix("'")


def test_a_dfq_describes_one_product():
    with pytest.raises(ConfigError, match="one product, got cap, lid"):
        write_dfq([a_part(product="lid"), a_part(product="cap")], station="s")
    assert fields_of(write_dfq([], station="s"))[0] == ("K0100", 0, "2")


@pytest.mark.parametrize(("separator", "has_bom"), [(",", False), (";", True)])
def test_a_csv_is_read_back(separator, has_bom):
    data = write_csv(PARTS, separator=separator, has_bom=has_bom)
    assert data.startswith(b"\xef\xbb\xbf") == has_bom
    rows = list(csv.DictReader(StringIO(data.decode("utf-8-sig")), delimiter=separator))
    assert tuple(rows[0]) == CSV_COLUMNS
    assert [row["rejected"] for row in rows] == ["0", "1", "", "", "1", ""]
    assert [row["score"] for row in rows][:4] == ["0.125000", "0.937500", "0.500000", ""]
    assert [row["k0002"] for row in rows] == ["0", "0", "129", "129", "0", "129"]
    assert [row["k0015"] for row in rows] == ["0", "0", "0", "0", "30", "50"]
    assert {row["recorded_at"] for row in rows} == {"2026-11-29T16:04:54.250000Z"}
    assert {LineResult(row["result"]) for row in rows} == set(LineResult)


def test_a_csv_runs_no_formula_and_refuses_another_separator():
    rows = write_csv([a_part(part_id="=cmd|' /C calc'!A0")]).decode().splitlines()
    assert "'=cmd|" in rows[1]
    with pytest.raises(ConfigError, match=r"comma or a semicolon, got '\|'"):
        write_csv([], separator="|")


@pytest.fixture
def command():
    app = typer.Typer()
    app.command()(export)
    return partial(CliRunner().invoke, app, catch_exceptions=False)


def test_the_command_writes_the_parts_of_a_station_with_its_reference_parts(
    command, tmp_path, monkeypatch
):
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path))
    monkeypatch.delenv("ASSAY_STORE_URL", raising=False)
    with closing(open_store(Settings(home=tmp_path))) as store:
        recorder = PartRecorder(store, "line 1")
        recorder.start()
        recorder.commit(a_draft(1, LineVerdict.passed()))
        recorder.commit(a_draft(2, challenge="bad-1"))
    for suffix in (".csv", ".dfq"):
        out = tmp_path / f"parts{suffix}"
        for _ in range(2):  # an earlier export is replaced
            made = command(["-o", str(out), "--station", "line 1", "--json"])
        assert json.loads(made.stdout) == {"file": str(out), "parts": 2}
    assert [v["K0015"] for v in values_of((tmp_path / "parts.dfq").read_bytes(), 2)] == ["0", "30"]
    assert (tmp_path / "parts.csv").read_text().splitlines()[2].split(",")[11] == "30"
    for wrong in (["--station", "line 2"], ["--station", "line 1", "--product", "lids"]):
        with pytest.raises(DataError, match="holds no part"):
            command(["-o", str(tmp_path / "parts.csv"), *wrong])
    with pytest.raises(ConfigError, match=r"to \.csv or \.dfq, got 'parts\.xls'"):
        command(["-o", str(tmp_path / "parts.xls")])
    (tmp_path / "mine.csv").write_text("my own list")
    with pytest.raises(ConfigError):
        command(["-o", str(tmp_path / "mine.csv")])

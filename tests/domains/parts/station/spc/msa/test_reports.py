"""Studies are read, reported and refused in words, by the command too."""

from __future__ import annotations

import csv
import json
import math
from contextlib import closing
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from core.errors import ConfigError, DataError
from core.service.store import open_store
from core.settings import Settings
from domains.parts.station.cli.msa_command import msa
from domains.parts.station.records.parts import PartRecorder
from domains.parts.station.result import LineReason, LineVerdict
from domains.parts.station.spc.kappa import (
    cohen_error,
    fleiss,
    kappa_interval,
)
from domains.parts.station.spc.msa import analyse
from domains.parts.station.spc.msa_report import write_page, write_text
from domains.parts.station.spc.msa_study import read_study, station_rows, to_study
from tests.core.report.test_page import Reader
from tests.domains.parts.station import aiag
from tests.domains.parts.station.records.test_parts import a_draft
from tests.domains.parts.station.spc.test_export import a_part


def test_text_and_page_show_every_figure_and_escape_names(analysis):
    text = write_text(analysis)
    for shown in ("0.86 (", "84 % (42 of 50", "94.7 % (142 of 150", "12.5 % (6 of 48", "A and B"):
        assert shown in text
    assert "seed 1" in text
    rows = aiag.rows()
    for row in rows:
        row["appraiser"] = row["appraiser"].replace("C", "<b onload='x'>")
    page = write_page(analyse(to_study(rows), resamples=50), made="made today")
    Reader(page)
    assert "<b onload" not in page
    assert "&lt;b onload" in page
    assert "@media print" in page
    assert "http" not in page.replace("http-equiv", "")
    assert "12.5 % (6 of 48" in page.replace("\u00a0", " ")


def test_json_has_the_figures_and_no_objects(analysis):
    figures = json.loads(json.dumps(analysis.to_json(), allow_nan=False))
    assert figures["parts"] == 50
    assert figures["bad_parts"] == 16
    assert figures["against_reference"]["B"]["miss_rate"]["k"] == 3
    assert figures["pairs"][0]["first"] == "A"
    assert round(figures["pairs"][0]["kappa"], 4) == 0.8629  # also JMP, sample Attribute Gauge


@pytest.mark.parametrize(("separator", "bom"), [(",", ""), (";", "\ufeff")])
def test_a_study_is_read_from_a_file(study, tmp_path, separator, bom):
    words = {"1": "Pass", "0": "NOK"}
    with (tmp_path / "study.csv").open("w", newline="") as file:
        file.write(bom)
        writer = csv.DictWriter(file, list(aiag.rows()[0]), delimiter=separator)
        writer.writeheader()
        writer.writerows({**row, "result": words[row["result"]]} for row in aiag.rows())
    read = read_study(tmp_path / "study.csv")
    assert (read.rejected == study.rejected).all()
    assert read.parts == study.parts
    assert not read.is_small


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda rows: rows.pop(), "no reading of part 50 by C in trial 3"),
        (lambda rows: rows.append(dict(rows[0])), "a second reading of part 1 by A in trial 1"),
        (lambda rows: rows[0].update(result="maybe"), "line 2: expected pass or fail, got 'maybe'"),
        (lambda rows: rows[0].update(reference="0"), "part 1 has another reference"),
        (lambda rows: rows[3].update(part=" "), "line 5: no part"),
        (lambda rows: rows.clear(), "expected 2 trials or more, got 0"),
    ],
)
def test_a_study_that_cannot_be_analysed_says_why(change, problem):
    rows = aiag.rows()
    change(rows)
    with pytest.raises(DataError, match=problem):
        to_study(rows)


def test_a_file_that_is_no_study_says_why(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_study(tmp_path / "none.csv")
    (tmp_path / "other.csv").write_text("part,result\n1,pass\n")
    with pytest.raises(DataError, match="has no column reference, appraiser, trial"):
        read_study(tmp_path / "other.csv")


def test_a_kappa_that_is_undefined_is_nan_and_words():
    same = np.ones((5, 2), bool)
    kappa = kappa_interval(lambda drawn: fleiss(same[drawn]), 5, cohen_error(same, same), 50, 1)
    assert math.isnan(kappa.value)
    assert kappa.describe() == "undefined: all readings are alike"


def test_the_station_is_an_appraiser_by_what_it_did_with_the_parts(study):
    """C is the station: what it saw of each part, in order, are its trials."""
    rows = [row for row in aiag.rows() if row["appraiser"] != "C"]
    parts = [a_part(1, part_id="of another study")]
    for trial in ("1", "2", "3"):
        for row in aiag.rows():
            if (row["appraiser"], row["trial"]) == ("C", trial):
                reasons = () if row["result"] == "1" else (LineReason.DEFECT,)
                parts.append(a_part(len(parts) + 1, *reasons, part_id=row["part"]))
    made = to_study(rows + station_rows(rows, reversed(parts), "line 1"))
    assert made.appraisers == ("A", "B", "line 1")
    assert (made.rejected == study.rejected).all()
    with pytest.raises(DataError, match="no reading of part 50 by line 1 in trial 3"):
        to_study(rows + station_rows(rows, parts[:-1], "line 1"))
    with pytest.raises(DataError, match="no reading of the study's parts by a station 'line 1'"):
        station_rows(rows, parts[:1], "line 1")
    with pytest.raises(DataError, match="saw 50 more than 3 times"):
        station_rows(rows, [*parts, a_part(999, part_id="50")], "line 1")


def write_rows(path, rows):
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def command():
    app = typer.Typer()
    app.command()(msa)
    return partial(CliRunner().invoke, app, catch_exceptions=False)


def test_the_command_prints_text_or_json_and_writes_a_page(command, tmp_path):
    write_rows(tmp_path / "study.csv", aiag.rows())
    study, page = str(tmp_path / "study.csv"), tmp_path / "page.html"
    shown = command([study, "-o", str(page)])
    assert shown.exit_code == 0
    assert "miss rate: 12.5 % (6 of 48" in shown.stdout
    Reader(page.read_text())
    assert command([study, "-o", str(page)]).exit_code == 0  # its own page is replaced
    figures = json.loads(command([study, "--json", "--seed", "3"]).stdout)
    assert round(figures["pairs"][2]["kappa"], 2) == 0.79
    assert figures["seed"] == 3
    page.write_text("notes of mine")
    with pytest.raises(ConfigError):
        command([study, "-o", str(page)])
    assert page.read_text() == "notes of mine"


def test_the_command_takes_the_station_from_its_store(command, tmp_path, monkeypatch):
    monkeypatch.setenv("ASSAY_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("ASSAY_STORE_URL", raising=False)
    rows = [row for row in aiag.rows() if row["appraiser"] == "A"]
    write_rows(tmp_path / "study.csv", rows)
    with closing(open_store(Settings(home=tmp_path / "home"))) as store:
        recorder = PartRecorder(store, "line 1")
        recorder.start()
        for number, row in enumerate(sorted(rows, key=lambda row: row["trial"]), 1):
            is_good = row["reference"] == "1"
            verdict = LineVerdict.passed() if is_good else LineVerdict.because(LineReason.DEFECT)
            recorder.commit(replace(a_draft(number, verdict), part_id=row["part"]))
    figures = json.loads(
        command([str(tmp_path / "study.csv"), "--station", "line 1", "--json"]).stdout
    )
    assert figures["appraisers"] == ["A", "line 1"]
    assert figures["against_reference"]["line 1"]["parts"]["rate"] == 1.0

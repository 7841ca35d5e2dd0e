"""The analysis gives the published figures of AIAG's study, and agrees with other programs."""

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
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import aggregate_raters, cohens_kappa, fleiss_kappa
from typer.testing import CliRunner

from core.decision.rate import Rate
from core.errors import ConfigError, DataError
from core.service.store import open_store
from core.settings import Settings
from domains.parts.station.cli.msa_command import msa
from domains.parts.station.records.parts import PartRecorder
from domains.parts.station.result import LineReason, LineVerdict
from domains.parts.station.spc.kappa import (
    cohen,
    cohen_error,
    fleiss,
    fleiss_against,
    fleiss_error,
    kappa_interval,
)
from domains.parts.station.spc.msa import Acceptance, analyse
from domains.parts.station.spc.msa_report import write_page, write_text
from domains.parts.station.spc.msa_study import read_study, station_rows, to_study
from tests.core.report.test_page import Reader
from tests.domains.parts.station import aiag
from tests.domains.parts.station.records.test_parts import a_draft
from tests.domains.parts.station.spc.test_export import a_part


@pytest.fixture(scope="module")
def study():
    return to_study(aiag.rows())


@pytest.fixture(scope="module")
def analysis(study):
    return analyse(study)


def crossed(first, second):
    return [
        [int(((first == a) & (second == b)).sum()) for b in (True, False)] for a in (True, False)
    ]


def test_the_rows_are_those_that_aiag_prints(study):
    """The six cross tables of the manual: rejected by both, one, the other, none."""
    a, b, c = (study.rejected[:, place] for place in range(3))
    reference = np.repeat(study.reference[:, None], 3, 1)
    assert crossed(a, b) == [[44, 6], [3, 97]]
    assert crossed(b, c) == [[42, 5], [9, 94]]
    assert crossed(a, c) == [[43, 7], [8, 92]]
    assert crossed(a, reference) == [[45, 5], [3, 97]]
    assert crossed(b, reference) == [[45, 2], [3, 100]]
    assert crossed(c, reference) == [[42, 9], [6, 93]]


def test_kappas_are_those_that_aiag_prints(analysis):
    pairs = {pair: round(kappa.value, 2) for pair, kappa in analysis.pairs.items()}
    assert pairs == {("A", "B"): 0.86, ("A", "C"): 0.78, ("B", "C"): 0.79}
    reference = {name: round(one.cohen.value, 2) for name, one in analysis.against.items()}
    assert reference == {"A": 0.88, "B": 0.92, "C": 0.77}


def test_rates_are_those_that_aiag_prints(analysis):
    """Effectiveness with its exact interval, miss rate and false alarm rate in per cent."""
    published = {
        "A": (84, (71, 93), 6.3, 4.9),
        "B": (90, (78, 97), 6.3, 2.0),
        "C": (80, (66, 90), 12.5, 8.8),
    }
    for name, (effective, ends, missed, alarms) in published.items():
        one = analysis.against[name]
        assert 100 * one.parts.value == pytest.approx(effective)
        interval = 100 * one.parts.low, 100 * one.parts.high
        assert interval == pytest.approx(ends, abs=0.5)
        assert 100 * one.missed.value == pytest.approx(missed, abs=0.051)
        assert 100 * one.false_alarms.value == pytest.approx(alarms, abs=0.051)
        # AIAG: of each appraiser as many parts agree within as with the reference.
        assert analysis.within[name].parts == one.parts
    assert (analysis.all_against.parts.k, analysis.all_against.parts.n) == (39, 50)  # 78 %
    assert analysis.between.parts.k == 39
    assert analysis.against["C"].acceptance == {
        "effectiveness": Acceptance.MARGINAL,
        "miss rate": Acceptance.UNACCEPTABLE,
        "false alarm rate": Acceptance.MARGINAL,
    }
    assert analysis.against["B"].acceptance["effectiveness"] is Acceptance.ACCEPTABLE


def test_both_conventions_of_counting_are_given(analysis):
    """Minitab: Stat counts a part once, the Assistant each of its three readings."""
    a = analysis.against["A"]
    assert (a.parts.k, a.parts.n) == (42, 50)
    assert (a.readings.k, a.readings.n) == (142, 150)
    # Readings of one part are alike: the interval is wider than that of 150 parts would be.
    c = analysis.against["C"].readings
    assert (c.k, c.n) == (135, 150)
    assert c.low < Rate.independent(135, 150).low - 0.01


def test_kappas_agree_with_independent_programs(study, analysis):
    a, b = (study.rejected[:, place] for place in (0, 1))
    pair = analysis.pairs["A", "B"]
    assert pair.value == pytest.approx(cohen_kappa_score(a.ravel(), b.ravel()))
    other = cohens_kappa(np.array(crossed(a, b)))
    assert cohen_error(a, b) == pytest.approx(other.std_kappa)
    assert (pair.asymptotic_low, pair.asymptotic_high) == pytest.approx(
        (other.kappa_low, other.kappa_upp)
    )
    everything = study.rejected.reshape(50, 9).astype(int)
    assert analysis.between.fleiss.value == pytest.approx(
        fleiss_kappa(aggregate_raters(everything)[0], method="fleiss")
    )
    for place, name in enumerate("ABC"):
        readings = study.rejected[:, place].astype(int)
        assert analysis.within[name].fleiss.value == pytest.approx(
            fleiss_kappa(aggregate_raters(readings)[0])
        )
        against = [
            fleiss_kappa(aggregate_raters(np.stack([one, study.reference.astype(int)], 1))[0])
            for one in readings.T
        ]
        assert analysis.against[name].fleiss.value == pytest.approx(np.mean(against))


RATINGS = arrays(np.bool_, st.tuples(st.integers(2, 12), st.integers(2, 5)))


@given(RATINGS, st.randoms())
def test_kappas_agree_with_independent_programs_on_any_ratings(ratings, random):
    other = ratings.copy()
    random.shuffle(other)
    value = cohen(ratings, other)
    if np.isnan(value):
        assert ratings.all() or not ratings.any()
        return
    assert value == pytest.approx(cohen_kappa_score(ratings.ravel(), other.ravel()))
    table = aggregate_raters(ratings.astype(int), n_cat=2)[0]
    assert fleiss(ratings) == pytest.approx(fleiss_kappa(table))
    drawn = np.array([np.arange(len(ratings)), np.arange(len(ratings))[::-1]])
    assert fleiss(ratings[drawn]) == pytest.approx(np.repeat(fleiss(ratings), 2))
    assert not fleiss_against(ratings, ratings[:, 0]) > 1.0 + 1e-12


def test_the_error_of_fleiss_kappa_is_that_of_raters_by_chance():
    ratings = np.random.default_rng(4).random((20_000, 40, 3)) < 0.3
    assert fleiss(ratings).std() == pytest.approx(fleiss_error(40, 3), rel=0.03)


def test_an_interval_by_parts_is_wider_than_one_that_takes_readings_for_independent(analysis):
    kappa = analysis.pairs["A", "C"]
    assert kappa.low < kappa.asymptotic_low < kappa.value < kappa.high
    assert kappa.high - kappa.low > 1.1 * (kappa.asymptotic_high - kappa.asymptotic_low)


def test_the_bootstrap_covers_as_often_as_it_says():
    """200 studies of 50 parts with a known kappa: a part's trials are alike, as they are here."""
    rng = np.random.default_rng(9)
    covered = []
    truth = _simulated(rng, 400_000)
    kappa = float(cohen(*truth))
    for _ in range(200):
        first, second = _simulated(rng, 50)
        found = kappa_interval(
            lambda drawn, a=first, b=second: cohen(a[drawn], b[drawn]), 50, 0.1, 300, 1
        )
        covered.append(found.low <= kappa <= found.high)
    assert 0.89 <= np.mean(covered) <= 0.98


def _simulated(rng, parts):
    is_bad = rng.random(parts) < 0.35
    hard = rng.random(parts) < 0.25
    wrong = np.where(hard, 0.3, 0.01)[:, None]
    return tuple(is_bad[:, None] ^ (rng.random((parts, 3)) < wrong) for _ in range(2))


def test_a_study_without_disagreement_has_kappas_of_one_and_says_so():
    rows = aiag.rows()
    for row in rows:
        row["result"] = row["reference"]
    analysis = analyse(to_study(rows), resamples=200)
    assert analysis.between.fleiss.value == 1.0
    assert analysis.all_against.parts.value == 1.0
    assert (analysis.pairs["A", "B"].low, analysis.pairs["A", "B"].high) == (1.0, 1.0)
    assert "Every reading agrees with the reference." in write_text(analysis)


def test_an_appraiser_who_accepts_everything_is_found_out_although_mostly_right():
    rows = aiag.rows()
    for row in rows:
        if row["appraiser"] == "C":
            row["result"] = "1"
    c = analyse(to_study(rows), resamples=200).against["C"]
    assert c.readings.value == pytest.approx(34 / 50)
    assert c.cohen.value == pytest.approx(0.0)
    assert c.missed.value == 1.0
    assert c.acceptance["miss rate"] is Acceptance.UNACCEPTABLE


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

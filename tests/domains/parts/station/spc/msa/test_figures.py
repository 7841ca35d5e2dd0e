"""The analysis gives the published figures of AIAG's study, and agrees with other programs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import aggregate_raters, cohens_kappa, fleiss_kappa

from core.decision.rate import Rate
from domains.parts.station.spc.kappa import (
    cohen,
    cohen_error,
    fleiss,
    fleiss_against,
    fleiss_error,
    kappa_interval,
)
from domains.parts.station.spc.msa import Acceptance, analyse
from domains.parts.station.spc.msa_report import write_text
from domains.parts.station.spc.msa_study import to_study
from tests.domains.parts.station import aiag


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

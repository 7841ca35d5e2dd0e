"""How far people's answers on the same cases agree beyond chance, with intervals over the cases.

Percent agreement, Cohen's kappa (Educational and Psychological Measurement 20, 1960), Fleiss' kappa
(Psychological Bulletin 76, 1971) and Gwet's AC1 (British Journal of Mathematical and Statistical
Psychology 61, 2008). The kappas fall when nearly all cases have one label, however well the readers
agree; AC1 does not, so both stand side by side. A figure that is 0/0 is undefined and says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.decision.certificate import interval
from core.types import F64

ONE_LABEL = "undefined: only one label used"
NO_CASES = "undefined: no case was read twice"
TOO_FEW = "no interval: too few cases with a second label"
NO_SPREAD = "no interval: every resample of the cases gives the same"
RESAMPLES = 2000
SEED = 20260101
NO_ANSWER = -1
_DEFINED = 0.95  # share of the resamples that a figure needs to be defined in
_NONE = 1e-12


@dataclass(frozen=True, slots=True)
class AgreementFigure:
    """One figure of agreement with its 95 % interval.

    Attributes:
        value: The figure; None where it is undefined.
        low: Lower end of the interval; None where there is none.
        high: Upper end of the interval; None where there is none.
        reason: Why the figure is undefined, or why it has no interval; empty where it has both.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ReaderAgreement:
    """How far readers agree on the cases that more than one of them read.

    Attributes:
        cases: Cases with at least two answers.
        percent: Share of pairs of answers on one case that are the same.
        cohen: Cohen's kappa of the first two readers of each case.
        fleiss: Fleiss' kappa over all readers.
        gwet: Gwet's AC1 over all readers.
    """

    cases: int
    percent: AgreementFigure
    cohen: AgreementFigure
    fleiss: AgreementFigure
    gwet: AgreementFigure


def measure_agreement(
    answers: Sequence[Sequence[str]], resamples: int = RESAMPLES, seed: int = SEED
) -> ReaderAgreement:
    """Return how far readers agree, each figure with a bootstrap interval over the cases.

    The interval is the percentile one. Where every resample gives the same figure it would be of no
    width, which says nothing: percent agreement then has its exact interval, the others have none.

    Args:
        answers: For each case the labels that its readers gave, in the order of the readers; an
            empty label where a reader gave none. A case with fewer than two counts for nothing.
        resamples: How often the cases are drawn anew, with replacement.
        seed: Of that draw; the same seed and answers give the same interval.
    """
    read = [given for case in answers if len(given := [one for one in case if one]) > 1]
    if not read:
        none = AgreementFigure(None, reason=NO_CASES)
        return ReaderAgreement(0, none, none, none, none)
    codes, counts = np.unique(_coded(read), axis=0, return_counts=True)
    weights = counts[np.newaxis].astype(np.float64)
    drawn = np.random.default_rng(seed).multinomial(len(read), counts / len(read), resamples)
    values, resampled = _figures(codes, weights), _figures(codes, drawn.astype(np.float64))
    percent, cohen, fleiss, gwet = (
        _figure(float(value[0]), some) for value, some in zip(values, resampled, strict=True)
    )
    if percent.low is None and percent.value is not None:
        same = round(percent.value * len(read))
        percent = AgreementFigure(percent.value, *interval(same, len(read)))
    return ReaderAgreement(len(read), percent, cohen, fleiss, gwet)


def _coded(answers: Sequence[Sequence[str]]) -> NDArray[np.int64]:
    """Return int64 ``n readers``: the number of each label, ``NO_ANSWER`` behind the last."""
    number = {label: i for i, label in enumerate(sorted({one for case in answers for one in case}))}
    coded = np.full((len(answers), max(map(len, answers))), NO_ANSWER)
    for row, case in zip(coded, answers, strict=True):
        row[: len(case)] = [number[label] for label in case]
    return coded


def _figures(codes: NDArray[np.int64], weights: F64) -> tuple[F64, F64, F64, F64]:
    """Return percent agreement, Cohen, Fleiss and AC1, each float64 ``b``; NaN for 0/0.

    Args:
        codes: int64 ``m readers``, patterns of answers.
        weights: float64 ``b m``, how often each pattern occurs.
    """
    labels = np.arange(int(codes.max()) + 1)
    votes = (codes[:, :, np.newaxis] == labels).sum(axis=1).astype(np.float64)
    readers = votes.sum(axis=1)
    total = weights.sum(axis=1)
    pairs = (votes * (votes - 1.0)).sum(axis=1) / (readers * (readers - 1.0))
    same = weights @ pairs / total
    pooled = weights @ votes / (weights @ readers)[:, np.newaxis]
    first, second = (weights @ (codes[:, [i]] == labels) / total[:, np.newaxis] for i in (0, 1))
    both = weights @ (codes[:, 0] == codes[:, 1]) / total
    mean = weights @ (votes / readers[:, np.newaxis]) / total[:, np.newaxis]
    spread = (mean * (1.0 - mean)).sum(axis=1)
    by_chance = spread / (labels.size - 1) if labels.size > 1 else np.ones_like(spread)
    return (
        same,
        _beyond_chance(both, (first * second).sum(axis=1)),
        _beyond_chance(same, (pooled**2).sum(axis=1)),
        _beyond_chance(same, by_chance),
    )


def _beyond_chance(agreement: F64, by_chance: F64) -> F64:
    room = 1.0 - by_chance
    defined = room > _NONE
    return np.where(defined, (agreement - by_chance) / np.where(defined, room, 1.0), np.nan)


def _figure(value: float, resampled: F64) -> AgreementFigure:
    if np.isnan(value):
        return AgreementFigure(None, reason=ONE_LABEL)
    defined = resampled[~np.isnan(resampled)]
    if defined.size < _DEFINED * resampled.size:
        return AgreementFigure(value, reason=TOO_FEW)
    if np.ptp(defined) < _NONE:
        return AgreementFigure(value, reason=NO_SPREAD)
    low, high = np.quantile(defined, (0.025, 0.975))
    return AgreementFigure(value, float(low), float(high))

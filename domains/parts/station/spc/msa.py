"""Attribute agreement analysis: do appraisers, the station among them, agree on pass and fail?

The usual study has 50 parts, 3 appraisers and 3 trials (AIAG, Measurement Systems Analysis, 4th
edition, chapter III C). Two conventions of counting are in use and give different figures for the
same readings: Minitab's Assistant counts every reading, its Stat menu, and AIAG's effectiveness,
count a part once, as right where all its readings are. Both are given.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.decision.rate import Rate
from core.types import F64
from domains.parts.station.spc.kappa import (
    Kappa,
    Ratings,
    cohen,
    cohen_error,
    fleiss,
    fleiss_against,
    fleiss_error,
    kappa_interval,
)
from domains.parts.station.spc.msa_study import MsaStudy

RESAMPLES = 2000


class Acceptance(StrEnum):
    """AIAG's judgement of one figure of an appraiser."""

    ACCEPTABLE = "acceptable"
    MARGINAL = "marginal"
    UNACCEPTABLE = "unacceptable"


@dataclass(frozen=True, slots=True)
class AgainstReference:
    """How one appraiser, or all of them, agree with the reference.

    Attributes:
        parts: Parts of which every reading is right (Minitab's Stat menu; AIAG's effectiveness).
        readings: Readings that are right (Minitab's Assistant), with an interval that allows for
            readings of one part being alike.
        missed: Readings of bad parts that passed them.
        false_alarms: Readings of good parts that rejected them.
        cohen: Cohen's kappa over all readings, as AIAG works it out; None for all appraisers.
        fleiss: Fleiss' kappa, the mean over readings.
    """

    parts: Rate
    readings: Rate
    missed: Rate
    false_alarms: Rate
    cohen: Kappa | None
    fleiss: Kappa

    @property
    def acceptance(self) -> dict[str, Acceptance]:
        """AIAG's judgement: effectiveness 90 / 80 %, miss rate 2 / 5 %, false alarms 5 / 10 %."""
        wrong = 1.0 - self.parts.value
        return {
            "effectiveness": _accept(wrong, 0.10, 0.20),
            "miss rate": _accept(self.missed.value, 0.02, 0.05),
            "false alarm rate": _accept(self.false_alarms.value, 0.05, 0.10),
        }

    def to_json(self) -> dict[str, Any]:
        """Return the figures."""
        return {
            "parts": self.parts.to_json(),
            "readings": self.readings.to_json(),
            "miss_rate": self.missed.to_json(),
            "false_alarm_rate": self.false_alarms.to_json(),
            "cohen": self.cohen.to_json() if self.cohen else None,
            "fleiss": self.fleiss.to_json(),
            "acceptance": {name: verdict.value for name, verdict in self.acceptance.items()},
        }


@dataclass(frozen=True, slots=True)
class Consistency:
    """Whether readings agree with each other: parts on which all of them do, and Fleiss' kappa."""

    parts: Rate
    fleiss: Kappa

    def to_json(self) -> dict[str, Any]:
        """Return the figures."""
        return {"parts": self.parts.to_json(), "fleiss": self.fleiss.to_json()}


@dataclass(frozen=True, slots=True)
class AgreementAnalysis:
    """The whole analysis of one study.

    Attributes:
        study: What was read.
        within: By appraiser, whether the trials agree.
        against: By appraiser, agreement with the reference.
        between: Whether all readings of all appraisers agree.
        pairs: Cohen's kappa of every two appraisers, trial by trial.
        all_against: Whether all readings of all appraisers agree with the reference.
        resamples: Bootstrap samples behind the intervals of the kappas.
        seed: Of the bootstrap.
    """

    study: MsaStudy
    within: dict[str, Consistency]
    against: dict[str, AgainstReference]
    between: Consistency
    pairs: dict[tuple[str, str], Kappa]
    all_against: AgainstReference
    resamples: int
    seed: int

    def to_json(self) -> dict[str, Any]:
        """Return the figures of ``assay parts station msa --json``."""
        study = self.study
        return {
            "parts": len(study.parts),
            "bad_parts": int(study.reference.sum()),
            "appraisers": list(study.appraisers),
            "trials": study.rejected.shape[2],
            "resamples": self.resamples,
            "seed": self.seed,
            "within": {name: one.to_json() for name, one in self.within.items()},
            "against_reference": {name: one.to_json() for name, one in self.against.items()},
            "between": self.between.to_json(),
            "pairs": [
                {"first": first, "second": second, **kappa.to_json()}
                for (first, second), kappa in self.pairs.items()
            ],
            "all_against_reference": self.all_against.to_json(),
        }


def analyse(study: MsaStudy, *, resamples: int = RESAMPLES, seed: int = 1) -> AgreementAnalysis:
    """Return the agreement within and between appraisers and with the reference.

    Args:
        study: The readings.
        resamples: Bootstrap samples of the parts for the intervals of the kappas.
        seed: Of the bootstrap.
    """
    interval = partial(kappa_interval, parts=len(study.parts), resamples=resamples, seed=seed)
    names = list(enumerate(study.appraisers))
    readings = study.rejected
    everything = readings.reshape(len(study.parts), -1)
    return AgreementAnalysis(
        study,
        within={name: _consistency(readings[:, place], interval) for place, name in names},
        against={
            name: _against(readings[:, place], study.reference, interval, has_cohen=True)
            for place, name in names
        },
        between=_consistency(everything, interval),
        pairs={
            (one, other): _cohen(readings[:, i], readings[:, j], interval)
            for (i, one), (j, other) in combinations(names, 2)
        },
        all_against=_against(everything, study.reference, interval, has_cohen=False),
        resamples=resamples,
        seed=seed,
    )


def _consistency(ratings: Ratings, interval: partial[Kappa]) -> Consistency:
    agreed = (ratings == ratings[:, :1]).all(1)
    kappa = interval(lambda drawn: fleiss(ratings[drawn]), error=fleiss_error(*ratings.shape))
    return Consistency(Rate.independent(int(agreed.sum()), agreed.size), kappa)


def _against(
    ratings: Ratings, reference: NDArray[np.bool_], interval: partial[Kappa], *, has_cohen: bool
) -> AgainstReference:
    right = ratings == reference[:, None]
    part = np.broadcast_to(np.arange(reference.size)[:, None], ratings.shape)
    whole = right.all(1)
    bad, good = reference, ~reference
    repeated = np.broadcast_to(reference[:, None], ratings.shape)

    def statistic(drawn: NDArray[np.intp]) -> F64:
        return fleiss_against(ratings[drawn], reference[drawn])

    # The mean of as many kappas as readings, each of two raters.
    error = fleiss_error(reference.size, 2) / float(np.sqrt(ratings.shape[1]))
    return AgainstReference(
        parts=Rate.independent(int(whole.sum()), whole.size),
        readings=Rate.from_groups(right.ravel(), part.ravel()),
        missed=Rate.from_groups(~right[bad].ravel(), part[bad].ravel()),
        false_alarms=Rate.from_groups(~right[good].ravel(), part[good].ravel()),
        cohen=_cohen(ratings, repeated, interval) if has_cohen else None,
        fleiss=interval(statistic, error=error),
    )


def _cohen(first: Ratings, second: Ratings, interval: partial[Kappa]) -> Kappa:
    return interval(
        lambda drawn: cohen(first[drawn], second[drawn]), error=cohen_error(first, second)
    )


def _accept(value: float, acceptable: float, marginal: float) -> Acceptance:
    # Shares such as 1 - 0.9 differ from 0.1 in the last digit.
    if value <= acceptable + 1e-9:
        return Acceptance.ACCEPTABLE
    return Acceptance.MARGINAL if value <= marginal + 1e-9 else Acceptance.UNACCEPTABLE

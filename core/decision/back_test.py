"""What other limits would have made of past cases: verdicts, errors, cost, and which flip.

Scores of past pictures are kept with their decisions, and everything after the scores is the rule
of a policy: a back-test is that rule again. A case has the worst verdict of its pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.decision.finite_counts import count_interval
from core.decision.rate import Rate
from core.decision.rule import is_admitted
from core.types import F64, Disposition, Policy

SEVERITY = (Disposition.NEGATIVE, Disposition.DEFER, Disposition.POSITIVE)
"""From the mildest to the worst: a case has the worst of its pictures."""

PASSES, DEFERS, CALLS_OUT = range(3)
_TAIL = 0.025


@dataclass(frozen=True, eq=False)
class PastVerdicts:
    """Pictures that were judged, axis ``n``, and their cases, axis ``c``.

    Attributes:
        positive_probability: float64 ``n``; NaN where the model was not reached.
        ood_p: float64 ``n``; NaN likewise.
        good_p: float64 ``n``; 1 without a memory bank.
        gates_passed: bool ``n``, whether no check of the picture itself found anything.
        verdict: int8 ``n``, as it was given: a place in ``SEVERITY``.
        case: int ``n``, the number of its case, 0 to c - 1; every case has a picture.
        case_id: str ``c``.
        answer: int8 ``c``, a person's standing answer: a place in ``SEVERITY``; -1 for none.
        is_drawn: bool ``c``, whether the audit drew it.
        is_hidden: bool ``c``, whether somebody is to answer it without knowing the verdict, or what
            was answered before.
        audit_probability: float64 ``c``, with which probability the audit would draw it; NaN where
            no audit was made of it.
    """

    positive_probability: F64
    ood_p: F64
    good_p: F64
    gates_passed: NDArray[np.bool_]
    verdict: NDArray[np.int8]
    case: NDArray[np.intp]
    case_id: NDArray[Any]
    answer: NDArray[np.int8]
    is_drawn: NDArray[np.bool_]
    is_hidden: NDArray[np.bool_]
    audit_probability: F64

    @cached_property
    def given(self) -> NDArray[np.int8]:
        """The verdict that each case had, int8 ``c``."""
        return self.worst(self.verdict)

    @cached_property
    def case_probability(self) -> F64:
        """Largest positive probability of each case, float64 ``c``; NaN where none was scored."""
        largest = np.full(self.case_id.size, -1.0)
        np.maximum.at(largest, self.case, np.nan_to_num(self.positive_probability, nan=-1.0))
        return np.where(largest < 0.0, np.nan, largest)

    def worst(self, verdict: NDArray[np.int8]) -> NDArray[np.int8]:
        """Return the worst verdict of each case's pictures, int8 ``c``."""
        worst = np.zeros(self.case_id.size, np.int8)
        np.maximum.at(worst, self.case, verdict)
        return worst


def judge_again(past: PastVerdicts, policy: Policy) -> NDArray[np.int8]:
    """Return what a policy makes of each picture, int8 ``n``, as ``rule.judge_one`` does."""
    level = policy.good_only.level if policy.good_only else None
    p = past.positive_probability
    reached = is_admitted(p, past.ood_p, past.gates_passed, policy.targets.ood_alpha)
    made = np.full(p.shape, DEFERS, np.int8)
    if policy.t_neg is not None:
        made[reached & (p <= policy.t_neg)] = PASSES
    if level is not None:
        made[reached & (past.good_p <= level)] = CALLS_OUT
    if policy.t_pos is not None:
        made[reached & (p >= policy.t_pos)] = CALLS_OUT
    return made


@dataclass(frozen=True, slots=True)
class ErrorEstimate:
    """How many cases were decided wrongly by themselves.

    Attributes:
        known: Errors that a person's answer shows.
        value: Estimate over all such cases; None where a part of them was never looked at.
        low: Lower end of the 95 % interval.
        high: Upper end.
        total: Cases decided that way.
        looked_at: Those of them that the estimate counts a person's answer on.
    """

    known: int
    value: float | None
    low: int
    high: int
    total: int
    looked_at: int


@dataclass(frozen=True, slots=True)
class Costs:
    """What an error and a review cost a user, in a unit of their own."""

    escape: float = 100.0
    overkill: float = 10.0
    review: float = 1.0

    def __post_init__(self) -> None:
        """Refuse costs below zero or without end.

        Raises:
            ValueError: One is.
        """
        for name in ("escape", "overkill", "review"):
            if not 0.0 <= getattr(self, name) < float("inf"):
                raise ValueError(f"{name}: expected 0 or more, got {getattr(self, name)}")


@dataclass(frozen=True, slots=True)
class PolicyEffect:
    """What became, or would become, of past cases.

    Attributes:
        shares: Share of the cases that passed, went to a person, were called out, in the order of
            ``SEVERITY``.
        escapes: Positive cases among those that passed.
        overkills: Negative cases among those called out.
    """

    shares: tuple[Rate, Rate, Rate]
    escapes: ErrorEstimate
    overkills: ErrorEstimate

    @property
    def automatic(self) -> Rate:
        """Share of the cases decided without a person."""
        deferred = self.shares[DEFERS]
        return Rate.independent(deferred.n - deferred.k, deferred.n)

    def cost(self, costs: Costs) -> tuple[float | None, float, float]:
        """Return the cost with its interval; None where an error count is unknown."""
        fixed = costs.review * self.shares[DEFERS].k
        counts = ((costs.escape, self.escapes), (costs.overkill, self.overkills))
        values = [each * one.value for each, one in counts if one.value is not None]
        return (
            fixed + sum(values) if len(values) == len(counts) else None,
            fixed + sum(each * one.low for each, one in counts),
            fixed + sum(each * one.high for each, one in counts),
        )


def effect_of(past: PastVerdicts, made: NDArray[np.int8]) -> PolicyEffect:
    """Return what verdicts on cases amount to, int8 ``c``."""
    n = made.size
    shares = [Rate.independent(int((made == place).sum()), n) for place in range(len(SEVERITY))]
    return PolicyEffect(
        shares=(shares[0], shares[1], shares[2]),
        escapes=estimate_errors(past, made == PASSES, CALLS_OUT),
        overkills=estimate_errors(past, made == CALLS_OUT, PASSES),
    )


def estimate_errors(
    past: PastVerdicts, decided: NDArray[np.bool_], wrong_answer: int
) -> ErrorEstimate:
    """Return how many of the cases decided one way are wrong.

    Cases are counted apart by how they came to a person: those that had passed by the probability
    of their audit draw, of which only the drawn ones count, and all others, which wait for a person
    anyway. Within each the answers are taken for a random sample, and the bounds are exact
    (``count_interval``), at a level that holds for all of them together.

    Args:
        past: The cases.
        decided: bool ``c``, those decided that way.
        wrong_answer: The answer, a place in ``SEVERITY``, that makes it an error.
    """
    answered = (past.answer == PASSES) | (past.answer == CALLS_OUT)
    wrong = past.answer == wrong_answer
    had_passed = past.given == PASSES
    counts = np.where(had_passed, past.is_drawn, True) & answered
    way = np.where(had_passed, np.nan_to_num(past.audit_probability, nan=0.0), 2.0)
    strata = [decided & (way == one) for one in np.unique(way[decided])]
    tail = _TAIL / max(len(strata), 1)
    low = high = looked_at = 0
    value: float | None = 0.0
    for mine in strata:
        k, n = int((mine & counts & wrong).sum()), int((mine & counts).sum())
        total = int(mine.sum())
        bounds = count_interval(k, n, total, tail)
        low, high, looked_at = low + bounds[0], high + bounds[1], looked_at + n
        value = None if value is None or not n else value + k / n * total
    return ErrorEstimate(
        int((decided & wrong).sum()), value, low, high, int(decided.sum()), looked_at
    )


@dataclass(frozen=True, slots=True, eq=False)
class Flips:
    """Cases whose verdict would be another one.

    Attributes:
        cases: int ``m``, numbers of cases, those that a person's answer contradicts first.
        verdicts: int8 ``m``, the other verdict of each.
        total: How many flip, those that are not listed included.
        withheld: Those that are hidden: to list them would tell what their reader must not know.
    """

    cases: NDArray[np.intp]
    verdicts: NDArray[np.int8]
    total: int
    withheld: int


def list_flips(past: PastVerdicts, made: NDArray[np.int8], most: int = 200) -> Flips:
    """Return the cases whose verdict would be another one, the most harmful first.

    Args:
        past: The cases.
        made: int8 ``c``, the other verdicts.
        most: How many at the most.
    """
    flipped = made != past.given
    listed = np.flatnonzero(flipped & ~past.is_hidden)
    now, answer = made[listed], past.answer[listed]
    harm = np.select(
        [
            (now == PASSES) & (answer == CALLS_OUT),
            (now == CALLS_OUT) & (answer == PASSES),
            now == PASSES,
            now == CALLS_OUT,
        ],
        [0, 1, 2, 3],
        4,
    )
    order = np.lexsort((-np.nan_to_num(past.case_probability[listed]), harm))
    first = listed[order[:most]]
    return Flips(first, made[first], int(flipped.sum()), int((flipped & past.is_hidden).sum()))

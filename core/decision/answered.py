"""Answers as a sample of all cases: how many cases each answer stands for.

Cases that passed come to a person by the audit draw alone, with a probability q of their own; the
others wait for a person anyway, but not all are answered. So answers are counted apart by what had
become of the case and by q, and each stands for an equal share of the cases of its stratum: 1/q
cases where all that were drawn are answered (Horvitz and Thompson, JASA 47, 1952, with the counts
known, as in Holt and Smith, JRSS A 142, 1979).
"""

from __future__ import annotations

import numpy as np

from core.decision.back_test import CALLS_OUT, PASSES, PastVerdicts
from core.types import F64


def weigh_answers(past: PastVerdicts) -> F64:
    """Return for how many cases with a probability each case's answer stands, float64 ``c``.

    0 where there is no answer, where the case has no probability, and where a case had passed and
    was answered without having been drawn: whoever opened it chose it.

    Args:
        past: The cases.
    """
    has_passed = past.given == PASSES
    is_scored = ~np.isnan(past.case_probability)
    answered = (past.answer == PASSES) | (past.answer == CALLS_OUT)
    counts = is_scored & answered & np.where(has_passed, past.is_drawn, True)
    # Probabilities are at most 1, and numbers of verdicts above it.
    passed_with = np.nan_to_num(past.audit_probability, nan=0.0)
    stratum = np.where(has_passed, passed_with, 2.0 + past.given)
    member = np.unique(stratum, return_inverse=True)[1]
    total, looked_at = np.bincount(member, is_scored), np.bincount(member, counts)
    weight = total / np.maximum(looked_at, 1.0)
    return np.where(counts, weight[member], 0.0)


def count_unrepresented(past: PastVerdicts) -> int:
    """Return how many cases with a probability have no answer that stands for them."""
    is_scored = ~np.isnan(past.case_probability)
    return round(float(is_scored.sum() - weigh_answers(past).sum()))

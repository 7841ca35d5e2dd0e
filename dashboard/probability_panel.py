"""Whether stated probabilities come true, and what deciding more cases would cost in errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from core.decision.answered import weigh_answers
from core.decision.back_test import CALLS_OUT, DEFERS, PastVerdicts
from core.decision.cases import Cases
from core.decision.cluster_intervals import share_interval
from core.decision.policy import dispositions
from core.decision.rate import Rate
from core.decision.subgroups import EstimatedRate
from core.packs import DomainPack
from core.report.curves import risk_coverage
from core.report.reliability import reliability
from core.types import F64, Disposition, Policy
from dashboard import quality_figures, widgets
from dashboard.present import quality

MOST_CASES = 10_000
"""Cases that a perfect predictor is simulated on at the most."""


@dataclass(frozen=True, slots=True, eq=False)
class LabelledCases:
    """Cases whose truth people have stated, axis ``n``.

    Attributes:
        key: Names the sample.
        probability: float64 ``n``, positive probability.
        positive: bool ``n``.
        group: ``n``, the unit over which errors are counted.
        weight: float64 ``n``, for how many cases each stands.
        total: How many cases they stand for, with those that the model was not asked about.
        policy: Share that the policy in force decides, and how much of it is wrong; None where it
            decides nothing.
    """

    key: str
    probability: F64
    positive: NDArray[np.bool_]
    group: NDArray[np.generic]
    weight: F64
    total: float
    policy: tuple[float, Rate | EstimatedRate] | None


def render(pack: DomainPack, policy: Policy, cal: Cases, past: PastVerdicts) -> None:
    """Show the curves of the held-out cases, and beside them those of the cases answered."""
    st.header("Probabilities", anchor=False, divider="grey")
    left, right = st.columns(2, gap="large")
    with left:
        widgets.text("Held-out cases", "title")
        widgets.text(quality.HELD_OUT, "quiet")
        _curves(pack, held_out(cal, policy))
    with right:
        widgets.text("Cases that people answered", "title")
        widgets.text(quality.describe_weights(past, pack), "quiet")
        _curves(pack, answered(past))


def held_out(cal: Cases, policy: Policy) -> LabelledCases:
    """Return the held-out cases of a bundle; the gates send some of them to review."""
    reached = cal.reached(policy.targets.ood_alpha)
    made = dispositions(cal, policy)
    decided = made != Disposition.DEFER.value
    wrong = (made == Disposition.POSITIVE.value) != cal.positive
    point = (float(decided.mean()), Rate.from_groups(wrong[decided], cal.group[decided]))
    return LabelledCases(
        key="held-out",
        probability=np.clip(cal.positive_probability[reached], 0.0, 1.0),
        positive=cal.positive[reached],
        group=cal.group[reached],
        weight=np.ones(int(reached.sum())),
        total=float(len(cal.group)),
        policy=point if decided.any() else None,
    )


def answered(past: PastVerdicts) -> LabelledCases:
    """Return the cases that people answered, each with how many cases it stands for."""
    weight = weigh_answers(past)
    # Cases are ordered by ids, which are hashes: the first of them are a random part.
    mine = np.flatnonzero(weight)[:MOST_CASES]
    weight, positive = weight[mine], past.answer[mine] == CALLS_OUT
    decided = past.given[mine] != DEFERS
    wrong = ((past.given[mine] == CALLS_OUT) != positive)[decided]
    return LabelledCases(
        key="answered",
        probability=np.clip(past.case_probability[mine], 0.0, 1.0),
        positive=positive,
        group=mine,
        weight=weight,
        total=float(weight.sum()),
        policy=_policy_point(wrong, weight, decided) if decided.any() else None,
    )


def _policy_point(
    wrong: NDArray[np.bool_], weight: F64, decided: NDArray[np.bool_]
) -> tuple[float, EstimatedRate]:
    own = weight[decided]
    low, high = share_interval(wrong, np.arange(wrong.size), own)
    value = float(own @ wrong / own.sum())
    rate = EstimatedRate(wrong.size, round(float(own.sum())), value, low, high)
    return float(own.sum() / weight.sum()), rate


def _curves(pack: DomainPack, cases: LabelledCases) -> None:
    if cases.probability.size == 0:
        widgets.text("There is no such case with a probability, so there is nothing to draw.")
        return
    found = reliability(cases.probability, cases.positive, cases.weight)
    described = quality.describe_calibration(found)
    st.plotly_chart(
        quality_figures.draw_reliability(found, pack.unit_names[0]),
        config=quality_figures.CONFIG,
        key=f"reliability-{cases.key}",
        alt=f"Reliability diagram. {described}",
    )
    widgets.text(described)
    curve = risk_coverage(cases.probability, cases.positive, cases.group, cases.total, cases.weight)
    risk = (
        f"Risk against coverage: {100 * curve.y[-1]:.1f} % wrong where {100 * curve.x[-1]:.0f} % "
        "are decided for the likelier side."
    )
    st.plotly_chart(
        quality_figures.draw_risk(curve, cases.policy),
        config=quality_figures.CONFIG,
        key=f"risk-{cases.key}",
        alt=risk,
    )
    widgets.text(risk)

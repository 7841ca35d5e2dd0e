"""The fail-safe rule: whatever is missing, wrong or undecided, the part does not pass."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.types import (
    Assessment,
    Ceiling,
    Certificate,
    Disposition,
    Finding,
    Policy,
    Prediction,
    Provenance,
    Reason,
    Targets,
    Verdict,
)
from domains.parts.station.judging.rule import CameraView, judge_part, ood_level
from domains.parts.station.result import LineReason, LineResult

CERTIFIED = Certificate("escape", 0.05, 0.95, 60, 0, 0.0487, True, 0.2, 0, 0.0487)
POLICY = Policy(
    bundle="welds@0123456789ab",
    targets=Targets(),
    t_neg=0.2,
    t_pos=0.8,
    escape=CERTIFIED,
    overkill=replace(CERTIFIED, kind="overkill", threshold=0.8),
    flagged=(0.01, 0.0, 0.05, 100),
    residual=(0.0, 0.0, 0.06, 60),
    deferred=0.1,
)
CEILING = Ceiling()
FEW = replace(CERTIFIED, n=5, bound=0.4507, certified=False, needed=54, best_alpha=0.4507)


def an_assessment(
    p: float = 0.1,
    disposition: Disposition = Disposition.NEGATIVE,
    *reasons: Reason,
    policy: Policy = POLICY,
    reached: bool = True,
) -> Assessment:
    prediction = Prediction(np.array([1 - p, p]), p, 0.5) if reached else None
    return Assessment(
        sample_id="a",
        group="",
        sha256="0" * 64,
        verdict=Verdict(disposition, "ok", tuple(Finding(one, "") for one in reasons)),
        wording="",
        classes=("ok", "scratch"),
        prediction=prediction,
        evidence=None,
        provenance=Provenance(policy.bundle, "0" * 64, policy.id, "0.1", "cpu"),
        timing_ms={"decode": 0.0, "infer": 0.0, "total": 0.0},
    )


def judged(*assessments: Assessment | None, expected: int = 1, **more):
    policy = more.pop("policy", POLICY)
    views = [
        CameraView(f"camera {place}", (), one, None if one is None else policy)
        for place, one in enumerate(assessments)
    ]
    return judge_part(views, expected=expected, ceiling=CEILING, **more)


def test_a_certified_negative_of_every_camera_passes():
    assert judged(an_assessment()).result is LineResult.PASS
    both = judged(an_assessment(), an_assessment(0.2), expected=2)
    assert both.result is LineResult.PASS


def test_an_audit_draw_does_not_hold_a_part_back():
    assert judged(an_assessment(0.1, Disposition.NEGATIVE, Reason.AUDIT)).result is LineResult.PASS


@pytest.mark.parametrize(
    ("assessment", "reason"),
    [
        (an_assessment(0.9, Disposition.POSITIVE), LineReason.DEFECT),
        (an_assessment(0.5, Disposition.DEFER), LineReason.AMBIGUOUS),
        (an_assessment(0.1, Disposition.DEFER, Reason.NOVEL), LineReason.NOVEL),
        (an_assessment(0.1, Disposition.DEFER, Reason.FAULT), LineReason.INFERENCE_FAULT),
        (an_assessment(0.1, Disposition.NEGATIVE, Reason.POOR_QUALITY), LineReason.POOR_QUALITY),
        (an_assessment(float("nan")), LineReason.INFERENCE_FAULT),
        (an_assessment(float("-inf")), LineReason.INFERENCE_FAULT),
        (an_assessment(-0.1), LineReason.INFERENCE_FAULT),
        (an_assessment(0.21), LineReason.INFERENCE_FAULT),
        (an_assessment(reached=False), LineReason.INFERENCE_FAULT),
        (an_assessment(policy=replace(POLICY, t_neg=0.3)), LineReason.INFERENCE_FAULT),
        (None, LineReason.INFERENCE_FAULT),
    ],
)
def test_anything_less_than_a_certified_negative_fails(assessment, reason):
    verdict = judged(assessment)
    assert verdict.result is LineResult.FAIL
    assert reason in verdict.reasons


@pytest.mark.parametrize("t_neg", [None, 0.05])
def test_the_limit_is_the_policys_own(t_neg):
    policy = replace(POLICY, t_neg=t_neg)
    verdict = judged(an_assessment(policy=policy), policy=policy)
    assert verdict.reasons == (LineReason.INFERENCE_FAULT,)


def test_a_missing_or_doubled_view_fails():
    assert judged(an_assessment(), expected=2).reasons == (LineReason.VIEW_MISSING,)
    assert judged(expected=1).reasons == (LineReason.VIEW_MISSING,)
    twice = [CameraView("top", (), an_assessment(), POLICY)] * 2
    assert judge_part(twice, expected=2, ceiling=CEILING).result is LineResult.FAIL


def test_without_a_certificate_a_part_passes_by_a_persons_choice_alone():
    policy = replace(POLICY, escape=FEW)
    chosen = replace(policy, targets=Targets(uncertified_negatives=True))
    for of in (policy, chosen):
        assert judged(an_assessment(policy=of), policy=of).reasons == (LineReason.NOT_CERTIFIED,)
    uncertified = judged(an_assessment(policy=policy), policy=policy, allow_uncertified=True)
    assert uncertified.reasons == (LineReason.NOT_CERTIFIED,)
    passed = judged(an_assessment(policy=chosen), policy=chosen, allow_uncertified=True)
    assert passed.result is LineResult.PASS


@pytest.mark.parametrize(
    ("known", "level"), [(9, 0.1), (19, 0.05), (20, 0.05), (98, 0.05), (99, 0.01), (5000, 0.01)]
)
def test_a_part_less_like_few_pictures_than_any_of_them_does_not_pass(known, level):
    assert ood_level(POLICY, known) == pytest.approx(level)
    assert ood_level(replace(POLICY, targets=Targets(ood_alpha=0.0)), known) == 0.0
    beyond_all = 1.0 / (known + 1)
    for p, reasons in ((beyond_all, (LineReason.NOVEL,)), (0.2, ())):
        made = an_assessment()
        made = replace(made, prediction=replace(made.prediction, ood_p=p))
        view = CameraView("top", (), made, POLICY, ood_level(POLICY, known))
        assert judge_part([view], expected=1, ceiling=CEILING).reasons == reasons


def test_a_certificate_of_half_the_defects_passes_nothing():
    loose = replace(CERTIFIED, alpha=0.5, bound=0.45, n=60, k=20)
    policy = replace(POLICY, escape=loose)
    assert judged(an_assessment(policy=policy), policy=policy).reasons == (
        LineReason.NOT_CERTIFIED,
    )


dispositions = st.sampled_from(list(Disposition))
reasons = st.lists(st.sampled_from([r for r in Reason if r is not Reason.AUDIT]), max_size=3)
line_reasons = st.lists(st.sampled_from(list(LineReason)), max_size=2)


@given(
    st.lists(st.tuples(st.floats(), dispositions, reasons, line_reasons), max_size=3),
    st.integers(1, 3),
    line_reasons,
    st.booleans(),
)
def test_a_pass_means_that_every_condition_held(shown, expected, against, allow):
    views = [
        CameraView(f"{place}", tuple(refused), an_assessment(p, d, *found), POLICY)
        for place, (p, d, found, refused) in enumerate(shown)
    ]
    verdict = judge_part(
        views, expected=expected, ceiling=CEILING, reasons=against, allow_uncertified=allow
    )
    holds = len(views) == expected and not against
    for p, disposition, found, refused in shown:
        holds &= disposition is Disposition.NEGATIVE and 0 <= p <= 0.2 and not found and not refused
    assert (verdict.result is LineResult.PASS) == holds

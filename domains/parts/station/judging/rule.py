"""The fail-safe rule: a part passes if nothing is wrong with it and everything needed is there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.decision.certificate import groups_to_ceiling
from core.types import Assessment, Ceiling, Disposition, Policy, Reason
from domains.parts.station.result import LineReason, LineVerdict

_LINE_REASONS = {
    Reason.AMBIGUOUS: LineReason.AMBIGUOUS,
    Reason.NOVEL: LineReason.NOVEL,
    Reason.UNREADABLE: LineReason.UNREADABLE,
    Reason.POOR_QUALITY: LineReason.POOR_QUALITY,
    Reason.WRONG_INPUT: LineReason.WRONG_INPUT,
    Reason.NOT_CERTIFIED: LineReason.NOT_CERTIFIED,
    Reason.FAULT: LineReason.INFERENCE_FAULT,
    Reason.CORRECTED: LineReason.CORRECTED,
}


@dataclass(frozen=True, slots=True)
class CameraView:
    """One camera's share in a part.

    Attributes:
        camera: Name of the camera.
        reasons: What its frame is refused for.
        assessment: What judging it gave; None where it was not judged.
        policy: By which it was judged; None where it was not judged.
        ood_level: Up to which OOD p-value it is taken for another product.
    """

    camera: str
    reasons: tuple[LineReason, ...]
    assessment: Assessment | None
    policy: Policy | None
    ood_level: float = 0.0


EARLY_LEVEL = 0.05
"""Share of good parts that the gate may refuse while it has too few pictures for the policy's.

One outlier among 50 pictures hides the cells of another kind from a gate that asks for less.
"""


def ood_level(policy: Policy, known: int) -> float:
    """Return up to which OOD p-value a part does not pass: that of the policy's gate, or more.

    With few pictures no p-value is as small as the policy asks, and its gate flags nothing. On a
    line what is less like those pictures than nearly all of them are to the others does not pass.

    Args:
        policy: By which parts are judged.
        known: How many pictures the gate compares with.
    """
    alpha, least = policy.targets.ood_alpha, 1.0 / (known + 1.0)
    return max(EARLY_LEVEL, least) if 0.0 < alpha < least else alpha


def judge_part(
    views: Sequence[CameraView],
    *,
    expected: int,
    ceiling: Ceiling,
    reasons: Sequence[LineReason] = (),
    allow_uncertified: bool = False,
) -> LineVerdict:
    """Return the verdict on a part: the worst of its views, and PASS only where all is well.

    Args:
        views: What each camera gave.
        expected: Number of the recipe's cameras.
        ceiling: What the escape certificate must hold for a part to pass by itself.
        reasons: What is wrong with the part as a whole, such as an id that was not read.
        allow_uncertified: Whether a person lets parts pass before an escape rate is certified.
    """
    found = list(reasons)
    if len({view.camera for view in views}) != expected or not views:
        found.append(LineReason.VIEW_MISSING)
    for view in views:
        found += view.reasons or reasons_against(
            view.assessment,
            view.policy,
            ceiling,
            ood_level=view.ood_level,
            allow_uncertified=allow_uncertified,
        )
    return LineVerdict.because(*found) if found else LineVerdict.passed()


def reasons_against(
    assessment: Assessment | None,
    policy: Policy | None,
    ceiling: Ceiling,
    *,
    ood_level: float = 0.0,
    allow_uncertified: bool = False,
) -> list[LineReason]:
    """Return why a view's assessment does not let its part pass; empty where it does.

    Nothing is taken on trust: a negative must carry a probability from 0 up to the limit of
    the very policy that judged, an OOD p-value above the level, and no finding but that it was
    drawn for the audit.
    """
    if assessment is None or policy is None:
        return [LineReason.INFERENCE_FAULT]
    if assessment.provenance.policy_id != policy.id:
        return [LineReason.INFERENCE_FAULT]
    verdict = assessment.verdict
    found = [_LINE_REASONS[f.reason] for f in verdict.findings if f.reason is not Reason.AUDIT]
    if verdict.disposition is Disposition.POSITIVE:
        return [LineReason.DEFECT, *found]
    if verdict.disposition is not Disposition.NEGATIVE:
        return found or [LineReason.AMBIGUOUS]
    if not _is_below_limit(assessment, policy):
        found.append(LineReason.INFERENCE_FAULT)
    elif not _is_above_level(assessment, ood_level):
        found.append(LineReason.NOVEL)
    by_choice = allow_uncertified and policy.targets.uncertified_negatives
    if not (by_choice or is_certified(policy, ceiling)):
        found.append(LineReason.NOT_CERTIFIED)
    return found


def is_certified(policy: Policy, ceiling: Ceiling) -> bool:
    """Return whether the escape rate is certified, on enough groups and low enough for a line."""
    return policy.escape.certified and groups_to_ceiling(policy.escape, ceiling) == 0


def _is_below_limit(assessment: Assessment, policy: Policy) -> bool:
    if assessment.prediction is None or policy.t_neg is None:
        return False
    # False for NaN too.
    return 0.0 <= assessment.prediction.positive_probability <= policy.t_neg


def _is_above_level(assessment: Assessment, level: float) -> bool:
    # False for NaN too.
    return assessment.prediction is not None and assessment.prediction.ood_p > level

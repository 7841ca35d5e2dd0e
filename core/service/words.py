"""Plain sentences about policies, verdicts and figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.decision.certificate import guarantee_table, in_words, percent
from core.model.bundle import Bundle
from core.packs import DomainPack
from core.types import Assessment, Disposition, Policy


def policy_words(pack: DomainPack, policy: Policy) -> list[str]:
    """Say what a policy certifies, what it costs and what more data would buy."""
    sides = (policy.escape, policy.overkill)
    lines = [
        in_words(certificate, word, unit)
        for certificate, word, unit in zip(sides, pack.error_words, pack.unit_words, strict=True)
    ]
    rate, low, high, n = policy.residual
    passed, (positive, _) = pack.wording[Disposition.NEGATIVE], pack.unit_words
    if n:
        lines.append(
            f"Among {n} with a {passed} in the held-out data, {percent(rate)} were {positive} "
            f"(95 % interval {percent(low)} to {percent(high)})."
        )
    rate, low, high, n = policy.flagged
    if n:
        lines.append(
            f"The gate for strangers holds back {percent(rate)} of {n} ordinary pictures "
            f"(95 % interval {percent(low)} to {percent(high)})."
        )
    lines.append(
        f"{percent(policy.deferred)} of the held-out pictures go to a person "
        f"({pack.wording[Disposition.DEFER]})."
    )
    return lines


def more_data_words(pack: DomainPack, policy: Policy) -> list[str]:
    """Say how many positive groups, all caught, each escape rate would need."""
    have, (word, _), (unit, _) = policy.escape.n, pack.error_words, pack.unit_words
    return [
        f"{word} at most {percent(rate)}: {count} {unit}, all caught "
        + (f"({count - have} more than the {have} there are)" if count > have else "(there are)")
        for rate, count in guarantee_table(policy.escape.confidence)
    ]


def assessment_words(one: Assessment) -> str:
    """Say one verdict in a line."""
    if one.prediction is None:
        return f"{one.wording:<8} {one.sample_id}: {one.verdict.message}"
    shown = f"{one.verdict.label} {one.prediction.positive_probability:.3f}"
    return f"{one.wording:<8} {one.sample_id}: {shown} {one.verdict.message}".rstrip()


def rate_words(rate: Mapping[str, Any]) -> str:
    """Say a rate with its interval and count."""
    if not rate["n"]:
        return "none seen"
    return (
        f"{percent(rate['rate'])} ({rate['k']} of {rate['n']}; "
        f"95 % interval {percent(rate['low'])} to {percent(rate['high'])})"
    )


def evaluation_words(bundle: Bundle, figures: Mapping[str, Any]) -> list[str]:
    """Say the figures of an evaluation."""
    escape, overkill = bundle.pack.error_words
    lines = [
        f"{figures['n']} pictures, AUROC {figures['auroc']:.3f}, "
        f"accuracy {figures['accuracy']:.3f} (balanced {figures['balanced_accuracy']:.3f})",
        f"calibration error {figures['ece']:.3f}, a perfect predictor shows "
        f"{figures['ece_floor']:.3f} at this n; NLL {figures['nll']:.3f}",
        f"{escape}: {rate_words(figures['escape'])}",
        f"{overkill}: {rate_words(figures['overkill'])}",
        f"decided without a person: {percent(figures['automation'])}",
    ]
    for name, gate in figures["ood"].items():
        lines.append(
            f"strangers {name}: {gate['flagged']:.3f} of {gate['n']} flagged, "
            f"AUROC {gate['auroc']:.3f}, FPR95 {gate['fpr95']:.3f}"
        )
    for column, values in figures["by"].items():
        for value, part in values.items():
            lines.append(
                f"{column} = {value}: n {part['n']}, AUROC {part['auroc'] or float('nan'):.3f}, "
                f"{escape} {rate_words(part['escape'])}"
            )
    return lines

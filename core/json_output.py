"""The JSON that leaves Assay: one JSON object an assessment, and the tables people read."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from core.types import FURTHER, Assessment, Certificate, Policy

ASSESSMENT = "assay.assessment/1"


def assessment_line(
    one: Assessment, *, pack: str, policy: Policy, decision: str = ""
) -> dict[str, Any]:
    """Return an assessment as the object that `assay assess --json` prints.

    Args:
        one: The assessment.
        pack: Name of the pack.
        policy: The policy it was judged by.
        decision: Id of the recorded decision; empty when nothing was recorded.
    """
    prediction = one.prediction
    return {
        "schema": ASSESSMENT,
        "file": one.sample_id,
        "sha256": one.sha256,
        "case": one.group or one.sample_id,
        "decision": decision,
        "pack": pack,
        "bundle": one.provenance.bundle,
        "policy": one.provenance.policy_id,
        "disposition": one.verdict.disposition.value,
        "wording": one.wording,
        "label": one.verdict.label,
        "probabilities": {} if prediction is None else dict(one.top(len(one.classes))),
        "label_set": list(one.label_set),
        "superclasses": dict(one.superclasses),
        "positive_probability": None if prediction is None else prediction.positive_probability,
        "ood": {
            "p_value": None if prediction is None else prediction.ood_p,
            "in_distribution": None
            if prediction is None
            else prediction.ood_p > policy.targets.ood_alpha,
        },
        "good_only": _good_only(one, policy),
        "reasons": [f.reason.value for f in one.verdict.findings],
        "checks": [f.check for f in one.verdict.findings],
        "message": one.verdict.message,
        "further_picture": FURTHER in one.meta,
        "certificate": {
            "escape": certificate_json(policy.escape),
            "overkill": certificate_json(policy.overkill),
        },
        "timing_ms": {name: round(value, 3) for name, value in one.timing_ms.items()},
    }


def _good_only(one: Assessment, policy: Policy) -> dict[str, Any] | None:
    """Return what good groups alone bound, where nothing better bounds overkill."""
    if policy.good_only is None:
        return None
    p_value = None if one.prediction is None else one.prediction.good_p
    return {"p_value": p_value, **asdict(policy.good_only)}


def certificate_json(certificate: Certificate) -> dict[str, Any]:
    """Return a certificate as JSON."""
    return {name: value for name, value in asdict(certificate).items() if name != "kind"}

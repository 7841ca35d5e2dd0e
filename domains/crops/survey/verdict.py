"""An assessment as a survey keeps it."""

from __future__ import annotations

from core.types import Assessment
from domains.crops.survey.values import TileVerdict


def verdict_of(assessment: Assessment) -> TileVerdict:
    """Return an assessment without its arrays."""
    verdict, prediction = assessment.verdict, assessment.prediction
    return TileVerdict(
        disposition=verdict.disposition,
        wording=assessment.wording,
        label=verdict.label,
        labels=tuple(assessment.top()),
        positive_probability=prediction.positive_probability if prediction else None,
        reasons=tuple(finding.reason.value for finding in verdict.findings),
        message=verdict.message,
    )

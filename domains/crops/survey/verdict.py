"""An assessment as a survey keeps it."""

from __future__ import annotations

from dataclasses import replace

from core.types import Assessment, Reason
from domains.crops.survey.values import TileVerdict


def verdict_of(assessment: Assessment) -> TileVerdict:
    """Return an assessment without its arrays, and without the audit draw, which is blind."""
    prediction, made = assessment.prediction, assessment.verdict
    shown = tuple(one for one in made.findings if one.reason is not Reason.AUDIT)
    verdict = replace(made, findings=shown)
    return TileVerdict(
        disposition=verdict.disposition,
        wording=assessment.wording,
        label=verdict.label,
        labels=tuple(assessment.top()),
        positive_probability=prediction.positive_probability if prediction else None,
        reasons=tuple(finding.reason.value for finding in verdict.findings),
        message=verdict.message,
        checks=tuple(finding.check for finding in verdict.findings),
        label_set=tuple(assessment.label_set),
    )

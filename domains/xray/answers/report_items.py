"""The items that a report is made of: verdicts, figures and words, each under its code.

Verdicts are coded in a scheme of our own, 99ASSAY, on purpose: no system shall take what a
prescreening says for a radiologist's coded finding.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from core.records.values import StoredDecision
from core.types import Certificate, Finding

if TYPE_CHECKING:
    from highdicom.sr import CodedConcept, ContentItem, Measurement, QualitativeEvaluation

SCHEME = "99ASSAY"

_SIDES = {"escape": "Missed abnormal", "overkill": "False alarm"}
_RATES = {
    "alpha": ("ALPHA", "rate allowed"),
    "bound": ("BOUND", "upper bound"),
    "confidence": ("CONF", "confidence"),
}
_COUNTS = {"n": ("N", "patients counted"), "k": ("K", "errors among them")}


def probability(value: float | None) -> list[Measurement]:
    """Return the calibrated probability of abnormal; nothing where there is none."""
    return [] if value is None else [_rate("PROBABILITY", "Calibrated probability abnormal", value)]


def figures(certificate: Certificate) -> list[Measurement]:
    """Return what is needed to check a certificate by hand."""
    from highdicom.sr import Measurement
    from pydicom.sr.coding import Code

    side, words = certificate.kind.upper(), _SIDES[certificate.kind]
    patients = Code("{patients}", "UCUM", "patients")
    rates = [
        _rate(f"{side}_{code}", f"{words}: {text}", getattr(certificate, name))
        for name, (code, text) in _RATES.items()
    ]
    counts = [
        Measurement(
            _own(f"{side}_{code}", f"{words}: {text}"), getattr(certificate, name), patients
        )
        for name, (code, text) in _COUNTS.items()
    ]
    return rates + counts


def certificate_item(certificate: Certificate) -> QualitativeEvaluation:
    """Return whether a certificate holds what was asked for."""
    from highdicom.sr import QualitativeEvaluation
    from pydicom.sr.codedict import codes

    name = _own(f"{certificate.kind.upper()}_CERT", f"{_SIDES[certificate.kind]}: certified")
    return QualitativeEvaluation(name, codes.SCT.Yes if certificate.certified else codes.SCT.No)


def disposition(decision: StoredDecision) -> QualitativeEvaluation:
    """Return the verdict, in the words of the pack."""
    from highdicom.sr import QualitativeEvaluation

    # Not named "Finding": highdicom would read that back as the type of the finding.
    verdict = _own(decision.disposition.value.upper(), decision.wording)
    return QualitativeEvaluation(_own("DISPOSITION", "Disposition"), verdict)


def reasons(findings: Iterable[Finding]) -> list[ContentItem]:
    """Return each reason as its code and its sentence."""
    return [words("REASON", "Reason", describe_reason(one)) for one in findings]


def describe_reason(finding: Finding) -> str:
    """Return a reason as one line."""
    reason = finding.reason
    return f"{reason.value}: {reason.sentence} {finding.detail}".strip()


def words(code: str, meaning: str, value: str) -> ContentItem:
    """Return something in words."""
    from highdicom.sr import RelationshipTypeValues, TextContentItem

    return TextContentItem(_own(code, meaning), value, RelationshipTypeValues.CONTAINS)


def _rate(code: str, meaning: str, value: float) -> Measurement:
    from highdicom.sr import Measurement
    from pydicom.sr.codedict import codes

    return Measurement(_own(code, meaning), float(value), codes.UCUM.NoUnits)


def _own(code: str, meaning: str) -> CodedConcept:
    from highdicom.sr import CodedConcept

    return CodedConcept(code, SCHEME, meaning)

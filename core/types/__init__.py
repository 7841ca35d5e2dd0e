"""The values that pass between modules: frozen, checked, arrays named by their axes."""

from core.types.arrays import F32, F64, U8
from core.types.assessments import Assessment, Provenance, Verdict
from core.types.evidence import Evidence, NetworkOutput, Prediction
from core.types.pictures import (
    FURTHER,
    Description,
    Frame,
    Prepared,
    Sample,
    Tile,
    Unreadable,
)
from core.types.policies import Ceiling, Certificate, GoodOnly, Policy, Targets
from core.types.reasons import Disposition, Finding, Reason

__all__ = [
    "F32",
    "F64",
    "FURTHER",
    "U8",
    "Assessment",
    "Ceiling",
    "Certificate",
    "Description",
    "Disposition",
    "Evidence",
    "Finding",
    "Frame",
    "GoodOnly",
    "NetworkOutput",
    "Policy",
    "Prediction",
    "Prepared",
    "Provenance",
    "Reason",
    "Sample",
    "Targets",
    "Tile",
    "Unreadable",
    "Verdict",
]

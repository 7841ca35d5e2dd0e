"""Everything that a report is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.decision import good_only
from core.evaluation import LabelledVerdicts
from core.packs import DomainPack
from core.report.blocks import Picture
from core.report.learning_curve import Step
from core.types import F64, Certificate, Policy


@dataclass(frozen=True)
class Origin:
    """What was run on what.

    Attributes:
        bundle: Name and short hash.
        sha256: The bundle's whole identity.
        data: The data set's path as given.
        split: Name of the split evaluated; empty for all rows.
        command: The command line that made the page; empty when there was none.
        version: Of the code that made it.
        made: When, as text; the one thing that differs between two runs.
    """

    bundle: str
    sha256: str
    data: str
    split: str
    command: str
    version: str
    made: str


@dataclass(frozen=True)
class ReportInput:
    """The evaluation and what goes with it.

    Attributes:
        pack: The domain's wording.
        policy: The thresholds that were applied.
        classes: Class names.
        cases: The evaluated pictures.
        figures: What ``assay evaluate --json`` prints.
        plain_columns: Columns with too many values for slices.
        ood_scores: OOD scores, float64 ``m``, by name of an out-of-distribution set.
        ood_limit: OOD score above which a picture is sent to review.
        steps: Learning curve; empty where it could not be made.
        steps_note: How the learning curve was made, or why it was not.
        worst: Kind to pictures worth a look.
        card: The whole of ``bundle.json``.
        origin: What was run on what.
        certifications: How many different targets were certified on the same cases by now.
    """

    pack: DomainPack
    policy: Policy
    classes: tuple[str, ...]
    cases: LabelledVerdicts
    figures: Mapping[str, Any]
    plain_columns: tuple[str, ...]
    ood_scores: Mapping[str, F64]
    ood_limit: float
    steps: tuple[Step, ...]
    steps_note: str
    worst: Mapping[str, tuple[Picture, ...]]
    card: Mapping[str, Any]
    origin: Origin
    certifications: int = 1

    @property
    def certificates(self) -> tuple[Certificate, Certificate]:
        """The certificates of escape and overkill."""
        return self.policy.escape, self.policy.overkill

    def decides(self, certificate: Certificate) -> bool:
        """Return whether a side gets automatic verdicts, with a certificate or without."""
        is_escape = certificate.kind == "escape"
        return self.policy.has_negatives if is_escape else self.policy.has_positives

    def is_bounded_by_memory(self, certificate: Certificate) -> bool:
        """Return whether the bank of good pictures decides a side in a certificate's place."""
        is_uncertified = certificate.kind == "overkill" and not certificate.certified
        return is_uncertified and self.policy.has_positives

    def memory_text(self) -> str:
        """Return the bound of the bank of good pictures as a sentence; empty without one."""
        bound = self.policy.good_only
        if not bound:
            return ""
        return good_only.describe_bound(bound, self.pack.error_names[1], self.pack.unit_names[1])

"""Everything that a page is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core.evaluation import Judged
from core.packs import DomainPack
from core.report.blocks import Picture
from core.report.learning_curve import Step
from core.types import F64, Policy


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
        made: When, in words; the one thing that differs between two runs.
    """

    bundle: str
    sha256: str
    data: str
    split: str
    command: str
    version: str
    made: str


@dataclass(frozen=True)
class Material:
    """The evaluation and what goes with it.

    Attributes:
        pack: The domain's words.
        policy: The thresholds that judged.
        classes: Class names.
        cases: The judged pictures.
        figures: What ``assay evaluate --json`` prints.
        plain_columns: Columns with too many values for slices.
        away: Name of a set of strangers to its OOD scores, float64 ``m``.
        ood_limit: OOD score above which the gate holds a picture back.
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
    cases: Judged
    figures: Mapping[str, Any]
    plain_columns: tuple[str, ...]
    away: Mapping[str, F64]
    ood_limit: float
    steps: tuple[Step, ...]
    steps_note: str
    worst: Mapping[str, tuple[Picture, ...]]
    card: Mapping[str, Any]
    origin: Origin
    certifications: int = 1

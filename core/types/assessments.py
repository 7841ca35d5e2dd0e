"""A verdict, what it rests on, and what produced it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from core.types.evidence import Evidence, Prediction
from core.types.pictures import Tile
from core.types.reasons import Disposition, Finding, Reason


@dataclass(frozen=True, slots=True)
class Verdict:
    """A judgement of one image; there is no default, so no pass by omission.

    Attributes:
        disposition: Negative, positive or defer.
        label: The most probable class, ``a|b`` where several labels apply, or an empty string when
            no class was looked at.
        findings: Why it is a DEFER; empty for automatic verdicts.
    """

    disposition: Disposition
    label: str
    findings: tuple[Finding, ...]

    @property
    def message(self) -> str:
        """Return in one line why the image is where it is."""
        return " ".join(f"{f.reason.sentence} {f.detail}".strip() for f in self.findings)


@dataclass(frozen=True, slots=True)
class Provenance:
    """What made a verdict, so that it can be made again."""

    bundle: str
    bundle_sha256: str
    policy_id: str
    code_version: str
    device: str


@dataclass(frozen=True, slots=True)
class Assessment:
    """One sample's verdict with its evidence; exactly one is yielded per sample, in order.

    Attributes:
        sample_id: The sample's id.
        group: The sample's group.
        sha256: Digest of the bytes; empty when they could not be read at all.
        verdict: The judgement.
        wording: The pack's word for the disposition (PASS, FAIL, REVIEW).
        classes: Class names in the order of the probabilities.
        prediction: None when the image never reached the model.
        evidence: None when the image never reached the model.
        provenance: What made this verdict.
        timing_ms: ``decode``, ``infer`` and ``total`` wall milliseconds.
        meta: What the file says of itself, as in ``Frame``.
        lost: Whether the decoder process died of the file or ran out of time.
        label_set: Labels of which one is the true one at a stated rate, most probable first; empty
            where no class was looked at, or a picture may have several labels.
        superclasses: Probability of everything that labels roll up to, as the model gives it.
        measures: What was measured on the picture, numbers and the camera's name; empty where it
            never reached the model.
        tile: Where the picture was cut out of a larger one; None where it is whole.
    """

    sample_id: str
    group: str
    sha256: str
    verdict: Verdict
    wording: str
    classes: tuple[str, ...]
    prediction: Prediction | None
    evidence: Evidence | None
    provenance: Provenance
    timing_ms: Mapping[str, float]
    meta: Mapping[str, str] = field(default_factory=dict)
    lost: bool = False
    tile: Tile | None = None
    label_set: tuple[str, ...] = ()
    superclasses: Mapping[str, float] = field(default_factory=dict)
    measures: Mapping[str, float | str] = field(default_factory=dict)

    @property
    def is_provisional(self) -> bool:
        """Return whether a passing fault stands in its place: another try may end well."""
        return self.lost or any(f.reason is Reason.FAULT for f in self.verdict.findings)

    def top(self, k: int = 3) -> list[tuple[str, float]]:
        """Return the k most probable classes with their calibrated probabilities, best first."""
        if self.prediction is None:
            return []
        order = np.argsort(-self.prediction.probabilities, kind="stable")[:k]
        return [(self.classes[i], float(self.prediction.probabilities[i])) for i in order]

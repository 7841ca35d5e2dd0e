"""A decision as it is taken down: what the assessment of a picture says, for the store."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from core.records.values import (
    TILE_OF,
    UNREAD,
    StoredDecision,
    case_id_of,
    name_of,
    name_parts,
    now,
    plain,
)
from core.types import Assessment, Finding


@dataclass(frozen=True, slots=True)
class Observation:
    """What is kept of a picture beside its verdict, to notice when pictures change.

    Attributes:
        source: Who or what it came from, where that is known.
        measures: What was measured on it: numbers, and the camera's name.
        label_set: Labels of which one is the true one at a stated rate.
    """

    source: str = ""
    measures: Mapping[str, float | str] = field(default_factory=dict)
    label_set: tuple[str, ...] = ()


@dataclass(frozen=True)
class NewDecision:
    """A decision on its way into the store, with the image and the case it belongs to.

    Attributes:
        case_key: The group, or the content key when there is no group.
        name: File name, for display only.
        source: Where the image came from: the sample's id.
        decision: The verdict itself.
        meta: What the file says of itself.
        spans_products: Whether its case holds images of whatever product, since the key is unlike
            any other of the pack.
        observation: What was measured on it; None where it never reached the model.
    """

    case_key: str
    name: str
    source: str
    decision: StoredDecision
    meta: Mapping[str, str] = field(default_factory=dict)
    spans_products: bool = False
    observation: Observation | None = None

    @property
    def case_product(self) -> str:
        """The product that the case is of; empty for one that spans products."""
        return "" if self.spans_products else self.decision.product

    @cached_property
    def case_id(self) -> str:
        """Hash of pack, product and key: the same of all three is the same case."""
        return case_id_of(self.decision.pack, self.case_product, self.case_key)

    @cached_property
    def image_id(self) -> str:
        """Name the image: same case, content, file name and product is the same image."""
        own = name_parts(self.decision.product) if self.spans_products else ()
        return name_of(self.case_id, self.decision.content_key, self.name, *own)


def _figure(value: float) -> float | None:
    # SQLite gives 0.0 back for -0.0.
    return None if math.isnan(value) else float(value) + 0.0


def new_decision(
    assessment: Assessment,
    *,
    pack: str,
    name: str,
    product: str = "",
    spans_products: bool = False,
    sender: str = "",
    at: datetime | None = None,
) -> NewDecision:
    """Return what the store keeps of an assessment.

    A figure that is not a number becomes None; NUL and undecodable bytes in text are spelt out.

    Args:
        assessment: What the pipeline yielded.
        pack: The pack's name.
        name: File name, for display only.
        product: Which of the pack's products was judged; empty for the only one.
        spans_products: As in ``NewDecision``.
        sender: Who or what the picture came from, such as a node or a station; empty where that is
            not known.
        at: When it was decided; now, unless given.
    """
    source, made, verdict = plain(assessment.sample_id), assessment.provenance, assessment.verdict
    evidence, read = assessment.evidence, assessment.prediction
    key = assessment.sha256 or UNREAD + hashlib.sha256(source.encode()).hexdigest()
    decision = StoredDecision(
        content_key=key,
        bundle=plain(made.bundle),
        bundle_sha256=made.bundle_sha256,
        policy_id=made.policy_id,
        pack=pack,
        product=plain(product),
        disposition=verdict.disposition,
        wording=plain(assessment.wording),
        label=plain(verdict.label),
        classes=tuple(map(plain, assessment.classes)),
        probabilities=() if read is None else tuple(read.probabilities.tolist()),
        positive_probability=None if read is None else _figure(read.positive_probability),
        ood_p=None if read is None else _figure(read.ood_p),
        findings=tuple(Finding(f.reason, plain(f.detail), f.check) for f in verdict.findings),
        features=b"" if evidence is None else evidence.features.astype("<f4").tobytes(),
        logits=b"" if evidence is None else evidence.logits.astype("<f8").tobytes(),
        ood_score=None if evidence is None else _figure(evidence.ood_score),
        code_version=plain(made.code_version),
        device=plain(made.device),
        message=plain(verdict.message),
        decode_ms=assessment.timing_ms["decode"],
        infer_ms=assessment.timing_ms["infer"],
        total_ms=assessment.timing_ms["total"],
        decided_at=at or now(),
        is_provisional=assessment.is_provisional,
        good_p=None if read is None else _figure(read.good_p),
    )
    meta = {plain(word): plain(text) for word, text in assessment.meta.items()}
    if assessment.tile is not None:
        meta[TILE_OF] = assessment.tile.parent
    case_key = plain(assessment.group) or key
    observation = _observation(assessment, plain(sender))
    return NewDecision(case_key, plain(name), source, decision, meta, spans_products, observation)


def _observation(assessment: Assessment, sender: str) -> Observation | None:
    if assessment.prediction is None:
        return None
    measures = {
        name: plain(value) if isinstance(value, str) else value
        for name, value in assessment.measures.items()
        if isinstance(value, str) or math.isfinite(value)
    }
    return Observation(sender, measures, tuple(map(plain, assessment.label_set)))

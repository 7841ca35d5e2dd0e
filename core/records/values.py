"""What goes into the store and comes out of it: frozen values that survive the trip unchanged."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property

import numpy as np

from core.types import F32, F64, Assessment, Disposition, Finding, Reason

UNREAD = "unread:"
TILE_OF = "tile_of"
"""Key of a header under which a tile's image names the larger picture, by its digest."""


def now() -> datetime:
    """Return the time, in UTC; nothing else in the records reads the clock."""
    return datetime.now(UTC)


def stamp(at: datetime) -> str:
    """Return a time as UTC ISO text of fixed width, so that text order is time order.

    Raises:
        ValueError: The time has no zone.
    """
    if at.tzinfo is None:
        raise ValueError(f"time: expected one with a zone, got {at.isoformat()}")
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def name_of(*parts: str) -> str:
    """Return a row's id by what it holds: 20 hex digits of the sha256 of ``a|b|c``."""
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:20]


FIGURES = (
    "positive_probability",
    "ood_p",
    "ood_score",
    "good_p",
    "decode_ms",
    "infer_ms",
    "total_ms",
    "audit_probability",
)


@dataclass(frozen=True, slots=True)
class StoredDecision:
    """One verdict with its evidence, as it lies in the store.

    Attributes:
        content_key: sha256 of the bytes; ``unread:`` and that of the sample id without any.
        bundle: Name and short hash of the bundle.
        bundle_sha256: Full hash of the bundle.
        policy_id: The policy that judged.
        pack: The pack's name.
        disposition: What happened to the image.
        wording: The pack's word for it.
        label: The most probable class, or empty.
        classes: Class names in the order of the probabilities.
        probabilities: Calibrated, exact float64; empty when the image never reached the model.
        positive_probability: None when there is no such number.
        ood_p: Small = out of distribution; None when there is no such number.
        findings: Gates that the image did not pass.
        features: float32 ``d`` as little-endian bytes; empty without evidence.
        logits: float64 ``k`` as little-endian bytes; empty without evidence.
        ood_score: Higher = further out of distribution; None when there is no such number.
        code_version: Version of the code that decided.
        device: What it ran on.
        message: Why the image is where it is, in one line.
        decode_ms: Wall milliseconds of reading.
        infer_ms: Wall milliseconds of the network.
        total_ms: Wall milliseconds of everything.
        decided_at: When, in UTC.
        is_provisional: Whether a passing fault stands in the verdict's place (a stalled call, a
            lost decoder, a picture missing from the store), to be superseded by a real one.
        supersedes: The decision that this one takes the place of, provisional or without an audit
            draw; empty for none.
        good_p: As in ``Prediction``; None when there is no such number.
        audit_probability: With which probability its case was drawn for the audit, which shows
            where the verdict is negative; None where no deployment judged it.
        product: Which of the pack's products was judged; empty for the only one.
    """

    content_key: str
    bundle: str
    bundle_sha256: str
    policy_id: str
    pack: str
    disposition: Disposition
    wording: str
    label: str
    classes: tuple[str, ...]
    probabilities: tuple[float, ...]
    positive_probability: float | None
    ood_p: float | None
    findings: tuple[Finding, ...]
    features: bytes
    logits: bytes
    ood_score: float | None
    code_version: str
    device: str
    message: str
    decode_ms: float
    infer_ms: float
    total_ms: float
    decided_at: datetime
    is_provisional: bool = False
    supersedes: str = ""
    good_p: float | None = None
    audit_probability: float | None = None
    product: str = ""

    def __post_init__(self) -> None:
        """Refuse a figure that is not a number: SQLite would give back nothing in its place.

        Raises:
            ValueError: A figure is NaN.
        """
        for name in FIGURES:
            if (value := getattr(self, name)) is not None and math.isnan(value):
                raise ValueError(f"{name}: expected a number or None, got NaN")

    @property
    def id(self) -> str:
        """Hash of content, bundle and policy, of the product and of the decision it supersedes."""
        named = (self.content_key, self.bundle_sha256, self.policy_id)
        return name_of(*named, *_of_product(self.product), *filter(None, [self.supersedes]))

    @property
    def is_corrected(self) -> bool:
        """Whether it says that it contradicts what a person answered before."""
        return any(one.reason is Reason.CORRECTED for one in self.findings)

    @property
    def sha256(self) -> str:
        """Digest of the bytes, which names their blob; empty when there were none."""
        return "" if self.content_key.startswith(UNREAD) else self.content_key

    def feature_array(self) -> F32:
        """Return the features as float32 ``d``."""
        return np.frombuffer(self.features, "<f4")

    def logit_array(self) -> F64:
        """Return the logits as float64 ``k``."""
        return np.frombuffer(self.logits, "<f8")


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
        own = _of_product(self.decision.product) if self.spans_products else ()
        return name_of(self.case_id, self.decision.content_key, self.name, *own)


def case_id_of(pack: str, product: str, key: str) -> str:
    """Return the id of a case: two products of a pack may have groups of the same name."""
    return name_of(pack, *_of_product(product), key)


def _of_product(product: str) -> tuple[str, ...]:
    return (f"product {product}",) if product else ()


def plain(text: str) -> str:
    """Return text that every engine keeps: file names may hold NUL and undecodable bytes."""
    return text.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()


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

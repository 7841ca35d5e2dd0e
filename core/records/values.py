"""What goes into the store and comes out of it: frozen values that survive the trip unchanged."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from core.types import F32, F64, Disposition, Finding, Reason

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
        return name_of(*named, *name_parts(self.product), *filter(None, [self.supersedes]))

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


def case_id_of(pack: str, product: str, key: str) -> str:
    """Return the id of a case: two products of a pack may have groups of the same name."""
    return name_of(pack, *name_parts(product), key)


def name_parts(product: str) -> tuple[str, ...]:
    """Return what a product adds to a name; nothing where there is none."""
    return (f"product {product}",) if product else ()


def plain(text: str) -> str:
    """Return text that every engine keeps: file names may hold NUL and undecodable bytes."""
    return text.replace("\x00", "\\x00").encode("utf-8", "backslashreplace").decode()

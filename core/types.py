"""The values everything else is said in: frozen, checked, arrays named by their axes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]


class Disposition(StrEnum):
    """What happens to an image: let through, called out, or handed to a person."""

    NEGATIVE = "negative"
    POSITIVE = "positive"
    DEFER = "defer"


class Reason(StrEnum):
    """Why a verdict is a DEFER (or was drawn for review), as a stable code with a sentence."""

    AMBIGUOUS = "AMBIGUOUS"
    NOVEL = "NOVEL"
    UNREADABLE = "UNREADABLE"
    POOR_QUALITY = "POOR_QUALITY"
    WRONG_INPUT = "WRONG_INPUT"
    NOT_CERTIFIED = "NOT_CERTIFIED"
    AUDIT = "AUDIT"
    FAULT = "FAULT"

    @property
    def sentence(self) -> str:
        """Say the reason so that a person can act on it."""
        return _SENTENCES[self]


_SENTENCES = {
    Reason.AMBIGUOUS: "The probability lies between the two limits; a person decides.",
    Reason.NOVEL: "The picture does not look like those the model was trained on.",
    Reason.UNREADABLE: "The file could not be read as a picture; take or send it again.",
    Reason.POOR_QUALITY: "The picture is too poor to judge; take it again.",
    Reason.WRONG_INPUT: "This is not the kind of picture the model judges.",
    Reason.NOT_CERTIFIED: "The error rate asked for is not certified yet; a person decides.",
    Reason.AUDIT: "Drawn at random to measure the live error rate.",
    Reason.FAULT: "The system failed on this picture; a person decides.",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One gate that an image did not pass.

    Attributes:
        reason: The stable code.
        detail: Which check, what was measured and what was expected.
        check: Stable code of the check, such as ``modality`` or ``rotated``; empty where the
            reason says it all.
    """

    reason: Reason
    detail: str
    check: str = ""


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded picture.

    Attributes:
        pixels: uint8 or uint16, axes ``h w c`` with c = 1 (grey) or 3 (RGB).
        bit_depth: Bits that carry signal, 1 to 16.
        sha256: Hex digest of the bytes the picture came from.
        source_size: Height and width in pixels before any reduced-scale decode, upright.
        meta: What the file says of itself, for display and the order of a worklist; no verdict
            depends on it.
        findings: Checks that the file's own words failed, whatever is in the picture.
        stated: Named numbers that the file states about its subject (``age_years``), compared
            with the population that the bundle is for; NaN where it states one that is not
            understood.
        group: What belongs together, as the file says; counts where nobody gave a group.
        source: Kind of file whose container alone gives ``bit_depth``, so that which value is
            white is measured (``core.imaging.depth``); empty where the file says it.
    """

    pixels: NDArray[np.uint8] | NDArray[np.uint16]
    bit_depth: int
    sha256: str
    source_size: tuple[int, int]
    meta: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    stated: Mapping[str, float] = field(default_factory=dict)
    group: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        """Refuse a wrong shape or dtype, which is a programmer's error.

        Raises:
            ValueError: The pixels are not uint8/uint16 with axes h w c, c in {1, 3}.
        """
        if self.pixels.ndim != 3 or self.pixels.shape[2] not in (1, 3):
            raise ValueError(f"pixels: expected axes (h, w, 1|3), got shape {self.pixels.shape}")
        if self.pixels.dtype not in (np.uint8, np.uint16):
            raise ValueError(f"pixels: expected uint8 or uint16, got {self.pixels.dtype}")
        if not 1 <= self.bit_depth <= self.pixels.dtype.itemsize * 8:
            raise ValueError(f"bit_depth: {self.bit_depth} does not fit {self.pixels.dtype}")


@dataclass(frozen=True, slots=True)
class Prepared:
    """One picture as the network takes it, with what the pack's checks measured on the way.

    Attributes:
        pixels: uint8, axes ``h w c``, c = 3, at the bundle's input size.
        sha256: Hex digest of the bytes the picture came from.
        source_size: Height and width of the original in pixels.
        findings: Checks that failed whatever the product (not a picture of a part at all).
        measures: Named quality figures, compared with the ranges the bundle learned.
        meta: What the file says of itself, as in ``Frame``.
        stated: Numbers that the file states about its subject, as in ``Frame``.
        group: What belongs together, as the file says.
        source: As in ``Frame``.
        peak: The value of the file that almost none of its values exceed, where it has a source.
    """

    pixels: U8
    sha256: str
    source_size: tuple[int, int]
    findings: tuple[Finding, ...] = ()
    measures: Mapping[str, float] = field(default_factory=dict)
    meta: Mapping[str, str] = field(default_factory=dict)
    stated: Mapping[str, float] = field(default_factory=dict)
    group: str = ""
    source: str = ""
    peak: int = 0

    def __post_init__(self) -> None:
        """Refuse a wrong shape or dtype.

        Raises:
            ValueError: The pixels are not uint8 with axes (h, w, 3).
        """
        if self.pixels.ndim != 3 or self.pixels.shape[2] != 3 or self.pixels.dtype != np.uint8:
            raise ValueError(
                f"pixels: expected uint8 (h, w, 3), got {self.pixels.dtype} {self.pixels.shape}"
            )


@dataclass(frozen=True, slots=True)
class Description:
    """What a file says of itself, read without its pixels.

    Attributes:
        meta: As in ``Frame``.
        group: As in ``Frame``.
    """

    meta: Mapping[str, str] = field(default_factory=dict)
    group: str = ""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands where a picture should be.

    Attributes:
        message: What was wrong with the bytes.
        sha256: Hex digest of the bytes; empty when there were none.
        lost: Whether the decoder process died of them or ran out of time.
        meta: What the file says of itself all the same, as in ``Frame``.
        group: What belongs together, as the file says.
    """

    message: str
    sha256: str = ""
    lost: bool = False
    meta: Mapping[str, str] = field(default_factory=dict)
    group: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """One image on its way in.

    Attributes:
        id: Name unique within the run, usually the path as given.
        frame: A decoded picture, a prepared one, or the reason why there is none.
        group: The physical part, patient, field: the unit over which errors are counted.
        decode_ms: Wall time spent reading and preparing it, in milliseconds.
    """

    id: str
    frame: Frame | Prepared | Unreadable
    group: str = ""
    decode_ms: float = 0.0


def _nothing() -> F32:
    return np.zeros(0, np.float32)


@dataclass(frozen=True, slots=True)
class Look:
    """What the network gives for one picture.

    Attributes:
        pooled: float32 ``d``, features pooled over space.
        tail: float32 ``k``, mean class scores of the fine-tuned stages; empty where there are none.
        patches: float32 ``p c``, features of every place; empty where no memory bank asks for them.
        strange: float32 ``1 + g``, what a memory bank said of the patches that were dropped since.
        form: float32 ``q``, how the picture's left differs from its right; empty where nobody asks.
    """

    pooled: F32
    tail: F32 = field(default_factory=_nothing)
    patches: F32 = field(default_factory=_nothing)
    strange: F32 = field(default_factory=_nothing)
    form: F32 = field(default_factory=_nothing)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the model says about one image, before any judgement.

    Attributes:
        features: float32 ``d``, pooled backbone features, standardised.
        logits: float64 ``k``, head scores before calibration; one more, for the roll-up, where a
            picture may have several labels.
        ood_score: Higher = stranger.
        good_p: p-value among good groups; 1 without a memory bank.
        form: float32 ``q``, as in ``Look``.
    """

    features: F32
    logits: F64
    ood_score: float
    good_p: float = 1.0
    form: F32 = field(default_factory=_nothing)


@dataclass(frozen=True, slots=True)
class Prediction:
    """Calibrated reading of one image's evidence.

    Attributes:
        probabilities: float64 ``k`` in the bundle's class order; they sum to one, unless a picture
            may have ``several`` labels: then each is of its own label alone.
        positive_probability: Sum over the positive classes; with ``several`` labels the calibrated
            probability that any positive one applies.
        ood_p: Conformal p-value of the OOD score; small = stranger.
        findings: Gates the image did not pass before the class was looked at.
        several: Whether a picture may have several labels.
        good_p: p-value among good groups, by a memory bank; small = stranger than they are. 1
            without one.
        resembled: What the picture looks like if it is strange (``out of focus``); empty where it
            looks like nothing known.
    """

    probabilities: F64
    positive_probability: float
    ood_p: float
    findings: tuple[Finding, ...] = ()
    several: bool = False
    good_p: float = 1.0
    resembled: str = ""


@dataclass(frozen=True, slots=True)
class Targets:
    """What is asked of the thresholds.

    Attributes:
        escape: Largest allowed share of positive groups let through as negative, of those that
            pass the gates.
        overkill: Largest allowed share of negative groups called positive, of those that pass the
            gates.
        confidence: Probability with which each limit must hold over draws of the cal set.
        ood_alpha: Share of ordinary images that the OOD gate may flag.
        review_budget: Alternative target: the largest expected share of deferred images.
        uncertified_negatives: Whether a person lets pictures pass although no escape rate is
            certified.
    """

    escape: float = 0.05
    overkill: float = 0.05
    confidence: float = 0.95
    ood_alpha: float = 0.01
    review_budget: float | None = None
    uncertified_negatives: bool = False

    def __post_init__(self) -> None:
        """Refuse what is no rate, and the error rates 0 and 1, which nothing and anything meets.

        Raises:
            ValueError: A target is not a rate, or an error rate or the confidence is not inside
                (0, 1).
        """
        budget = 0.0 if self.review_budget is None else self.review_budget
        for name, rate in {"ood_alpha": self.ood_alpha, "review_budget": budget}.items():
            if not 0.0 <= rate <= 1.0:
                raise ValueError(f"{name}: expected a rate from 0 to 1, got {rate}")
        for name in ("escape", "overkill", "confidence"):
            if not 0.0 < getattr(self, name) < 1.0:
                raise ValueError(f"{name}: expected above 0 and below 1, got {getattr(self, name)}")


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What a certificate of escapes must hold before negatives may stand without a person.

    Attributes:
        bound: Largest upper bound on the escape rate.
        groups: Fewest positive groups that the bound is counted over.
        confidence: Least probability with which the bound holds.
    """

    bound: float = 0.2
    groups: int = 20
    confidence: float = 0.95

    def __post_init__(self) -> None:
        """Refuse a ceiling that holds nothing back.

        Raises:
            ValueError: The bound or the confidence is not inside (0, 1), or groups is below 1.
        """
        if not (0.0 < self.bound < 1.0 and 0.0 < self.confidence < 1.0 and self.groups >= 1):
            raise ValueError(
                f"ceiling: expected bound and confidence inside (0, 1) and a group or more, "
                f"got {self}"
            )


@dataclass(frozen=True, slots=True)
class Certificate:
    """An upper bound on an error rate, with everything needed to check it by hand.

    The rate is of the groups that pass the gates: what a gate holds back cannot be an error, and
    counting it would let it stand for groups on which the rule was tried.

    Attributes:
        kind: ``escape`` or ``overkill``.
        alpha: The rate asked for.
        confidence: Probability over draws of the cal set; more than was asked for where other
            targets were certified on the same cases before.
        n: Groups with a picture that passed the gates: those that the rate is counted over.
        k: Groups among them on which the rule erred.
        bound: Upper confidence bound on the rate; 1.0 when n = 0.
        certified: Whether ``bound <= alpha`` for a rule that decides anything.
        threshold: The certified limit on the positive probability; None when there is none.
        needed: How many more error-free groups would certify ``alpha``; 0 when certified.
        best_alpha: The smallest rate that n error-free groups could certify today.
        excluded: Groups of this side left out because the gates let none of their pictures pass.
    """

    kind: str
    alpha: float
    confidence: float
    n: int
    k: int
    bound: float
    certified: bool
    threshold: float | None
    needed: int
    best_alpha: float
    excluded: int = 0


@dataclass(frozen=True, slots=True)
class GoodOnly:
    """What good groups alone say about overkill: a bound on average, not with a confidence.

    Attributes:
        n: Good groups that a new picture is compared with.
        alpha: The overkill rate asked for.
        level: Positive iff ``good_p <= level``; None where n groups do not bound alpha.
    """

    n: int
    alpha: float
    level: float | None


@dataclass(frozen=True, slots=True)
class Policy:
    """How a bundle's predictions are judged: immutable, named by the hash of its content.

    Attributes:
        bundle: Name and short hash of the bundle that it was certified on.
        targets: What was asked.
        t_neg: Negative iff ``positive_probability <= t_neg``; None lets nothing through.
        t_pos: Positive iff ``positive_probability >= t_pos``; None calls nothing out.
        escape: Certificate of the negative side.
        overkill: Certificate of the positive side.
        flagged: Share of cal images that the OOD gate holds back: (rate, low, high, n), the
            interval allowing for images of one group being alike.
        residual: Share of positive groups among those with an automatic negative on cal: (rate,
            low, high, n).
        deferred: Share of cal images that the probability and its limits hand to a person.
        good_only: What bounds overkill while held-out cases certify no ``t_pos``; None where they
            do, or where the bundle has no memory bank.
        attempt: How many different targets were certified on the same cal cases, this one
            included, when it was made.
    """

    bundle: str
    targets: Targets
    t_neg: float | None
    t_pos: float | None
    escape: Certificate
    overkill: Certificate
    flagged: tuple[float, float, float, int]
    residual: tuple[float, float, float, int]
    deferred: float
    good_only: GoodOnly | None = None
    attempt: int = 1

    @property
    def held_out(self) -> int:
        """Count the cal images that it was certified on."""
        return self.flagged[3]

    @property
    def has_negatives(self) -> bool:
        """Whether it can call an image negative without a person, certified or not."""
        return self.t_neg is not None

    @property
    def has_positives(self) -> bool:
        """Whether it can call an image positive without a person, certified or not."""
        by_memory = self.good_only is not None and self.good_only.level is not None
        return self.t_pos is not None or by_memory

    @property
    def id(self) -> str:
        """Return the first 16 hex digits of the sha256 of the canonical JSON content."""
        content = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(content.encode()).hexdigest()[:16]


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
        """Say in one line why the image is where it is."""
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

    @property
    def is_provisional(self) -> bool:
        """Tell whether a passing fault stands in the verdict's place: another try may end well."""
        return self.lost or any(f.reason is Reason.FAULT for f in self.verdict.findings)

    def top(self, k: int = 3) -> list[tuple[str, float]]:
        """List the k most probable classes with their calibrated probabilities, best first."""
        if self.prediction is None:
            return []
        order = np.argsort(-self.prediction.probabilities, kind="stable")[:k]
        return [(self.classes[i], float(self.prediction.probabilities[i])) for i in order]

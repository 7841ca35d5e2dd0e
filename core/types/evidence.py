"""What a network and the fitted estimators give for a picture."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from core.types.arrays import F32, F64
from core.types.reasons import Finding


def _nothing() -> F32:
    return np.zeros(0, np.float32)


@dataclass(frozen=True, slots=True)
class NetworkOutput:
    """What the network gives for one picture.

    Attributes:
        pooled: float32 ``d``, features pooled over space.
        tail: float32 ``k``, mean class scores of the fine-tuned stages; empty where there are none.
        patches: float32 ``p c``, features of every place; empty where no memory bank asks for them.
        bank_score: float32 ``1``, the score of patches that were dropped since, as ``Bank.score``
            gives it; empty where none were.
        asymmetry: float32 ``q``, the picture's left minus its right; empty where not asked for.
        foreground: float32 ``f``, the last features pooled over the foreground alone; empty where
            not asked for.
    """

    pooled: F32
    tail: F32 = field(default_factory=_nothing)
    patches: F32 = field(default_factory=_nothing)
    bank_score: F32 = field(default_factory=_nothing)
    asymmetry: F32 = field(default_factory=_nothing)
    foreground: F32 = field(default_factory=_nothing)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the model says about one image, before any judgement.

    Attributes:
        features: float32 ``d``, pooled backbone features, standardised.
        logits: float64 ``k``, head scores before calibration; one more, for the roll-up, where a
            picture may have several labels.
        ood_score: Higher = less like the training pictures, whatever way the file is stored.
        good_p: p-value among good groups; 1 without a memory bank.
        asymmetry: float32 ``q``, as in ``NetworkOutput``.
        shifted: Probability of being positive by the head for pictures unlike those of training;
            NaN where there is no such head.
    """

    features: F32
    logits: F64
    ood_score: float
    good_p: float = 1.0
    asymmetry: F32 = field(default_factory=_nothing)
    shifted: float = float("nan")


@dataclass(frozen=True, slots=True)
class Prediction:
    """Calibrated reading of one image's evidence.

    Attributes:
        probabilities: float64 ``k`` in the bundle's class order; they sum to one, unless a picture
            may have several labels: then each is of its own label alone.
        positive_probability: Sum over the positive classes; where it may have several labels,
            the calibrated probability that any positive one applies.
        ood_p: Conformal p-value of the OOD score; small = less like the training pictures.
        findings: Gates the image did not pass before the class was looked at.
        is_multilabel: Whether a picture may have several labels.
        good_p: p-value among good groups, by a memory bank; small = less usual than they are. 1
            without one.
        resembled: What the picture looks like if it is unusual (``out of focus``); empty where it
            looks like nothing known.
    """

    probabilities: F64
    positive_probability: float
    ood_p: float
    findings: tuple[Finding, ...] = ()
    is_multilabel: bool = False
    good_p: float = 1.0
    resembled: str = ""

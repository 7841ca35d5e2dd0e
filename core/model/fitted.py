"""A fitted model: everything between pooled features and a prediction, as frozen arrays.

Running it is pure NumPy, one picture at a time, and never changes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from core.decision import calibration, ood, quality
from core.decision.calibration import Calibrator
from core.model import heads
from core.model.heads import Head
from core.types import F32, F64, Evidence, Finding, Look, Prediction, Prepared


@dataclass(frozen=True)
class Gate:
    """Mahalanobis distance to the training pictures (Lee et al. 2018, arXiv 1807.03888).

    It looks at the first ``g`` features: those of the taps that the backbone marks for it.

    Attributes:
        mean: float32 ``g``.
        whiten: float32 ``g g``; ``|whiten @ (z - mean)|²`` is the squared distance.
        reference: float64 ``m``, ascending, out-of-fold scores of the training pictures.
    """

    mean: F32
    whiten: F32
    reference: F64

    def score(self, z: F32) -> float:
        """Measure how strange standardised features ``z`` are; higher = stranger."""
        white = self.whiten @ (z[: len(self.mean)] - self.mean)
        return float(white @ white) / len(self.mean)


@dataclass(frozen=True)
class Model:
    """What ``fit`` returns.

    Attributes:
        classes: Class names in the order of every ``k`` axis.
        positive: Whether each class counts as positive.
        centre: float32 ``d``, subtracted from pooled features.
        scale: float32 ``d``, divides them.
        head: From standardised features to logits.
        calibrator: From logits to probabilities.
        gate: The OOD gate.
        ranges: Name of a quality measure to its accepted (low, high).
    """

    classes: tuple[str, ...]
    positive: tuple[bool, ...]
    centre: F32
    scale: F32
    head: Head
    calibrator: Calibrator
    gate: Gate
    ranges: Mapping[str, tuple[float, float]]

    def evidence(self, look: Look) -> Evidence:
        """Read what the network gave into evidence."""
        z = standardise(look.pooled, self.centre, self.scale)
        return Evidence(z, heads.logits(self.head, z), self.gate.score(z))

    def predict(self, evidence: Evidence, prepared: Prepared) -> Prediction:
        """Calibrate the evidence and add the gates that the picture itself did not pass."""
        probabilities = calibration.apply(self.calibrator, evidence.logits[None])[0]
        return Prediction(
            probabilities=probabilities,
            positive_probability=float(probabilities[np.array(self.positive)].sum()),
            ood_p=ood.conformal_p_one(evidence.ood_score, self.gate.reference),
            findings=self.findings(prepared),
        )

    def findings(self, prepared: Prepared) -> tuple[Finding, ...]:
        """List the quality and wrong-input checks that the picture does not pass."""
        return (*prepared.findings, *quality.outside(prepared.measures, self.ranges))


def one_thread() -> None:
    """Keep linear algebra to one thread for the rest of the process.

    Workers share the cores already, and sums split over threads would come out with other bits on
    a machine with more of them: a verdict must be the same wherever it is made again.
    """
    threadpool_limits(limits=1, user_api="blas")


def standardise(pooled: F32, centre: F32, scale: F32) -> F32:
    """Bring pooled features ``... d`` to mean 0 and deviation 1 over the training pictures."""
    out: F32 = (pooled - centre) / scale
    return out

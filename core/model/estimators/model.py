"""A fitted model: everything between pooled features and a prediction, as frozen arrays.

Running it is pure NumPy, one picture at a time, and never changes it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from threadpoolctl import threadpool_limits

from core.decision import calibration, fusion, multilabel, ood, quality
from core.decision.calibration import Calibrator
from core.decision.label_sets import LabelReference
from core.decision.multilabel import Sigmoids
from core.model.estimators import heads
from core.model.estimators.bank import Bank, class_scores
from core.model.estimators.gate import Gate
from core.model.estimators.heads import Head
from core.model.estimators.presentation import WrongPresentations
from core.model.estimators.shift import P_VALUE, ShiftHead, apply_shift
from core.model.estimators.stated_changes import read_facts
from core.types import F32, F64, Evidence, Finding, NetworkOutput, Prediction, Prepared


@dataclass(frozen=True)
class Model:
    """What ``fit`` returns.

    Attributes:
        classes: Class names in the order of every ``k`` axis.
        positive: Whether each class counts as positive.
        centre: float32 ``d``, subtracted from pooled features.
        scale: float32 ``d``, divides them.
        head: From standardised features to logits.
        calibrator: From logits to probabilities; sigmoids where a picture may have several
            labels, which have one more logit, for the roll-up.
        gate: The OOD gate.
        ranges: Name of a quality measure to its accepted (low, high).
        bank: The memory bank of good patches, while there are few defects or none.
        expert_weights: float64 ``e``, the weight of each expert's class scores: the bank's, where
            there is one, then the head's, then the fine-tuned stages', where there are any.
        presentations: The check for wrong presentations, where the pack names some.
        population: Numbers that files state about their subject, each with the (low, high) that
            the model is for.
        label_reference: What label sets and named subjects are measured by; None where a picture
            may have several labels.
        shift: The head for pictures unlike those of training; None where there were too few
            subjects to choose one by.
        depths: Kinds of files to the bits that the data in them use (``core.imaging.depth``).
    """

    classes: tuple[str, ...]
    positive: tuple[bool, ...]
    centre: F32
    scale: F32
    head: Head
    calibrator: Calibrator | Sigmoids
    gate: Gate
    ranges: Mapping[str, tuple[float, float]]
    bank: Bank | None = None
    expert_weights: F64 = field(default_factory=lambda: np.ones(1))
    presentations: WrongPresentations | None = None
    population: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    depths: Mapping[str, int] = field(default_factory=dict)
    label_reference: LabelReference | None = None
    shift: ShiftHead | None = None

    @property
    def is_multilabel(self) -> bool:
        """Whether a picture may have several labels."""
        return isinstance(self.calibrator, Sigmoids)

    @property
    def uses_bank_alone(self) -> bool:
        """Whether the memory bank alone is used."""
        return self.bank is not None and not self.expert_weights[1:].any()

    def score_patches(self, output: NetworkOutput) -> NetworkOutput:
        """Return what the network gave with the memory bank's score in the patches' place."""
        if self.bank is None or output.bank_score.size:
            return output
        return with_bank_score(output, self.bank.score(output.patches))

    def evidence(self, output: NetworkOutput, prepared: Prepared) -> Evidence:
        """Return the evidence in what the network gave for a picture."""
        found = self._evidence(output, read_facts(prepared))
        if self.shift is None or not output.foreground.size:
            return found
        return replace(found, shifted=self.shift.probability(output.foreground))

    def _evidence(self, output: NetworkOutput, facts: Mapping[str, float]) -> Evidence:
        z = standardise(output.pooled, self.centre, self.scale)
        ood_score = self.gate.score(z, output.foreground, facts)
        experts = [heads.logits(self.head, z)]
        if output.tail.size:
            experts.append(output.tail.astype(np.float64))
        if self.bank is None:
            logits = (
                fusion.fuse(np.stack(experts), self.expert_weights) if experts[1:] else experts[0]
            )
            return Evidence(z, logits, ood_score, asymmetry=output.asymmetry)
        score = float(self.score_patches(output).bank_score[0])
        experts.insert(0, class_scores(self.bank.log_odds(score), self.positive))
        logits = fusion.fuse(np.stack(experts), self.expert_weights)
        return Evidence(z, logits, ood_score, self.bank.good_p(score), output.asymmetry)

    def predict(self, evidence: Evidence, prepared: Prepared) -> Prediction:
        """Return calibrated probabilities, p-values, and the checks that the picture fails."""
        probabilities, positive_probability = self._calibrated(evidence.logits)
        ood_p = ood.conformal_p_one(evidence.ood_score, self.gate.reference)
        if ood_p <= P_VALUE and not math.isnan(evidence.shifted):
            flags = np.array(self.positive, np.float64)
            probabilities = apply_shift(
                probabilities, flags, positive_probability, evidence.shifted
            )
            positive_probability = float(probabilities[np.array(self.positive)].sum())
        return Prediction(
            probabilities=probabilities,
            positive_probability=positive_probability,
            ood_p=ood_p,
            findings=self.findings(prepared, evidence),
            is_multilabel=self.is_multilabel,
            good_p=evidence.good_p,
            resembled=self.gate.resembled(evidence.features, read_facts(prepared)),
        )

    def _calibrated(self, logits: F64) -> tuple[F64, float]:
        if isinstance(self.calibrator, Sigmoids):
            scores = multilabel.apply(self.calibrator, logits[None])[0]
            return scores[:-1], float(scores[-1])
        probabilities = calibration.apply(self.calibrator, logits[None])[0]
        return probabilities, float(probabilities[np.array(self.positive)].sum())

    def findings(self, prepared: Prepared, evidence: Evidence) -> tuple[Finding, ...]:
        """Return the quality and wrong-input checks that the picture does not pass."""
        return (
            *prepared.findings,
            *quality.outside_ranges(prepared.measures, self.ranges),
            *quality.outside_population(prepared.stated, self.population),
            *(self.presentations.findings(_whole(evidence)) if self.presentations else ()),
        )


def _whole(evidence: Evidence) -> F32:
    return np.concatenate([evidence.features, evidence.asymmetry])


def with_bank_score(output: NetworkOutput, score: float) -> NetworkOutput:
    """Return what the network gave with a memory bank's score in the patches' place."""
    nothing, scores = np.zeros(0, np.float32), np.array([score], np.float32)
    return replace(output, patches=nothing, bank_score=scores)


def one_thread() -> None:
    """Limit linear algebra and OpenCV to one thread for the rest of the process.

    Workers share the cores already, and sums split over threads depend on the number of cores: a
    verdict must be reproducible bit for bit.
    """
    threadpool_limits(limits=1, user_api="blas")
    cv2.setNumThreads(1)


def standardise(pooled: F32, centre: F32, scale: F32) -> F32:
    """Return pooled features ``... d`` at mean 0 and deviation 1 over the training pictures."""
    out: F32 = (pooled - centre) / scale
    return out

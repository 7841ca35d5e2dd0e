"""A picture of which somebody names the subject: fewer labels, and a check that it is that.

Naming a subject never moves the probability that the limits are compared with, so what is
certified without a name holds with one: a name can only hold a picture back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.decision.label_sets import Bools, LabelReference, subject_p
from core.types import F64, Finding, Prediction, Reason

CHECK = "subject"
ALPHA = 0.01  # of pictures of the subject named that are held back; see ``_limit``
LEAST_GROUPS = 20  # held out, below which no picture is doubted
_EVEN = 0.5


@dataclass(frozen=True, slots=True)
class NamedSubject:
    """What a person named.

    Attributes:
        name: The subject: ``tomato``.
        noun: The word for a subject: ``crop``.
    """

    name: str
    noun: str


def restrict_to_subject(
    prediction: Prediction,
    reference: LabelReference,
    positive: Sequence[bool],
    subject: NamedSubject,
) -> Prediction:
    """Return a prediction among the labels of a subject, with a finding where that does not fit.

    The probabilities of its labels are scaled to one; that of being positive stays. A finding says
    that the model knows no such subject, that the picture does not look like it, or that the side
    which the picture leans to has no label of this subject: nothing was learned of it then.

    Args:
        prediction: As the model gives it, one label a picture.
        reference: Of held-out pictures.
        positive: Whether each class counts as positive.
        subject: What was named.
    """
    mine = reference.of_subject(subject.name)
    p = prediction.probabilities
    if not mine.any() or np.isnan(p).any():
        known = ", ".join(sorted(set(reference.subjects) - {""}))
        detail = f"{subject.noun} {subject.name}: the model knows only {known}."
        return _held_back(prediction, detail) if not mine.any() else prediction
    whole = float(p[mine].sum())
    scaled = np.where(mine, p / whole if whole > 0.0 else 1.0 / mine.sum(), 0.0)
    details = _misfits(prediction, reference, mine & np.array(positive), mine, subject)
    return _held_back(replace(prediction, probabilities=scaled), *details)


def _misfits(
    prediction: Prediction,
    reference: LabelReference,
    positives: Bools,
    mine: Bools,
    subject: NamedSubject,
) -> list[str]:
    details = []
    found = subject_p(reference, prediction.probabilities, subject.name)
    limit = _limit(reference)
    if found <= limit:
        likelier = _likeliest_other(prediction.probabilities, reference, subject.name)
        details.append(
            f"{subject.noun} {subject.name}: the picture does not look like it (p-value "
            f"{found:.2g}, limit {limit:.2g}), rather like {likelier}."
        )
    leans_positive = prediction.positive_probability >= _EVEN
    if not (positives if leans_positive else mine & ~positives).any():
        side = "with" if leans_positive else "without"
        details.append(
            f"{subject.noun} {subject.name}: the model never met one {side} something wrong."
        )
    return details


def _limit(reference: LabelReference) -> float:
    """Return the largest p-value that holds back: with few groups what lies beyond all of them."""
    groups = reference.subject_scores.size
    return max(ALPHA, 1.0 / (groups + 1.0)) if groups >= LEAST_GROUPS else 0.0


def _likeliest_other(p: F64, reference: LabelReference, subject: str) -> str:
    others = {name for name in reference.subjects if name not in ("", subject)}
    exact = {name: float(p[np.array(reference.subjects) == name].sum()) for name in others}
    return max(sorted(exact), key=lambda name: exact[name]) if exact else "nothing known"


def _held_back(prediction: Prediction, *details: str) -> Prediction:
    findings = tuple(Finding(Reason.WRONG_INPUT, detail, CHECK) for detail in details)
    return replace(prediction, findings=(*prediction.findings, *findings))

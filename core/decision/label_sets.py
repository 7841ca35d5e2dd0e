"""Label sets: short lists of labels that hold the true one at a stated rate.

Conformal prediction. The score of a label is one minus its probability, which gives the shortest
lists (Sadinle, Lei and Wasserman, JASA 114, 2019). It is compared with the scores that the true
label had on held-out pictures of the same superclass (label-conditional: Vovk, arXiv 1209.2673), so
that the rate holds for the healthy and for each kind of sick ones, not only for all together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.decision.ood import conformal_p_one
from core.types import F64

COVERAGE = 0.9
_SLACK = 1e-12  # (k + 1) / (n + 1) and 1 - coverage may differ in the last place alone

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class LabelReference:
    """Scores of held-out pictures, axes ``k`` (classes) and ``g`` (groups).

    Attributes:
        superclasses: Superclass of each class.
        subjects: Subject of each class; empty for a class of any subject.
        scores: Superclass to float64 ``g``, ascending: the true label's score in the picture of
            each group that fits it least.
        subject_scores: float64 ``g``, ascending: one minus the probability of the picture's own
            subject, likewise.
    """

    superclasses: tuple[str, ...]
    subjects: tuple[str, ...]
    scores: Mapping[str, F64]
    subject_scores: F64

    def of_subject(self, subject: str) -> Bools:
        """Return which classes may apply to a subject, bool ``k``; all where none is named."""
        return np.array([not subject or one in ("", subject) for one in self.subjects], np.bool_)


def fit_label_reference(
    probabilities: F64,
    labels: NDArray[np.int64],
    groups: NDArray[Any],
    superclasses: Sequence[str],
    subjects: Sequence[str],
) -> LabelReference:
    """Return the reference of held-out pictures; a group counts once, by its worst picture.

    Args:
        probabilities: float64 ``n k``, of pictures that nothing was fitted on; rows with a NaN are
            taken as the worst there is.
        labels: int64 ``n``, the class of each.
        groups: ``n``, the part, patient or field of each.
        superclasses: Superclass of each class.
        subjects: Subject of each class; empty for a class of any subject.
    """
    superclass = np.array(superclasses, np.str_)
    own = probabilities[np.arange(len(labels)), labels] if len(labels) else np.zeros(0)
    scores = {}
    for name in dict.fromkeys(superclasses):
        rows = superclass[labels] == name
        scores[name] = _worst(1.0 - own[rows], groups[rows])
    empty = LabelReference(tuple(superclasses), tuple(subjects), scores, np.zeros(0))
    whole = [
        float(row[empty.of_subject(subjects[label])].sum())
        for row, label in zip(probabilities, labels, strict=True)
    ]
    return LabelReference(
        empty.superclasses,
        empty.subjects,
        scores,
        _worst(1.0 - np.array(whole, np.float64), groups),
    )


def _worst(scores: F64, groups: NDArray[Any]) -> F64:
    names, members = np.unique(groups, return_inverse=True)
    worst = np.full(names.size, -np.inf)
    np.maximum.at(worst, members, np.where(np.isnan(scores), np.inf, scores))
    return np.sort(worst)


def choose_label_set(
    reference: LabelReference, probabilities: F64, subject: str = "", coverage: float = COVERAGE
) -> Bools:
    """Return which labels are on the list of a picture, bool ``k``.

    The true label is on it with the probability ``coverage``, whatever its superclass, where the
    picture is exchangeable with the held-out ones and of the subject named. A superclass with too
    few held-out groups to leave a label out stays on the list. The most probable label always is
    on it.

    Args:
        reference: Of held-out pictures.
        probabilities: float64 ``k``, as calibrated, whatever subject is named.
        subject: What the picture shows, where it is known; the others' labels are left out.
        coverage: The rate.
    """
    may_apply = reference.of_subject(subject)
    if np.isnan(probabilities).any() or not may_apply.any():
        return np.zeros(len(probabilities), np.bool_)
    p = [
        conformal_p_one(1.0 - value, reference.scores[name])
        for value, name in zip(probabilities.tolist(), reference.superclasses, strict=True)
    ]
    chosen = may_apply & (np.array(p) > 1.0 - coverage + _SLACK)
    chosen[int(np.where(may_apply, probabilities, -1.0).argmax())] = True
    return np.asarray(chosen, np.bool_)


def subject_p(reference: LabelReference, probabilities: F64, subject: str) -> float:
    """Return the conformal p-value of a picture as one of a subject; small = not what it shows.

    Of pictures of the subjects of training at most a share alpha has ``p <= alpha``.
    """
    whole = float(probabilities[reference.of_subject(subject)].sum())
    return conformal_p_one(1.0 - whole, reference.subject_scores)


def roll_up(probabilities: F64, superclasses: Sequence[str]) -> dict[str, float]:
    """Return the probability of every superclass, in the order in which they first occur."""
    answer = dict.fromkeys(superclasses, 0.0)
    for value, name in zip(probabilities.tolist(), superclasses, strict=True):
        answer[name] += value
    return answer

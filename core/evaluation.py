"""Figures of a bundle on labelled pictures: the class alone, and the whole rule.

Pure: verdicts and labels in, one JSON-ready object out, every rate with its interval.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.decision import metrics, multilabel
from core.decision.cluster_intervals import auroc_interval, share_interval
from core.decision.label_metrics import by_label
from core.decision.rate import Rate
from core.types import F64, Assessment, Disposition, Reason

COLUMN_VALUES = 12
_LIMITS = (
    "",
    Reason.AMBIGUOUS.value,
    Reason.NOT_CERTIFIED.value,
    Reason.AUDIT.value,
    Reason.CORRECTED.value,
)


@dataclass(frozen=True)
class LabelledVerdicts:
    """Labelled pictures after the whole rule, axes ``n`` and ``k``.

    Attributes:
        probabilities: float64 ``n k``; NaN rows where no class was looked at.
        positive_probability: float64 ``n``; NaN where no class was looked at.
        label_set: bool ``n k``, the labels on each picture's list; none where there is no list.
        labels: bool ``n k``, which classes each picture has.
        positive: bool ``k``.
        is_multilabel: Whether a picture may have several classes.
        disposition: ``n`` dispositions.
        reason: ``n`` codes of the first reason for a DEFER; empty for automatic verdicts.
        ood_score: float64 ``n``, higher = less usual; NaN where the picture was not read.
        group: str ``n``.
    """

    probabilities: F64
    positive_probability: F64
    label_set: NDArray[np.bool_]
    labels: NDArray[np.bool_]
    positive: NDArray[np.bool_]
    is_multilabel: bool
    disposition: NDArray[np.str_]
    reason: NDArray[np.str_]
    ood_score: F64
    group: NDArray[np.str_]

    @property
    def truth(self) -> NDArray[np.bool_]:
        """Return whether each picture is positive, bool ``n``."""
        return np.asarray(self.labels[:, self.positive].any(axis=1))

    @property
    def readable(self) -> NDArray[np.bool_]:
        """Return whether a class was looked at, bool ``n``."""
        return np.asarray(~np.isnan(self.positive_probability))

    @property
    def reached(self) -> NDArray[np.bool_]:
        """Return whether each picture passed the gates and reached the limits, bool ``n``."""
        return self.readable & np.isin(self.reason, _LIMITS)

    @property
    def predicted(self) -> NDArray[np.bool_]:
        """The classes that the probabilities alone predict, bool ``n k``; all readable."""
        if self.is_multilabel:
            side = self.positive_probability >= multilabel.SPLIT
            return multilabel.choose_labels(self.probabilities, side, self.positive)
        predicted: NDArray[np.bool_] = np.eye(len(self.positive), dtype=np.bool_)[
            self.probabilities.argmax(axis=1)
        ]
        return predicted

    def pick(self, keep: Sequence[bool] | NDArray[np.bool_]) -> LabelledVerdicts:
        """Return some of the pictures."""
        rows = np.asarray(keep, np.bool_)
        return LabelledVerdicts(
            self.probabilities[rows],
            self.positive_probability[rows],
            self.label_set[rows],
            self.labels[rows],
            self.positive,
            self.is_multilabel,
            self.disposition[rows],
            self.reason[rows],
            self.ood_score[rows],
            self.group[rows],
        )


def labelled_verdicts(
    assessments: Sequence[Assessment],
    labels: Sequence[str],
    groups: Sequence[str],
    classes: tuple[str, ...],
    positive: tuple[bool, ...],
) -> LabelledVerdicts:
    """Return assessments beside their labels, ``a|b`` standing for two of them."""
    blank = np.full(len(classes), np.nan)
    predicted = [a.prediction for a in assessments]
    own = [[part.strip() for part in label.split("|")] for label in labels]
    first = [a.verdict.findings[0].reason.value if a.verdict.findings else "" for a in assessments]
    return LabelledVerdicts(
        np.array([blank if p is None else p.probabilities for p in predicted]).reshape(
            -1, len(classes)
        ),
        np.array([np.nan if p is None else p.positive_probability for p in predicted], np.float64),
        np.array(
            [[name in a.label_set for name in classes] for a in assessments], np.bool_
        ).reshape(-1, len(classes)),
        np.array([[name in names for name in classes] for names in own], np.bool_),
        np.array(positive),
        any(p is not None and p.is_multilabel for p in predicted),
        np.array([a.verdict.disposition.value for a in assessments], np.str_),
        np.array(first, np.str_),
        ood_scores(assessments),
        np.array(groups, np.str_),
    )


def ood_scores(assessments: Sequence[Assessment]) -> F64:
    """Return the score that each picture was decided on, float64 ``n``; NaN where none was."""
    return np.array(
        [np.nan if a.evidence is None else a.evidence.ood_score for a in assessments], np.float64
    )


def summarise(cases: LabelledVerdicts, seed: int = 0) -> dict[str, Any]:
    """Return every figure of ``assay evaluate``.

    AUROC, accuracies, ECE, Brier and NLL are of the class alone, before gates and policy, over the
    pictures that could be read; escape, overkill and deferral are of the whole rule. Escape and
    overkill are counted over groups with a picture of that side that passed the gates, as their
    certificates are; ``excluded`` counts the others. ``automation`` is the share of pictures
    decided without a person. ``intervals`` allow for pictures of one group being alike.

    Where a picture may have several classes it is right when all of them are; the balanced
    accuracy is the mean over classes of sensitivity and specificity, ECE and Brier are over all
    pairs of picture and class, and the NLL is that of training.
    """
    readable = cases.pick(cases.readable)
    right = (readable.predicted == readable.labels).all(axis=1)
    deferred = cases.disposition == Disposition.DEFER
    share = float(np.mean(deferred)) if right.size else 1.0
    low, high = share_interval(deferred, cases.group)
    return {
        "n": len(cases.labels),
        "auroc": metrics.auroc(readable.positive_probability, readable.truth),
        "accuracy": float(right.mean()) if right.size else float("nan"),
        **(_of_several(readable, seed) if cases.is_multilabel else _of_one(readable, seed)),
        "escape": _rate(cases, side=True, wrong=Disposition.NEGATIVE),
        "overkill": _rate(cases, side=False, wrong=Disposition.POSITIVE),
        "label_sets": _coverage(cases),
        "deferred": share,
        "automation": 1.0 - share,
        "intervals": {
            "auroc": auroc_interval(readable.positive_probability, readable.truth, readable.group),
            "accuracy": share_interval(right, readable.group),
            "deferred": (low, high),
            "automation": (1.0 - high, 1.0 - low),
        },
    }


def _of_one(readable: LabelledVerdicts, seed: int) -> dict[str, float]:
    p, y = readable.probabilities, readable.labels.argmax(axis=1)
    return {
        "balanced_accuracy": metrics.balanced_accuracy(y, readable.predicted.argmax(axis=1)),
        "ece": metrics.ece(p, y),
        "ece_floor": metrics.ece_floor(p, seed=seed),
        "brier": metrics.brier(p, y),
        "nll": metrics.nll(p, y),
    }


def _of_several(readable: LabelledVerdicts, seed: int) -> dict[str, float]:
    pairs = np.stack([1.0 - readable.probabilities.ravel(), readable.probabilities.ravel()], axis=1)
    true, predicted = readable.labels.ravel().astype(np.int64), readable.predicted
    balanced = [
        metrics.balanced_accuracy(
            readable.labels[:, c].astype(np.int64), predicted[:, c].astype(np.int64)
        )
        for c in range(len(readable.positive))
    ]
    whole = np.column_stack([readable.probabilities, readable.positive_probability])
    return {
        "balanced_accuracy": float(np.mean(balanced)),
        "ece": metrics.ece(pairs, true),
        "ece_floor": metrics.ece_floor(pairs, seed=seed),
        "brier": metrics.brier(pairs, true),
        "nll": multilabel.nll(whole, multilabel.with_roll_up(readable.labels, readable.positive))
        if len(true)
        else float("nan"),
    }


def _coverage(cases: LabelledVerdicts) -> dict[str, Any]:
    """Return how often the label sets hold the true label, and how long they are on average."""
    listed = cases.label_set.any(axis=1)
    covered = np.asarray((cases.label_set & cases.labels).any(axis=1))[listed]
    size = float(cases.label_set[listed].sum(axis=1).mean()) if listed.any() else float("nan")
    return {**Rate.from_groups(covered, cases.group[listed]).to_json(), "size": size}


def sensitivities(cases: LabelledVerdicts, classes: Sequence[str]) -> dict[str, Any]:
    """Return for each class the share of its readable pictures that the class alone gets right."""
    readable = cases.pick(cases.readable)
    predicted, answer = readable.predicted, {}
    for number, name in enumerate(classes):
        mine = readable.labels[:, number]
        hit = predicted[mine, number]
        answer[name] = Rate.from_groups(hit, readable.group[mine]).to_json()
    return answer


def labels(cases: LabelledVerdicts, classes: Sequence[str], seed: int = 0) -> dict[str, Any]:
    """Return the figures of each class by itself, where pictures may have several, else none."""
    if not cases.is_multilabel:
        return {}
    readable = cases.pick(cases.readable)
    return by_label(readable.probabilities, readable.labels, classes, seed)


def by_column(cases: LabelledVerdicts, columns: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """Return the figures for every value of every column that has only a few values."""
    names = sorted({name for row in columns for name in row})
    answer: dict[str, Any] = {}
    for name in names:
        values = np.array([row.get(name, "") for row in columns], np.str_)
        distinct = np.unique(values)
        if 1 < len(distinct) <= COLUMN_VALUES:
            answer[name] = {str(v): summarise(cases.pick(values == v)) for v in distinct}
    return answer


def measure_ood(
    id_scores: F64, ood_scores: F64, flagged: Sequence[bool], group: Sequence[str] | None = None
) -> dict[str, float]:
    """Return the figures of the OOD gate.

    Args:
        id_scores: float64 ``n``, OOD scores of in-distribution test pictures.
        ood_scores: float64 ``m``, of out-of-distribution pictures.
        flagged: Whether each of these was deferred as NOVEL.
        group: What belongs together, which the interval allows for; None where each stands alone.
    """
    score = np.concatenate([id_scores, ood_scores])
    is_ood = np.arange(len(score)) >= len(id_scores)
    alone = np.arange(len(flagged)) if group is None else np.array(group, np.str_)
    rate = Rate.from_groups(np.array(flagged, np.bool_), alone)
    return {
        "auroc": metrics.auroc(score, is_ood),
        "fpr95": metrics.fpr_at_tpr(id_scores, ood_scores),
        "flagged": rate.value,
        "low": rate.low,
        "high": rate.high,
        "n": rate.n,
        "k": rate.k,
    }


def is_novel(assessment: Assessment) -> bool:
    """Return whether the OOD gate stopped a picture."""
    return any(f.reason is Reason.NOVEL for f in assessment.verdict.findings)


def _rate(cases: LabelledVerdicts, *, side: bool, wrong: Disposition) -> dict[str, Any]:
    mine = cases.truth == side
    n = len(np.unique(cases.group[mine & cases.reached]))
    k = len(np.unique(cases.group[mine & (cases.disposition == wrong.value)]))
    excluded = len(np.unique(cases.group[mine])) - n
    return {**Rate.independent(k, n).to_json(), "excluded": excluded}

"""Figures of a bundle on labelled pictures: the class alone, and the whole rule.

Pure: verdicts and labels in, one JSON-ready object out, every rate with its interval.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.decision import metrics
from core.decision.certificate import interval
from core.types import F64, Assessment, Disposition, Reason

COLUMN_VALUES = 12


@dataclass(frozen=True)
class Judged:
    """Labelled pictures after the whole rule, axes ``n`` and ``k``.

    Attributes:
        probabilities: float64 ``n k``; NaN rows where no class was looked at.
        labels: int64 ``n``.
        positive: bool ``k``.
        disposition: ``n`` dispositions.
        group: str ``n``.
    """

    probabilities: F64
    labels: NDArray[np.int64]
    positive: NDArray[np.bool_]
    disposition: NDArray[np.str_]
    group: NDArray[np.str_]

    def pick(self, keep: Sequence[bool] | NDArray[np.bool_]) -> Judged:
        """Keep some pictures."""
        rows = np.asarray(keep, np.bool_)
        return Judged(
            self.probabilities[rows],
            self.labels[rows],
            self.positive,
            self.disposition[rows],
            self.group[rows],
        )


def judged(
    assessments: Sequence[Assessment],
    labels: Sequence[str],
    groups: Sequence[str],
    classes: tuple[str, ...],
    positive: tuple[bool, ...],
) -> Judged:
    """Line assessments up with their labels."""
    blank = np.full(len(classes), np.nan)
    return Judged(
        np.array(
            [blank if a.prediction is None else a.prediction.probabilities for a in assessments]
        ).reshape(len(assessments), len(classes)),
        np.array([classes.index(label) for label in labels], np.int64),
        np.array(positive),
        np.array([a.verdict.disposition.value for a in assessments], np.str_),
        np.array(groups, np.str_),
    )


def summarise(cases: Judged, seed: int = 0) -> dict[str, Any]:
    """Compute every figure of ``assay evaluate``.

    AUROC, accuracies, ECE, Brier and NLL are of the class alone, before gates and policy, over the
    pictures that could be read; escape, overkill and deferral are of the whole rule. Escape and
    overkill are counted over groups; ``automation`` is the share of pictures decided without a
    person.
    """
    readable = ~np.isnan(cases.probabilities).any(axis=1)
    p, y = cases.probabilities[readable], cases.labels[readable]
    score, truth = p[:, cases.positive].sum(axis=1), cases.positive[y]
    deferred = float(np.mean(cases.disposition == Disposition.DEFER)) if len(y) else 1.0
    return {
        "n": len(cases.labels),
        "auroc": metrics.auroc(score, truth),
        "accuracy": metrics.accuracy(y, p.argmax(axis=1)),
        "balanced_accuracy": metrics.balanced_accuracy(y, p.argmax(axis=1)),
        "ece": metrics.ece(p, y),
        "ece_floor": metrics.ece_floor(p, seed=seed),
        "brier": metrics.brier(p, y),
        "nll": metrics.nll(p, y),
        "escape": _rate(cases, side=True, wrong=Disposition.NEGATIVE),
        "overkill": _rate(cases, side=False, wrong=Disposition.POSITIVE),
        "deferred": deferred,
        "automation": 1.0 - deferred,
    }


def by_column(cases: Judged, columns: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """Repeat the figures for every value of every column that has only a few values."""
    names = sorted({name for row in columns for name in row})
    answer: dict[str, Any] = {}
    for name in names:
        values = np.array([row.get(name, "") for row in columns], np.str_)
        distinct = np.unique(values)
        if 1 < len(distinct) <= COLUMN_VALUES:
            answer[name] = {str(v): summarise(cases.pick(values == v)) for v in distinct}
    return answer


def strangers(home: F64, away: F64, flagged: Sequence[bool]) -> dict[str, float]:
    """Measure the OOD gate on pictures that do not belong.

    Args:
        home: float64 ``n``, OOD scores of ordinary test pictures.
        away: float64 ``m``, those of the strangers.
        flagged: Whether each stranger was deferred as NOVEL.
    """
    score = np.concatenate([home, away])
    stranger = np.arange(len(score)) >= len(home)
    return {
        "auroc": metrics.auroc(score, stranger),
        "fpr95": metrics.fpr_at_tpr(home, away),
        "flagged": float(np.mean(flagged)) if len(flagged) else float("nan"),
        "n": len(flagged),
    }


def is_novel(assessment: Assessment) -> bool:
    """Say whether the OOD gate stopped a picture."""
    return any(f.reason is Reason.NOVEL for f in assessment.verdict.findings)


def _rate(cases: Judged, *, side: bool, wrong: Disposition) -> dict[str, Any]:
    mine = cases.positive[cases.labels] == side
    groups = np.unique(cases.group[mine])
    erred = np.unique(cases.group[mine & (cases.disposition == wrong.value)])
    n, k = len(groups), len(erred)
    low, high = interval(k, n)
    return {"rate": k / n if n else float("nan"), "low": low, "high": high, "n": n, "k": k}

"""What an epoch is worth, on pictures that it did not learn from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.types import F64


@dataclass(frozen=True)
class Epoch:
    """One epoch's figures; all but ``learning`` on the fold's inner validation pictures.

    Attributes:
        number: From 1; 0 is the head alone, before the stages learn.
        learning: Mean loss over the pictures learned from.
        loss: Cross entropy to the targets.
        accuracy: Share of right classes, or of right answers over all labels.
        precision: Mean over the classes that occur or are named.
        recall: Mean over the classes that occur.
        f1: Mean over the classes that occur or are named.
        confidence: Mean probability of the answer given.
    """

    number: int
    learning: float
    loss: float
    accuracy: float
    precision: float
    recall: float
    f1: float
    confidence: float

    def describe(self) -> str:
        """Return the figures on one line."""
        return (
            f"epoch {self.number}: loss {self.learning:.3f}, held out {self.loss:.3f}, accuracy "
            f"{self.accuracy:.3f}, precision {self.precision:.3f}, recall {self.recall:.3f}, "
            f"F1 {self.f1:.3f}, confidence {self.confidence:.3f}"
        )


def figures(
    number: int, learning: float, logits: F64, targets: F64, *, is_multilabel: bool
) -> tuple[Epoch, NDArray[np.int64]]:
    """Return how scores agree with targets.

    Args:
        number: The epoch's.
        learning: Mean loss over the pictures learned from.
        logits: float64 ``n k``.
        targets: float64 ``n k``, probabilities of the classes; each row sums to one unless
            ``is_multilabel``.
        is_multilabel: Whether a picture may have several labels.

    Returns:
        The figures, and the confusion matrix: counts ``k k`` (true, predicted), or ``k 2 2`` with
        one table (absent or present, predicted or not) a label.
    """
    if is_multilabel:
        loss, table, confidence = _by_label(logits, targets)
        hit, predicted, true = table[:, 1, 1], table[:, :, 1].sum(1), table[:, 1].sum(1)
        right = float((table[:, 0, 0] + table[:, 1, 1]).sum())
    else:
        loss, table, confidence = _by_class(logits, targets)
        hit, predicted, true = np.diag(table), table.sum(0), table.sum(1)
        right = float(hit.sum())
    precision, recall, f1 = _means(hit.astype(float), predicted.astype(float), true.astype(float))
    accuracy = right / max(1, int(table.sum()))
    return Epoch(number, learning, loss, accuracy, precision, recall, f1, confidence), table


def _by_class(logits: F64, targets: F64) -> tuple[float, NDArray[np.int64], float]:
    shifted = logits - logits.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    k = logits.shape[1]
    table = np.zeros((k, k), np.int64)
    np.add.at(table, (targets.argmax(axis=1), logits.argmax(axis=1)), 1)
    loss = -(targets * log_p).sum(axis=1).mean()
    return float(loss), table, float(np.exp(log_p.max(axis=1)).mean())


def _by_label(logits: F64, targets: F64) -> tuple[float, NDArray[np.int64], float]:
    log_p, log_q = -np.logaddexp(0.0, -logits), -np.logaddexp(0.0, logits)
    k = logits.shape[1]
    table = np.zeros((k, 2, 2), np.int64)
    true, predicted = (targets > 0.5).astype(int), (logits > 0.0).astype(int)
    np.add.at(table, (np.broadcast_to(np.arange(k), true.shape), true, predicted), 1)
    loss = -(targets * log_p + (1.0 - targets) * log_q).mean()
    return float(loss), table, float(np.exp(np.maximum(log_p, log_q)).mean())


def _means(
    hit: NDArray[Any], predicted: NDArray[Any], true: NDArray[Any]
) -> tuple[float, float, float]:
    """Return means over classes; a class never predicted has precision 0, as in scikit-learn."""
    present, either = true > 0, (true > 0) | (predicted > 0)
    precision = (hit / np.maximum(predicted, 1))[either]
    recall = (hit / np.maximum(true, 1))[present]
    f1 = (2 * hit / np.maximum(predicted + true, 1))[either]
    return tuple(float(v.mean()) if v.size else 0.0 for v in (precision, recall, f1))  # type: ignore[return-value]

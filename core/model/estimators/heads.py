"""Heads: from standardised features to one score a class, as arrays and nothing else.

scikit-learn fits them (``core.model.fitting.fit``); running one needs NumPy alone, one picture at a
time, so that a score never depends on which other pictures were in the batch.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from core.types import F32, F64


@dataclass(frozen=True)
class LinearHead:
    """Scores ``weights @ z + bias``.

    Attributes:
        weights: float32 ``k d``.
        bias: float64 ``k``.
    """

    weights: F32
    bias: F64


@dataclass(frozen=True)
class KernelHead:
    """Scores ``dual @ exp(-gamma |support - basis @ z|²) + bias`` (radial basis functions).

    Attributes:
        support: float32 ``m q``, the training pictures or landmarks compared with.
        norms: float32 ``m``, their squared lengths.
        dual: float32 ``k m``.
        bias: float64 ``k``.
        gamma: Width of the kernel, above 0.
        basis: float32 ``q d``, the directions in which pictures are compared; None where all
            features are.
    """

    support: F32
    norms: F32
    dual: F32
    bias: F64
    gamma: float
    basis: F32 | None = None


@dataclass(frozen=True)
class HeadEnsemble:
    """Scores of a kernel head and a linear head, added up."""

    kernel: KernelHead
    linear: LinearHead

    @property
    def bias(self) -> F64:
        """float64 ``k``, both biases together."""
        return self.kernel.bias + self.linear.bias


Head = LinearHead | KernelHead | HeadEnsemble


def logits(head: Head, z: F32) -> F64:
    """Return the scores of one picture.

    Args:
        head: The head.
        z: float32 ``d``, standardised features.

    Returns:
        float64 ``k``.
    """
    if isinstance(head, HeadEnsemble):
        return logits(head.kernel, z) + logits(head.linear, z)
    if isinstance(head, LinearHead):
        return (head.weights @ z).astype(np.float64) + head.bias
    return (head.dual @ _kernel(head, _project(head, z))).astype(np.float64) + head.bias


def gradient(head: Head, z: F32, direction: F64) -> F32:
    """Return the exact gradient of ``direction @ logits`` by the features.

    Args:
        head: The head.
        z: float32 ``d``.
        direction: float64 ``k``, which combination of the class scores is asked about.

    Returns:
        float32 ``d``.
    """
    if isinstance(head, HeadEnsemble):
        both: F32 = gradient(head.kernel, z, direction) + gradient(head.linear, z, direction)
        return both
    along = direction.astype(np.float32)
    if isinstance(head, LinearHead):
        linear: F32 = along @ head.weights
        return linear
    turned = _project(head, z)
    pull = (along @ head.dual) * _kernel(head, turned)
    radial: F32 = 2.0 * np.float32(head.gamma) * (pull @ head.support - pull.sum() * turned)
    return radial if head.basis is None else radial @ head.basis


def scale_head(head: KernelHead | LinearHead, by: F64) -> KernelHead | LinearHead:
    """Return a head whose scores are multiplied by one factor a class, float64 ``k``."""
    column = by[:, None].astype(np.float32)
    if isinstance(head, LinearHead):
        return LinearHead(head.weights * column, head.bias * by)
    return replace(head, dual=head.dual * column, bias=head.bias * by)


def add_kernels(whole: KernelHead, part: KernelHead) -> KernelHead:
    """Return the sum of two kernel heads as one, so that the kernel is computed once.

    Raises:
        ValueError: They differ in width or directions, or ``part`` keeps a picture that ``whole``
            does not.
    """
    place = {row.tobytes(): number for number, row in enumerate(whole.support)}
    rows = [place.get(row.tobytes(), -1) for row in part.support]
    if not _have_one_kernel(whole, part) or min(rows, default=0) < 0:
        raise ValueError("whole, part: expected one kernel, and every picture of part in whole")
    dual = whole.dual.copy()
    dual[:, rows] += part.dual
    return replace(whole, dual=dual, bias=whole.bias + part.bias)


def _have_one_kernel(one: KernelHead, other: KernelHead) -> bool:
    if one.basis is None or other.basis is None:
        return one.basis is other.basis and one.gamma == other.gamma
    return np.array_equal(one.basis, other.basis) and one.gamma == other.gamma


def _project(head: KernelHead, z: F32) -> F32:
    return z if head.basis is None else head.basis @ z


def _kernel(head: KernelHead, z: F32) -> F32:
    distance = head.norms - 2.0 * (head.support @ z) + z @ z
    kernel: F32 = np.exp(-np.float32(head.gamma) * np.maximum(distance, 0.0))
    return kernel

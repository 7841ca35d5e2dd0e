"""Heads: from standardised features to one score a class, as arrays and nothing else.

scikit-learn fits them (``core.model.fitting``); running one needs NumPy alone, one picture at a
time, so that a score never depends on which other pictures were in the batch.
"""

from __future__ import annotations

from dataclasses import dataclass

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
    """Scores ``dual @ exp(-gamma |support - z|²) + bias`` (radial basis functions).

    Attributes:
        support: float32 ``m d``, the training pictures kept.
        norms: float32 ``m``, their squared lengths.
        dual: float32 ``k m``.
        bias: float64 ``k``.
        gamma: Width of the kernel, above 0.
    """

    support: F32
    norms: F32
    dual: F32
    bias: F64
    gamma: float


Head = LinearHead | KernelHead


def logits(head: Head, z: F32) -> F64:
    """Score one picture.

    Args:
        head: The head.
        z: float32 ``d``, standardised features.

    Returns:
        float64 ``k``.
    """
    if isinstance(head, LinearHead):
        return (head.weights @ z).astype(np.float64) + head.bias
    return (head.dual @ _kernel(head, z)).astype(np.float64) + head.bias


def gradient(head: Head, z: F32, direction: F64) -> F32:
    """Differentiate ``direction @ logits`` by the features, exactly.

    Args:
        head: The head.
        z: float32 ``d``.
        direction: float64 ``k``, which combination of the class scores is asked about.

    Returns:
        float32 ``d``.
    """
    along = direction.astype(np.float32)
    if isinstance(head, LinearHead):
        linear: F32 = along @ head.weights
        return linear
    pull = (along @ head.dual) * _kernel(head, z)
    radial: F32 = 2.0 * np.float32(head.gamma) * (pull @ head.support - pull.sum() * z)
    return radial


def _kernel(head: KernelHead, z: F32) -> F32:
    distance = head.norms - 2.0 * (head.support @ z) + z @ z
    kernel: F32 = np.exp(-np.float32(head.gamma) * np.maximum(distance, 0.0))
    return kernel

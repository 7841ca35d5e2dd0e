"""Explanations of a verdict: an attribution map, and the nearest known cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from core.model.estimators import heads
from core.model.estimators.model import Model
from core.model.network.backbone import Tap
from core.types import F32, F64, U8, Evidence, NetworkOutput

_STEPS = 16


@dataclass(frozen=True)
class Known:
    """The training pictures a verdict can be compared with.

    Attributes:
        features: float32 ``n d``, standardised.
        labels: ``n`` class names, ``a|b`` where a picture has several.
        names: ``n`` file names.
        jpegs: ``n`` thumbnails, each a small JPEG.
    """

    features: F32
    labels: tuple[str, ...]
    names: tuple[str, ...]
    jpegs: tuple[bytes, ...]


@dataclass(frozen=True)
class Neighbour:
    """One known case near a picture; ``distance`` is Euclidean over standardised features."""

    name: str
    label: str
    distance: float
    jpeg: bytes


def nearest(known: Known, evidence: Evidence, count: int = 5) -> list[Neighbour]:
    """Return the known cases nearest to a picture, nearest first."""
    distance = np.linalg.norm(known.features - evidence.features, axis=1)
    order = np.argsort(distance, kind="stable")[:count]
    return [
        Neighbour(known.names[i], known.labels[i], float(distance[i]), known.jpegs[i])
        for i in order
    ]


def heat_map(
    model: Model,
    known: Known,
    evidence: Evidence,
    taps: Sequence[Tap],
    maps: Sequence[F32],
    size: int,
) -> F32:
    """Return an attribution map: how each place adds to the score, from a mean negative picture.

    Integrated gradients (Sundararajan et al. 2017, arXiv 1703.01365) of the positive score from
    the mean negative training picture to this one give each pooled statistic its slope ``g``. A
    mean is the average of its map, so a place with value ``x`` carries ``g (x - m0)``; a deviation
    ``s`` around mean ``m`` is the average of ``(x - m)² / s``, so it carries
    ``g ((x - m)² / s - s0)``, with ``m0`` and ``s0`` those of the negative picture. A maximum is
    carried by the place that has it alone. Averaged over the places, the shares add up to the
    difference of the two scores.

    Args:
        model: The fitted model.
        known: Its training pictures.
        evidence: The picture's evidence.
        taps: The taps that the backbone sees, in the order of the features.
        maps: The picture's float32 ``c h w`` map at each tap.
        size: Side of the answer in pixels.

    Returns:
        float32 ``size size``, score per unit of area; above 0 raises the score, below lowers it.
    """
    negative = {c for c, flag in zip(model.classes, model.positive, strict=True) if not flag}
    labels = [set(label.split("|")) for label in known.labels]
    ordinary = known.features[[names <= negative for names in labels]].mean(axis=0)
    slope = _mean_slope(model, ordinary, evidence.features) / model.scale
    usual = ordinary * model.scale + model.centre
    heat = np.zeros((size, size), np.float32)
    start = 0
    for tap, stage in zip(taps, maps, strict=True):
        for pooled, excess in (
            (tap.mean, _mean_excess),
            (tap.deviation, _deviation_excess),
            (tap.maximum, _maximum_excess),
        ):
            if pooled:
                own = slice(start, start + len(stage))
                start = own.stop
                share = np.tensordot(slope[own], excess(stage, usual[own, None, None]), 1)
                heat += cv2.resize(share, (size, size), interpolation=cv2.INTER_CUBIC)
    return heat


def anomaly_map(model: Model, output: NetworkOutput, size: int) -> F32:
    """Return an anomaly map, for a model whose memory bank alone is used.

    Args:
        model: The fitted model, with a memory bank.
        output: What the network gave for the picture, with its patches.
        size: Side of the answer in pixels.

    Returns:
        float32 ``size size``; above 0 is more anomalous than the median good group's farthest
        places.

    Raises:
        ValueError: The model has no memory bank.
    """
    if model.bank is None:
        raise ValueError("model: expected one with a memory bank")
    heat = model.bank.anomaly_map(output.patches)
    return np.asarray(cv2.resize(heat, (size, size), interpolation=cv2.INTER_CUBIC), np.float32)


def _mean_slope(model: Model, start: F32, end: F32) -> F32:
    """Return the mean gradient of the positive score along the line between two pictures."""
    direction = _towards_positive(model)
    places = (np.arange(_STEPS, dtype=np.float32) + 0.5) / _STEPS
    slopes = [heads.gradient(model.head, start + t * (end - start), direction) for t in places]
    mean: F32 = np.mean(slopes, axis=0, dtype=np.float32)
    return mean


def _towards_positive(model: Model) -> F64:
    if model.is_multilabel:
        return np.append(np.zeros(len(model.classes)), 1.0)
    positive = np.array(model.positive)
    return np.asarray(np.where(positive, 1.0 / positive.sum(), -1.0 / (~positive).sum()))


def _mean_excess(stage: F32, usual: F32) -> F32:
    """Return what each place adds to a channel's mean beyond the usual one."""
    return stage - usual


def _deviation_excess(stage: F32, usual: F32) -> F32:
    """Return what each place adds to the deviation beyond the usual one."""
    mean = stage.mean(axis=(1, 2), keepdims=True)
    spread: F32 = stage.std(axis=(1, 2), keepdims=True) + np.float32(1e-6)
    parts: F32 = (stage - mean) ** 2 / spread
    return parts - usual


def _maximum_excess(stage: F32, usual: F32) -> F32:
    """Return what the place of the maximum adds beyond the usual one, all others nothing."""
    flat = stage.reshape(len(stage), -1)
    parts = np.zeros_like(flat)
    best, rows = flat.argmax(axis=1), np.arange(len(flat))
    parts[rows, best] = (flat[rows, best] - usual.ravel()) * np.float32(flat.shape[1])
    return parts.reshape(stage.shape)


def thumbnail(pixels: U8, side: int = 112, quality: int = 80) -> bytes:
    """Return prepared pixels ``h w c`` as a small JPEG.

    Raises:
        ValueError: The encoder refused the picture.
    """
    small = cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA)
    done, data = cv2.imencode(".jpg", small[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError(f"thumbnail: the JPEG encoder refused shape {pixels.shape}")
    return bytes(data)

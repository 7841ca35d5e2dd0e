"""Parts that not every model has, as plain arrays and JSON, and back, exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.decision.label_sets import LabelReference
from core.model.estimators.foreground_distance import ForegroundDistance
from core.model.estimators.shift import ShiftHead
from core.model.estimators.stated_changes import STATED, StatedChange, StatedShift

Arrays = dict[str, NDArray[Any]]
Metadata = dict[str, Any]


def pack_label_reference(reference: LabelReference | None) -> tuple[Arrays, Metadata]:
    """Return arrays and metadata; both empty where there is none."""
    if reference is None:
        return {}, {}
    arrays = {f"label_reference.{i}": one for i, one in enumerate(reference.scores.values())}
    metadata = {
        "superclasses": list(reference.superclasses),
        "subjects": list(reference.subjects),
        "scored": list(reference.scores),
    }
    return {**arrays, "label_reference.subjects": reference.subject_scores}, metadata


def unpack_label_reference(
    arrays: Mapping[str, NDArray[Any]], metadata: Metadata
) -> LabelReference | None:
    """Return what ``pack_label_reference`` took.

    Raises:
        KeyError: An array or a field is missing.
    """
    if not metadata:
        return None
    return LabelReference(
        tuple(metadata["superclasses"]),
        tuple(metadata["subjects"]),
        {name: arrays[f"label_reference.{i}"] for i, name in enumerate(metadata["scored"])},
        arrays["label_reference.subjects"],
    )


def pack_shift(shift: ShiftHead | None) -> tuple[Arrays, Metadata]:
    """Return arrays and metadata; both empty where there is none."""
    return ({"shift.weights": shift.weights}, {"bias": shift.bias}) if shift else ({}, {})


def unpack_shift(arrays: Mapping[str, NDArray[Any]], metadata: Metadata) -> ShiftHead | None:
    """Return what ``pack_shift`` took.

    Raises:
        KeyError: An array or a field is missing.
    """
    return ShiftHead(arrays["shift.weights"], float(metadata["bias"])) if metadata else None


def pack_foreground(distance: ForegroundDistance | None) -> tuple[Arrays, Metadata]:
    """Return arrays and metadata; both empty where there is none."""
    if distance is None:
        return {}, {}
    arrays: Arrays = {
        "foreground.centre": distance.centre,
        "foreground.scale": distance.scale,
        "foreground.known": distance.known.astype(np.float16),
    }
    return arrays, {"weight": distance.weight}


def unpack_foreground(
    arrays: Mapping[str, NDArray[Any]], metadata: Metadata
) -> ForegroundDistance | None:
    """Return what ``pack_foreground`` took.

    Raises:
        KeyError: An array or a field is missing.
    """
    if not metadata:
        return None
    return ForegroundDistance(
        arrays["foreground.centre"],
        arrays["foreground.scale"],
        arrays["foreground.known"].astype(np.float32),
        float(metadata["weight"]),
    )


def pack_stated(changes: Sequence[StatedChange]) -> tuple[Arrays, list[Metadata]]:
    """Return arrays, and metadata, a change each."""
    arrays: Arrays = {}
    for i, one in enumerate(changes):
        arrays[f"stated.{i}.features"] = one.shift.features
        arrays[f"stated.{i}.foreground"] = one.shift.foreground
    metadata = [
        {
            "name": one.shift.name,
            "usual": one.shift.usual,
            "end": one.shift.end,
            "mean": list(one.mean),
            "deviation": list(one.deviation),
            "usual_mean": one.usual_mean,
            "usual_deviation": one.usual_deviation,
        }
        for one in changes
    ]
    return arrays, metadata


def unpack_stated(
    arrays: Mapping[str, NDArray[Any]], metadata: Sequence[Metadata]
) -> tuple[StatedChange, ...]:
    """Return what ``pack_stated`` took; bundles made before it kept arrays move no features.

    Raises:
        KeyError: A field is missing.
        ValueError: A variation is not known, or a number not finite.
    """
    return tuple(_unpack_change(arrays, f"stated.{i}", one) for i, one in enumerate(metadata))


def _unpack_change(
    arrays: Mapping[str, NDArray[Any]], prefix: str, metadata: Metadata
) -> StatedChange:
    nothing = np.zeros((0, 0), np.float32)
    shift = StatedShift(
        metadata["name"],
        float(metadata["usual"]),
        float(metadata["end"]),
        arrays.get(f"{prefix}.features", nothing),
        arrays.get(f"{prefix}.foreground", nothing),
    )
    change = StatedChange(
        shift,
        tuple(map(float, metadata["mean"])),
        tuple(map(float, metadata["deviation"])),
        float(metadata["usual_mean"]),
        float(metadata["usual_deviation"]),
    )
    numbers = [shift.usual, shift.end, *change.mean, *change.deviation, *change[3:]]
    arrays_are_finite = np.isfinite(shift.features).all() and np.isfinite(shift.foreground).all()
    if shift.name not in STATED or not np.isfinite(numbers).all() or not arrays_are_finite:
        raise ValueError(f"stated: {metadata}")
    return change

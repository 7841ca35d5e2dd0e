"""What files state of their size, taken out of features and scores as ONNX nodes.

The size of the original alone: a graph reads no file, and no JPEG quality.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.model.estimators.stated_changes import SIZE, STATED, StatedChange, StatedShift
from core.model.onnx.builder import Nodes
from core.types import F32


def of_size(changes: Sequence[StatedChange]) -> list[StatedChange]:
    """Return the changes that go by the size of the original."""
    return [one for one in changes if STATED[one.shift.name].fact == SIZE]


def add_unmoved(nodes: Nodes, shift: StatedShift, coefficients: F32, values: str, size: str) -> str:
    """Return features ``n`` without what the size does to them as a node.

    Args:
        nodes: The graph.
        shift: How features move.
        coefficients: Of these features, float32 ``p n``.
        values: Names the features.
        size: Names the logarithm of the original's shorter side.
    """
    distance = nodes.add("Max", _distance(nodes, shift, size), np.float32(0))
    power = distance
    for row in coefficients:
        values = nodes.add("Sub", values, nodes.add("Mul", power, row))
        power = nodes.add("Mul", power, distance)
    return values


def add_adjusted(nodes: Nodes, change: StatedChange, score: str, size: str) -> str:
    """Return ``StatedChange.adjust`` of a score by the size of the original as a node."""
    distance = _distance(nodes, change.shift, size)
    mean, deviation = (
        nodes.add("Max", _polynomial(nodes, of, distance), np.float32(usual))
        for of, usual in (
            (change.mean, change.usual_mean),
            (change.deviation, change.usual_deviation),
        )
    )
    share = nodes.add("Sqrt", nodes.add("Div", np.float32(change.usual_deviation), deviation))
    moved = nodes.add("Mul", nodes.add("Sub", score, mean), share)
    moved = nodes.add("Min", nodes.add("Add", moved, np.float32(change.usual_mean)), score)
    return nodes.add("Where", nodes.add("Greater", distance, np.float32(0)), moved, score)


def _distance(nodes: Nodes, shift: StatedShift, size: str) -> str:
    """Return how far the size lies beyond training's as a node; negative where it does not."""
    beyond = nodes.add("Sub", size, np.float32(shift.usual))
    beyond = nodes.add("Mul", beyond, np.float32(STATED[shift.name].direction))
    return nodes.add("Min", beyond, np.float32(shift.end))


def _polynomial(nodes: Nodes, coefficients: Sequence[float], x: str) -> str:
    """Return a polynomial, highest power first, as a node (Horner's rule)."""
    value: str | np.float32 = np.float32(coefficients[0])
    for one in coefficients[1:]:
        value = nodes.add("Add", nodes.add("Mul", value, x), np.float32(one))
    return value if isinstance(value, str) else nodes.add("Identity", value)

"""``Gate.adjust`` as ONNX nodes, for the size of the original alone: a graph reads no file."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.model.estimators.stated_changes import SIZE, STATED, StatedChange
from core.model.onnx.builder import Nodes


def add_stated_changes(nodes: Nodes, changes: Sequence[StatedChange], score: str, size: str) -> str:
    """Return ``Gate.adjust`` of a score by the size of the original as a node."""
    for change in changes:
        fact, direction = STATED[change.name]
        if fact != SIZE:
            continue
        beyond = nodes.add("Sub", size, np.float32(change.usual))
        beyond = nodes.add("Mul", beyond, np.float32(direction))
        distance = nodes.add("Min", beyond, np.float32(change.end))
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
        is_beyond = nodes.add("Greater", beyond, np.float32(0))
        score = nodes.add("Where", is_beyond, moved, score)
    return score


def _polynomial(nodes: Nodes, coefficients: Sequence[float], x: str) -> str:
    """Return a polynomial, highest power first, as a node (Horner's rule)."""
    value: str | np.float32 = np.float32(coefficients[0])
    for one in coefficients[1:]:
        value = nodes.add("Add", nodes.add("Mul", value, x), np.float32(one))
    return value if isinstance(value, str) else nodes.add("Identity", value)

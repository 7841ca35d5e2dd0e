"""``reader.prepare`` as ONNX nodes, beyond what every pack's pictures go through."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from core.model.onnx.builder import Nodes
from core.model.onnx.preprocessing import Square, shrunk
from domains.xray.decoding import gate, reader

_WHOLE = {"keepdims": 0}


def graph(nodes: Nodes, square: Square, size: int) -> Square:
    """Return the picture turned grey, measured and checked to be a radiograph, as nodes.

    Args:
        nodes: The graph.
        square: What ``square.prepare`` gives.
        size: Side of the square.
    """
    plane = nodes.add("Unsqueeze", nodes.cast(square.grey, "u8"), np.array([2]))
    measures = {
        **square.measures,
        "middle over lungs": _middle_over_lungs(nodes, square.grey, size),
    }
    return Square(
        pixels=nodes.add("Concat", plane, plane, plane, attributes={"axis": 2}),
        grey=square.grey,
        measures=measures,
        checks=(*square.checks, *_checks(nodes, square, size)),
    )


def _checks(nodes: Nodes, square: Square, size: int) -> Iterator[str]:
    likeness = _chest_likeness(nodes, square.grey, size)
    field = _open_field(nodes, shrunk(nodes, square.grey, size, gate.COARSE))
    colour = _coloured(nodes, square.pixels)
    yield nodes.add("LessOrEqual", colour, np.float32(reader.MOST_COLOUR))
    yield nodes.add("GreaterOrEqual", likeness, np.float32(-gate.MOST_NEGATIVE))
    yield nodes.add("GreaterOrEqual", field, np.float32(gate.LEAST_FIELD))


def _coloured(nodes: Nodes, pixels: str) -> str:
    """Return the share of coloured pixels."""
    levels, axes = nodes.cast(pixels, "f32"), np.array([2])
    ends = [nodes.add(kind, levels, axes, attributes=_WHOLE) for kind in ("ReduceMax", "ReduceMin")]
    strong = nodes.add("Greater", nodes.add("Sub", *ends), np.float32(reader.COLOURED))
    return nodes.mean(nodes.cast(strong, "f32"))


def _middle_over_lungs(nodes: Nodes, grey: str, size: int) -> str:
    weights = np.zeros((reader.COARSE, reader.COARSE), np.float32)
    weights[reader.MIDDLE] = 1 / weights[reader.MIDDLE].size
    for place in reader.LUNGS:
        weights[place] = -1 / weights[place].size / len(reader.LUNGS)
    coarse = shrunk(nodes, grey, size, reader.COARSE)
    return nodes.total(nodes.add("Mul", coarse, weights / np.float32(255)))


def _chest_likeness(nodes: Nodes, grey: str, size: int) -> str:
    template = gate.template()
    fields = shrunk(nodes, grey, size, len(template))
    fields = nodes.add("Sub", fields, nodes.mean(fields))
    length = nodes.add("Sqrt", nodes.total(nodes.add("Mul", fields, fields)))
    along = nodes.total(nodes.add("Mul", fields, template.astype(np.float32)))
    flat = nodes.add("Equal", length, np.float32(0))
    strength = nodes.add("Mul", length, np.float32(np.linalg.norm(template)))
    whole = nodes.add("Where", flat, np.float32(1), strength)
    return nodes.add("Div", along, whole)


def _open_field(nodes: Nodes, coarse: str) -> str:
    """Return the area within the first and the last line and column that are more than border."""
    place = np.arange(gate.COARSE, dtype=np.float32)
    sides = []
    for lines in (coarse, nodes.add("Transpose", coarse)):
        low, high = (_twentieth(nodes, lines, largest) for largest in (0, 1))
        bright = nodes.add("Greater", high, np.float32(gate.BLACK))
        live = nodes.add("And", bright, nodes.add("Less", low, np.float32(gate.WHITE)))
        first = nodes.add("Where", live, place, np.float32(gate.COARSE))
        last = nodes.add("Where", live, place, np.float32(-1))
        ends = [
            nodes.add(kind, tensor, attributes=_WHOLE)
            for kind, tensor in (("ReduceMax", last), ("ReduceMin", first))
        ]
        span = nodes.add("Add", nodes.add("Sub", *ends), np.float32(1))
        sides.append(nodes.add("Max", span, np.float32(0)))
    return nodes.add("Div", nodes.add("Mul", *sides), np.float32(gate.COARSE**2))


def _twentieth(nodes: Nodes, lines: str, largest: int) -> str:
    """Return the 5th percentile of every line, or the 95th, interpolated linearly."""
    place = 0.05 * (gate.COARSE - 1)
    before = int(place)
    ends = nodes.add(
        "TopK",
        lines,
        np.array([before + 2]),
        attributes={"axis": 1, "largest": largest, "sorted": 1},
        outs=2,
    )
    share = np.zeros(before + 2, np.float32)
    share[before], share[before + 1] = 1 - (place - before), place - before
    return nodes.add("MatMul", ends, share)

"""``core.imaging.square`` as ONNX nodes: any picture to the network's square, with its measures.

OpenCV's arithmetic is repeated step by step, its rounding included, since a network's features
move with every grey level. Shapes come from the graph's input; there is no loop and no branch.
Where a side is no whole number of cells, a mean that is an exact half may be rounded the other way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from core.imaging import square
from core.model.onnx.builder import Nodes
from core.types import F32

_GREY = np.array([9798, 19235, 3735], np.float32)  # OpenCV's RGB2GRAY, in units of 1 / 32768
_EDGES = np.array([[[0, 1, 0], [1, -4, 1], [0, 1, 0]]], np.float32)
_SOBEL = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], np.float32)
_TURN = {"perm": [1, 0, 2]}
_UNIT = np.float32(2048)  # OpenCV's weights of a linear step


class Square(NamedTuple):
    """Names of tensors.

    Attributes:
        pixels: uint8 ``size size 3``.
        grey: float32 ``size size``, whole numbers.
        measures: A float32 scalar each.
        checks: Boolean scalars, false where the pack refuses the picture whatever it learned.
    """

    pixels: str
    grey: str
    measures: Mapping[str, str]
    checks: tuple[str, ...] = ()


def add_square(nodes: Nodes, pixels: str, source_size: str, size: int) -> Square:
    """Return what ``square.prepare`` does to 8-bit RGB, as nodes.

    Args:
        nodes: The graph.
        pixels: uint8 ``h w 3``.
        source_size: int64 ``2``, height and width of the original.
        size: Side of the square.
    """
    shape = nodes.add("Shape", pixels)
    height, width = (nodes.add("Gather", shape, np.int64(axis)) for axis in (0, 1))
    small, rows, columns = _reduced(nodes, nodes.cast(pixels, "f32"), height, width, size)
    even = _stretched(nodes, nodes.cast(small, "i32"), rows, columns, size)
    shares = nodes.add("Mul", nodes.cast(even, "f32"), _GREY)
    sums = nodes.add("ReduceSum", shares, np.array([2]), attributes={"keepdims": 0})
    whole = nodes.add("Div", nodes.add("Add", sums, np.float32(16384)), np.float32(32768))
    grey = nodes.add("Floor", whole)
    return Square(nodes.cast(even, "u8"), grey, _measures(nodes, grey, source_size, size))


def shrunk(nodes: Nodes, grey: str, size: int, side: int) -> str:
    """Return float32 ``size size`` averaged over ``side side`` cells, as INTER_AREA does."""
    cells = _fixed_cells(size, side)
    tall = nodes.add("MatMul", cells, grey)
    wide = nodes.add("MatMul", tall, np.ascontiguousarray(cells.T))
    return nodes.add("Round", nodes.add("Mul", wide, np.float32((side / size) ** 2)))


def _reduced(nodes: Nodes, pixels: str, height: str, width: str, size: int) -> tuple[str, str, str]:
    """Return averages of cells of whole pixels, or nearly so where a side does not divide.

    OpenCV sums whole cells up and divides once; others are weighed pixel by pixel.
    """
    sides = (height, width)
    cells = [_count(nodes, side, size) for side in sides]
    rest = [nodes.add("Mod", *pair) for pair in zip(sides, cells, strict=True)]
    whole = nodes.add("Equal", nodes.add("Add", *rest), np.int64(0))
    weights = [_cells(nodes, *pair, whole) for pair in zip(sides, cells, strict=True)]
    wide = _averaged(nodes, nodes.add("Transpose", pixels, attributes=_TURN), weights[1], cells[1])
    summed = _averaged(nodes, wide, weights[0], cells[0])
    summed = nodes.add("Transpose", summed, attributes=_TURN)
    areas = [nodes.cast(nodes.add("Mul", *pair), "f32") for pair in (cells, sides)]
    share = nodes.add("Where", whole, nodes.add("Div", *areas), np.float32(1))
    mean = nodes.add("Mul", summed, share)
    # Blocks of two by two have an arithmetic of their own, which rounds halves up.
    twice = [
        nodes.add("Equal", side, nodes.add("Mul", cell, np.int64(2)))
        for side, cell in zip(sides, cells, strict=True)
    ]
    up = nodes.add("Floor", nodes.add("Add", mean, np.float32(0.5)))
    small = nodes.add("Where", nodes.add("And", *twice), up, nodes.add("Round", mean))
    return small, cells[0], cells[1]


def _count(nodes: Nodes, side: str, size: int) -> str:
    by = nodes.add("Max", nodes.add("Div", side, np.int64(size)), np.int64(1))
    return nodes.add("Div", side, by)


def _cells(nodes: Nodes, side: str, cells: str, whole: str) -> str:
    """Return each pixel's weight in each cell, float32 ``cells side``; 1 where cells are whole.

    The overlaps are counted in whole numbers, of which a pixel has as many as there are cells.
    """
    cell, pixel = (nodes.add("Range", np.int64(0), count, np.int64(1)) for count in (cells, side))
    cell = nodes.add("Unsqueeze", cell, np.array([1]))

    def ends(place: str, by: str) -> tuple[str, str]:
        after = nodes.add("Add", place, np.int64(1))
        return nodes.add("Mul", place, by), nodes.add("Mul", after, by)

    (first, last), (start, stop) = ends(cell, side), ends(pixel, cells)
    shared = nodes.add("Sub", nodes.add("Min", last, stop), nodes.add("Max", first, start))
    inside = nodes.cast(nodes.add("Max", shared, np.int64(0)), "f32")
    return nodes.add("Div", inside, nodes.cast(nodes.add("Where", whole, cells, side), "f32"))


def _averaged(nodes: Nodes, pixels: str, cells: str, count: str) -> str:
    """Return ``n m 3`` summed over the first axis by cells ``k n``, turned to ``m k 3``."""
    shape = nodes.add("Shape", pixels)
    other = nodes.add("Gather", shape, np.array([1]))
    flat = nodes.add("Flatten", pixels, attributes={"axis": 1})
    summed = nodes.add("MatMul", cells, flat)
    rows = nodes.add("Unsqueeze", count, np.array([0]))
    shaped = nodes.add("Concat", rows, other, np.array([3]), attributes={"axis": 0})
    turned = nodes.add("Reshape", summed, shaped)
    return nodes.add("Transpose", turned, attributes=_TURN)


def _stretched(nodes: Nodes, pixels: str, rows: str, columns: str, size: int) -> str:
    """Return int32 ``h w 3`` interpolated linearly to ``size size 3``."""
    place = nodes.add("Max", _places(nodes, columns, size), np.float32(0))
    wide = _between(nodes, pixels, place, columns, 1, size)
    tall = nodes.add("Div", nodes.add("Add", *wide), np.int32(16))
    parts = _between(nodes, tall, _places(nodes, rows, size), rows, 0, size)
    halves = [nodes.add("Div", part, np.int32(65536)) for part in parts]
    both = nodes.add("Add", nodes.add("Add", *halves), np.int32(2))
    return nodes.add("Div", both, np.int32(4))


def _places(nodes: Nodes, side: str, size: int) -> str:
    """Return where on an axis the middle of every place of the square lies, float32 ``size``."""
    odd = np.arange(1, 2 * size, 2, dtype=np.int64)
    ahead = nodes.add("Sub", nodes.add("Mul", side, odd), np.int64(size))
    return nodes.add("Div", nodes.cast(ahead, "f32"), np.float32(2 * size))


def _between(
    nodes: Nodes, pixels: str, place: str, side: str, axis: int, size: int
) -> tuple[str, str]:
    """Return the weights of both neighbours of every place on an axis, in units of 1 / 2048.

    Beyond the border both are its last pixel. Their weights still are two, and rounded apart: a
    difference of one grey level that OpenCV shows along the rows, and on the columns does not,
    where places before the first are moved onto it.
    """
    low = nodes.add("Floor", place)
    share = nodes.add("Sub", place, low)
    end = nodes.add("Sub", side, np.int64(1))
    before = nodes.cast(low, "i64")
    shape = np.array([size, 1, 1] if axis == 0 else [1, size, 1])
    weighed = []
    for at, part in (
        (before, nodes.add("Sub", np.float32(1), share)),
        (nodes.add("Add", before, np.int64(1)), share),
    ):
        inside = nodes.add("Min", nodes.add("Max", at, np.int64(0)), end)
        weight = nodes.cast(nodes.add("Round", nodes.add("Mul", part, _UNIT)), "i32")
        row = nodes.add("Gather", pixels, inside, attributes={"axis": axis})
        weighed.append(nodes.add("Mul", row, nodes.add("Reshape", weight, shape)))
    return weighed[0], weighed[1]


def _measures(nodes: Nodes, grey: str, source_size: str, size: int) -> dict[str, str]:
    edges = nodes.conv(grey, _EDGES)
    spread = nodes.add("Sub", grey, nodes.mean(grey))
    x, y = _centre_of_detail(nodes, grey, size)
    source = nodes.cast(source_size, "f32")
    height, width = (nodes.add("Gather", source, np.int64(axis)) for axis in (0, 1))
    sharp = nodes.add("Add", nodes.mean(nodes.add("Mul", edges, edges)), np.float32(1))
    return {
        "sharpness": nodes.add("Log", sharp),
        "brightness": nodes.mean(grey),
        "contrast": nodes.add("Sqrt", nodes.mean(nodes.add("Mul", spread, spread))),
        "clipped dark": _share(nodes, "LessOrEqual", grey, square.DARK),
        "clipped bright": _share(nodes, "GreaterOrEqual", grey, square.BRIGHT),
        "centre x": x,
        "centre y": y,
        "aspect ratio": nodes.add("Log", nodes.add("Div", width, height)),
        "size": nodes.add("Log", nodes.add("Min", height, width)),
    }


def _share(nodes: Nodes, comparison: str, grey: str, level: int) -> str:
    return nodes.mean(nodes.cast(nodes.add(comparison, grey, np.float32(level)), "f32"))


def _centre_of_detail(nodes: Nodes, grey: str, size: int) -> tuple[str, str]:
    side = max(8, size // square.FRAMING_SHRINK)
    small = shrunk(nodes, grey, size, side)
    slopes = nodes.add("Abs", nodes.conv(small, np.stack([_SOBEL, _SOBEL.T])))
    strength = nodes.add("ReduceSum", slopes, np.array([0, 1]), attributes={"keepdims": 0})
    total = nodes.total(strength)
    places = ((np.arange(side) + 0.5) / side).astype(np.float32)
    flat = nodes.add("Equal", total, np.float32(0))
    whole = nodes.add("Where", flat, np.float32(1), total)
    centres = []
    for axis in (0, 1):
        along = nodes.add("ReduceSum", strength, np.array([axis]), attributes={"keepdims": 0})
        moment = nodes.total(nodes.add("Mul", along, places))
        centre = nodes.add("Div", moment, whole)
        centres.append(nodes.add("Where", flat, np.float32(0.5), centre))
    return centres[0], centres[1]


def _fixed_cells(side: int, cells: int) -> F32:
    """Return ``_cells`` for a side that is known."""
    cell, pixel = np.arange(cells)[:, None], np.arange(side)
    inside = np.minimum((cell + 1) * side, (pixel + 1) * cells) - np.maximum(
        cell * side, pixel * cells
    )
    shares: F32 = (np.maximum(inside, 0) / cells).astype(np.float32)
    return shares

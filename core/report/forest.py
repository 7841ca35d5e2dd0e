"""Error rates of many slices below each other, each with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from core.report import svg

_ROW, _HEAD = 19.0, 24.0
_LABEL, _COUNT = 128.0, 58.0
_LETTERS = 17


@dataclass(frozen=True)
class Slice:
    """One row: a heading (``n`` is None) or the rate of one value of a column.

    Attributes:
        name: The column's or the value's name, a stranger's text.
        k: Groups with an error.
        n: Groups; None for a heading.
        low: Lower end of the interval.
        high: Upper end.
    """

    name: str
    k: int = 0
    n: int | None = None
    low: float = 0.0
    high: float = 1.0


def draw_forest(key: str, title: str, rows: Sequence[Slice], promise: float, kind: str) -> Markup:
    """Draw a dot and an interval a row, and a line at the promised rate.

    Args:
        key: Unique in the page.
        title: What the rates are of.
        rows: From top to bottom.
        promise: The rate that the policy allows.
        kind: ``positive`` or ``negative``: the colour.
    """
    heights = [_HEAD if row.n is None else _ROW for row in rows]
    floor = svg.TOP + sum(heights) + 6
    reach = max([promise, *(row.high for row in rows if row.n)])
    end = min(1.0, float(np.ceil(reach * 10) / 10))
    plot = svg.Plot(
        svg.Scale(0.0, end, _LABEL, svg.WIDTH - _COUNT), svg.Scale(0.0, 1.0, floor, svg.TOP)
    )
    marks = [
        svg.axes(plot, (title, ""), (svg.percents(0, end, 5), [])),
        svg.upright(plot, promise, "ink"),
    ]
    y = float(svg.TOP)
    for row, height in zip(rows, heights, strict=True):
        marks.append(_row(plot, row, y + height - 5, kind))
        y += height
    shown = [row for row in rows if row.n]
    broken = sum(row.low > promise for row in shown)
    desc = (
        f"{len(shown)} slices; in {broken} of them the whole interval lies above the promised "
        f"{100 * promise:g} %."
    )
    return svg.figure(key, title, desc, marks, floor + 46)


def _row(plot: svg.Plot, row: Slice, y: float, kind: str) -> Markup:
    if row.n is None:
        return svg.text(4, y, _short(row.name, 2 * _LETTERS), "tag strong")
    name = svg.text(_LABEL - 8, y, _short(row.name or "(empty)", _LETTERS), "name", "end")
    seen = f"{row.k}/{row.n}" if row.n else "none"
    count = svg.text(svg.WIDTH - 4, y, seen, "name", "end")
    if not row.n:
        return name + count
    low, high, middle = plot.x([row.low, row.high, row.k / row.n])
    dot = Markup('<circle cx="{:.2f}" cy="{:.2f}" r="3.5" class="dot {}"/>')
    whisker = svg.segment((low, high), (y - 4, y - 4), f"whisker {kind}")
    return name + whisker + dot.format(middle, y - 4, kind) + count


def _short(name: str, most: int) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"

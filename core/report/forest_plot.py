"""Error rates of many slices below each other, each with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from core.decision.rate import Rate
from core.report import svg

_ROW, _HEAD = 19.0, 24.0
_LABEL, _COUNT = 128.0, 58.0
_LETTERS = 17


@dataclass(frozen=True)
class Slice:
    """One row: a heading (``rate`` is None) or the rate of one value of a column.

    Attributes:
        name: The column's or the value's name, text out of the data set.
        rate: Groups with an error, of all groups.
    """

    name: str
    rate: Rate | None = None


def draw_forest(key: str, title: str, rows: Sequence[Slice], target: float, kind: str) -> Markup:
    """Return a dot and an interval a row, and a line at the certified limit.

    Args:
        key: Unique in the page.
        title: What the rates are of.
        rows: From top to bottom.
        target: The rate that the policy allows.
        kind: ``positive`` or ``negative``: the colour.
    """
    heights = [_HEAD if row.rate is None else _ROW for row in rows]
    floor = svg.TOP + sum(heights) + 6
    shown = [row.rate for row in rows if row.rate and row.rate.n]
    reach = max([target, *(rate.high for rate in shown)])
    end = min(1.0, float(np.ceil(reach * 10) / 10))
    plot = svg.Plot(
        svg.Scale(0.0, end, _LABEL, svg.WIDTH - _COUNT), svg.Scale(0.0, 1.0, floor, svg.TOP)
    )
    marks = [
        svg.axes(plot, (title, ""), (svg.percents(0, end, 5), [])),
        svg.upright(plot, target, "ink"),
    ]
    y = float(svg.TOP)
    for row, height in zip(rows, heights, strict=True):
        marks.append(_row(plot, row, y + height - 5, kind))
        y += height
    broken = sum(rate.low > target for rate in shown)
    desc = (
        f"{len(shown)} slices; in {broken} of them the whole interval lies above the certified "
        f"{100 * target:g} %."
    )
    return svg.figure(key, title, desc, marks, floor + 46)


def _row(plot: svg.Plot, row: Slice, y: float, kind: str) -> Markup:
    rate = row.rate
    if rate is None:
        return svg.text(4, y, _short(row.name, 2 * _LETTERS), "tag strong")
    name = svg.text(_LABEL - 8, y, _short(row.name or "(empty)", _LETTERS), "name", "end")
    fraction = f"{rate.k}/{rate.n}" if rate.n else "none"
    count = svg.text(svg.WIDTH - 4, y, fraction, "name", "end")
    if not rate.n:
        return name + count
    low, high, middle = plot.x([rate.low, rate.high, rate.value])
    dot = Markup('<circle cx="{:.2f}" cy="{:.2f}" r="3.5" class="dot {}"/>')
    whisker = svg.segment((low, high), (y - 4, y - 4), f"whisker {kind}")
    return name + whisker + dot.format(middle, y - 4, kind) + count


def _short(name: str, most: int) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"

"""A chart of cost against size, drawn out of the figures that state one cost for several sizes.

A figure takes part where its line names sizes as ``n 1,000; 4,000`` and gives a cost for each, or
where lines that differ in ``n`` alone give one each. Both axes are logarithmic: a straight line
that rises one decade in one is linear.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.benchmarks.figures import Result

Points = list[tuple[float, float]]
Panels = Mapping[tuple[str, str], Mapping[str, Points]]

SIZES = re.compile(r",?\s+n\s+(\d[\d,]*(?:; (?:n )?\d[\d,]*)*)")
COST = re.compile(r"(\d[\d.,]*) (CPU ms|CPU s|MB)\b")
COLOURS = ("#1b6ca8", "#c4541a", "#2c7a4b", "#8a4fa3", "#a3791b", "#a32c4b", "#3b8f93", "#555555")
WIDTH, HEIGHT, GAP, LEFT, LINE = 420, 240, 60, 70, 15


def read_panels(results: Iterable[Result]) -> Panels:
    """Return, for each benchmark and unit, the cost of each thing measured at each size."""
    panels: dict[tuple[str, str], dict[str, Points]] = defaultdict(lambda: defaultdict(list))
    for result in results:
        for figure in result.figures:
            named = SIZES.search(figure.what)
            if not named:
                continue
            sizes = [float(one.replace(",", "")) for one in re.findall(r"\d[\d,]*", named[1])]
            name = " ".join(figure.what[: named.start()].split())
            for unit, costs in _costs(figure.value).items():
                if len(costs) == len(sizes):
                    panels[result.benchmark, unit][name] += [
                        (n, cost) for n, cost in zip(sizes, costs, strict=True) if n and cost
                    ]  # neither axis has a place for 0
    kept = {
        key: {name: one for name, one in found.items() if len(one) > 1}
        for key, found in panels.items()
    }
    return {key: found for key, found in kept.items() if found}


def _costs(value: str) -> Mapping[str, list[float]]:
    """Return the largest cost in each unit that each part of a value states.

    A unit named once, at the end, is that of every part: ``91; 163; 154 CPU ms``.
    """
    parts, last = value.split("; "), COST.search(value)
    if last and all(re.fullmatch(r"\d[\d.,]*", part) for part in parts[:-1]):
        parts = [f"{part} {last[2]}" for part in parts[:-1]] + parts[-1:]
    costs: dict[str, list[float]] = defaultdict(list)
    for part in parts:
        found: dict[str, float] = defaultdict(float)
        for number, unit in COST.findall(part):
            found[unit] = max(found[unit], float(number.replace(",", "")))
        for unit, number in found.items():
            costs[unit].append(number)
    return costs


def draw_chart(panels: Panels) -> str:
    """Return the chart as SVG, one panel under the other."""
    parts, top = [], 0
    for (benchmark, unit), found in panels.items():
        parts.append(_panel(benchmark, unit, found, top))
        top += HEIGHT + GAP + LINE * len(found)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH + LEFT + 20} {top}" '
        'font-family="sans-serif" font-size="11">\n'
        '<rect width="100%" height="100%" fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _panel(benchmark: str, unit: str, found: Mapping[str, Points], top: int) -> str:
    lines = [f'<text x="{LEFT}" y="{top + 22}" font-size="14">{benchmark}: {unit} against n</text>']
    points = [point for one in found.values() for point in one]
    across, up = (_decades([point[axis] for point in points]) for axis in (0, 1))

    def place(point: tuple[float, float]) -> tuple[float, float]:
        x, y = (
            (math.log10(value) - low) / (high - low)
            for value, (low, high) in zip(point, (across, up), strict=True)
        )
        return LEFT + x * WIDTH, top + 35 + (1 - y) * (HEIGHT - 40)

    for at in range(across[0], across[1] + 1):
        x = place((10.0**at, 10.0 ** up[0]))[0]
        lines.append(_rule(x, top + 35, x, top + HEIGHT - 5))
        lines.append(
            f'<text x="{x:.0f}" y="{top + HEIGHT + 10}" text-anchor="middle">{10**at:,}</text>'
        )
    for at in range(up[0], up[1] + 1):
        y = place((10.0 ** across[0], 10.0**at))[1]
        lines.append(_rule(LEFT, y, LEFT + WIDTH, y))
        lines.append(f'<text x="{LEFT - 6}" y="{y + 4:.0f}" text-anchor="end">{10.0**at:g}</text>')
    for number, (name, one) in enumerate(found.items()):
        colour = COLOURS[number % len(COLOURS)]
        placed = [place(point) for point in sorted(one)]
        track = " ".join(f"{x:.1f},{y:.1f}" for x, y in placed)
        lines.append(f'<polyline points="{track}" fill="none" stroke="{colour}" stroke-width="2"/>')
        lines += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in placed]
        y = top + HEIGHT + 30 + LINE * number
        shown = ", ".join(f"{cost:g}" for _, cost in sorted(one))
        lines.append(
            f'<text x="{LEFT}" y="{y}" fill="{colour}">{escape(name)}: {shown} {unit}</text>'
        )
    return "\n".join(lines)


def _decades(values: list[float]) -> tuple[int, int]:
    """Return the powers of ten around some numbers."""
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    return low, max(high, low + 1)


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#ddd"/>'

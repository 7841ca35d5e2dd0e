"""Inline SVG: a few marks on two scales. Colours come from the page's style sheet by class.

Everything here returns ``Markup`` and escapes what it is given, so that a hostile class name can
be drawn but not run.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import ArrayLike

from core.types import F64

WIDTH, HEIGHT = 420, 320
LEFT, RIGHT, TOP, BOTTOM = 60, 24, 14, 46


@dataclass(frozen=True)
class Scale:
    """From data to pixels; ``log`` spaces by factors."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, values: ArrayLike) -> F64:
        """Return values, clipped to the scale."""
        data = np.clip(np.asarray(values, np.float64), self.low, self.high)
        low, high = self.low, self.high
        if self.log:
            data, low, high = np.log(data), math.log(low), math.log(high)
        placed: F64 = self.start + (data - low) / (high - low) * (self.end - self.start)
        return placed

    def one(self, value: float) -> float:
        """Return one value."""
        return float(self(value))


@dataclass(frozen=True)
class Plot:
    """The rectangle that the data fill: a scale across and one upwards."""

    x: Scale
    y: Scale

    @classmethod
    def of(
        cls,
        x: tuple[float, float],
        y: tuple[float, float],
        *,
        log_x: bool = False,
        top: float = TOP,
        bottom: float = HEIGHT - BOTTOM,
        left: float = LEFT,
    ) -> Plot:
        """Return the usual rectangle for the given ranges."""
        return cls(Scale(*x, left, WIDTH - RIGHT, log_x), Scale(*y, bottom, top))


def figure(
    key: str, title: str, desc: str, marks: Sequence[Markup], height: float = HEIGHT
) -> Markup:
    """Return marks into a drawing that a screen reader can name.

    Args:
        key: Unique in the page.
        title: What it shows.
        desc: What there is to see, as a sentence.
        marks: From back to front.
        height: In pixels at full size; the width is always ``WIDTH``.
    """
    return Markup(
        '<svg role="img" viewBox="0 0 {w} {h:.0f}" aria-labelledby="{k}-t {k}-d">'
        '<title id="{k}-t">{title}</title><desc id="{k}-d">{desc}</desc>{marks}</svg>'
    ).format(w=WIDTH, h=height, k=key, title=title, desc=desc, marks=Markup("").join(marks))


def text(x: float, y: float, label: str, kind: str = "", anchor: str = "start") -> Markup:
    """Return text; ``anchor`` is start, middle or end."""
    return Markup('<text x="{:.2f}" y="{:.2f}" class="{}" text-anchor="{}">{}</text>').format(
        x, y, kind, anchor, label
    )


def segment(x: tuple[float, float], y: tuple[float, float], kind: str) -> Markup:
    """Return one line between two places given in pixels."""
    return Markup('<line x1="{:.2f}" x2="{:.2f}" y1="{:.2f}" y2="{:.2f}" class="{}"/>').format(
        *x, *y, kind
    )


def rect(x: tuple[float, float], y: tuple[float, float], kind: str) -> Markup:
    """Return a rectangle given by two corners in pixels."""
    return Markup('<rect x="{:.2f}" y="{:.2f}" width="{:.2f}" height="{:.2f}" class="{}"/>').format(
        min(x), min(y), abs(x[1] - x[0]), abs(y[1] - y[0]), kind
    )


def line(plot: Plot, x: ArrayLike, y: ArrayLike, kind: str) -> Markup:
    """Return points by straight lines."""
    return Markup('<polyline points="{}" class="line {}"/>').format(_points(plot, x, y), kind)


def band(plot: Plot, x: ArrayLike, low: ArrayLike, high: ArrayLike, kind: str) -> Markup:
    """Return what lies between two curves over the same x."""
    there, back = np.asarray(x, np.float64), np.asarray(x, np.float64)[::-1]
    edge = np.concatenate([np.asarray(low, np.float64), np.asarray(high, np.float64)[::-1]])
    return Markup('<polygon points="{}" class="band {}"/>').format(
        _points(plot, np.concatenate([there, back]), edge), kind
    )


def dots(plot: Plot, x: ArrayLike, y: ArrayLike, kind: str, size: float = 3.5) -> Markup:
    """Return points."""
    pairs = zip(plot.x(x).ravel(), plot.y(y).ravel(), strict=True)
    one = Markup('<circle cx="{:.2f}" cy="{:.2f}" r="{}" class="dot {}"/>')
    return Markup("").join(one.format(px, py, size, kind) for px, py in pairs)


def whiskers(plot: Plot, x: ArrayLike, low: ArrayLike, high: ArrayLike, kind: str) -> Markup:
    """Return upright intervals."""
    places = zip(plot.x(x).ravel(), plot.y(low).ravel(), plot.y(high).ravel(), strict=True)
    return Markup("").join(segment((px, px), (a, b), f"whisker {kind}") for px, a, b in places)


def bars(plot: Plot, edges: ArrayLike, heights: ArrayLike, kind: str) -> Markup:
    """Return a histogram: ``m + 1`` edges, ``m`` heights from zero."""
    sides = plot.x(edges)
    tops, floor = plot.y(heights), plot.y.one(0.0)
    return Markup("").join(
        rect((sides[i] + 0.5, sides[i + 1] - 0.5), (tops[i], floor), f"bar {kind}")
        for i in range(len(tops))
        if tops[i] < floor
    )


def upright(plot: Plot, x: float, kind: str, label: str = "", *, left: bool = False) -> Markup:
    """Return a line across the whole height at ``x``, with a label beside its top."""
    place = plot.x.one(x)
    drawn = segment((place, place), (plot.y.start, plot.y.end), f"rule {kind}")
    side = (place - 4, "end") if left else (place + 4, "start")
    return drawn + text(side[0], plot.y.end + 11, label, f"tag {kind}", side[1])


def level(plot: Plot, y: float, kind: str, label: str = "") -> Markup:
    """Return a line across the whole width at ``y``, with a label above its right end."""
    place = plot.y.one(y)
    drawn = segment((plot.x.start, plot.x.end), (place, place), f"rule {kind}")
    return drawn + text(plot.x.end - 3, place - 4, label, f"tag {kind}", "end")


def axes(
    plot: Plot,
    labels: tuple[str, str],
    ticks: tuple[Sequence[tuple[float, str]], Sequence[tuple[float, str]]],
) -> Markup:
    """Return grid, tick labels and the two axis labels."""
    marks = []
    left, right, floor, ceiling = plot.x.start, plot.x.end, plot.y.start, plot.y.end
    for value, label in ticks[1]:
        place = plot.y.one(value)
        marks.append(segment((left, right), (place, place), "grid"))
        marks.append(text(left - 6, place + 4, label, "tick", "end"))
    for value, label in ticks[0]:
        place = plot.x.one(value)
        marks.append(segment((place, place), (floor, floor + 4), "grid"))
        marks.append(text(place, floor + 17, label, "tick", "middle"))
    marks.append(segment((left, right), (floor, floor), "axis"))
    marks.append(text((left + right) / 2, floor + 36, labels[0], "label", "middle"))
    marks.append(_sideways(12, (floor + ceiling) / 2, labels[1]))
    return Markup("").join(marks)


def even_ticks(low: float, high: float, most: int = 6) -> F64:
    """Return round values, at most about ``most``, inside a range."""
    raw = (high - low) / max(most - 1, 1)
    unit = 10.0 ** math.floor(math.log10(raw))
    step = next(s * unit for s in (1.0, 2.0, 2.5, 5.0, 10.0) if s * unit >= raw * (1 - 1e-9))
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return np.arange(first, last + 1, dtype=np.float64) * step


def percents(low: float, high: float, most: int = 6) -> list[tuple[float, str]]:
    """Return ticks of a share as percentages."""
    return [(float(v), f"{100 * v:.10g} %") for v in np.round(even_ticks(low, high, most), 12)]


def numbers(low: float, high: float, most: int = 6) -> list[tuple[float, str]]:
    """Return ticks as plain numbers."""
    return [(float(v), f"{v:.10g}") for v in np.round(even_ticks(low, high, most), 12)]


def _points(plot: Plot, x: ArrayLike, y: ArrayLike) -> str:
    pairs = zip(plot.x(x).ravel(), plot.y(y).ravel(), strict=True)
    return " ".join(f"{px:.2f},{py:.2f}" for px, py in pairs)


def _sideways(x: float, y: float, label: str) -> Markup:
    return Markup(
        '<text transform="translate({:.2f} {:.2f}) rotate(-90)" class="label" '
        'text-anchor="middle">{}</text>'
    ).format(x, y, label)

"""The board's two control charts, drawn."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from core.types import F64
from dashboard.styles import DEFER, NEGATIVE, POSITIVE
from domains.parts.station.board.charts import ChartView

HEIGHT = 210
_POINTS = "#7d8ba3"


def share_figure(view: ChartView) -> go.Figure:
    """Return the p-chart: the share rejected in each sample, in per cent."""
    return _figure(view, "rejected, %", 100.0, ".3g")


def score_figure(view: ChartView) -> go.Figure:
    """Return the EWMA chart: the samples' mean log-odds, and their moving average."""
    figure = _figure(view, "score, log-odds", 1.0, ".2f")
    figure.add_scatter(
        x=view.numbers,
        y=view.values,
        mode="markers",
        marker={"color": _POINTS, "size": 5},
        hovertemplate="sample up to part %{x}: %{y:.2f}<extra></extra>",
    )
    return figure


def _figure(view: ChartView, title: str, factor: float, spec: str) -> go.Figure:
    figure = go.Figure()
    for limit in (view.low, view.high):
        figure.add_scatter(
            x=view.numbers,
            y=factor * limit,
            mode="lines",
            line={"color": DEFER, "width": 1.5, "dash": "dash", "shape": "hvh"},
            hoverinfo="skip",
        )
    figure.add_hline(y=factor * view.centre, line={"color": DEFER, "width": 1})
    figure.add_scatter(
        x=view.numbers,
        y=factor * view.line,
        mode="lines+markers",
        line={"color": NEGATIVE, "width": 2},
        marker={"size": 5},
        hovertemplate=f"up to part %{{x}}: %{{y:{spec}}}<extra></extra>",
    )
    _add_marks(figure, view, factor)
    figure.update_layout(
        height=HEIGHT,
        margin={"l": 8, "r": 8, "t": 8, "b": 8},
        showlegend=False,
        uirevision="kept",
        xaxis={"title": None, "nticks": 6},
        yaxis={"title": title},
    )
    return figure


def _add_marks(figure: go.Figure, view: ChartView, factor: float) -> None:
    """Ring what is marked, and write the rules' numbers beside it.

    A rule marks a sample, the chart's own limit the line that is held against it. Drawn also where
    nothing is marked: a chart with as many traces as before is changed in place.
    """
    texts: dict[int, list[str]] = {}
    for mark in view.marks:
        texts.setdefault(mark.place, []).append(str(mark.rule) if mark.rule else "limit")
    places = np.array(list(texts), np.intp)
    of_line = np.array(["limit" in one for one in texts.values()], np.bool_)
    heights: F64 = factor * np.where(of_line, view.line[places], view.values[places])
    figure.add_scatter(
        x=view.numbers[places],
        y=heights,
        mode="markers+text",
        text=[",".join(one) for one in texts.values()],
        textposition="top center",
        textfont={"size": 11},
        marker={"color": POSITIVE, "size": 12, "symbol": "circle-open", "line": {"width": 2}},
        hovertemplate="rule %{text} at part %{x}<extra></extra>",
    )

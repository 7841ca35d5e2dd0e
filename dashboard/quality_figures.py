"""Figures of how good the verdicts are; they work offline, in light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from math import isnan

import numpy as np
import plotly.graph_objects as go

from core.decision.rate import Rate
from core.decision.subgroups import EstimatedRate
from core.report.curves import Curve
from core.report.reliability import Reliability
from dashboard.styles import DEFER, NEGATIVE, POSITIVE

ACCENT = "#2f6fdb"
CONFIG = {"displayModeBar": False, "scrollZoom": False}
_GREY = "rgba(102,117,143,.28)"


def draw_reliability(found: Reliability, outcome: str) -> go.Figure:
    """Return observed frequency against stated probability, with a perfect predictor's band."""
    figure = go.Figure()
    figure.add_scatter(
        x=[*found.stated, *found.stated[::-1]],
        y=[*found.high, *found.low[::-1]],
        fill="toself",
        fillcolor=_GREY,
        line={"width": 0},
        hoverinfo="skip",
        name="a perfect predictor, 95 %",
    )
    figure.add_scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": DEFER, "width": 1, "dash": "dot"},
        hoverinfo="skip", showlegend=False,
    )  # fmt: skip
    figure.add_scatter(
        x=found.stated,
        y=found.observed,
        mode="markers",
        marker={"color": ACCENT, "size": 8 + 6 * np.sqrt(found.count / found.count.max())},
        customdata=found.count,
        hovertemplate="stated %{x:.1%}, observed %{y:.1%}, %{customdata} cases<extra></extra>",
        name="observed",
    )
    share = {"range": [-0.03, 1.03], "tickformat": ".0%"}
    return _layout(
        figure,
        xaxis={"title": f"stated probability of {outcome}", **share},
        yaxis={"title": "how often it was true", **share},
    )


def draw_risk(curve: Curve, policy: tuple[float, Rate | EstimatedRate] | None) -> go.Figure:
    """Return risk against coverage with its interval, and where the policy in force stands.

    Args:
        curve: Share decided wrongly by share decided.
        policy: Share that the policy decides, and how much of it is wrong.
    """
    figure = go.Figure()
    figure.add_scatter(
        x=[*curve.x, *curve.x[::-1]], y=[*curve.high, *curve.low[::-1]], fill="toself",
        fillcolor="rgba(47,111,219,.2)", line={"width": 0}, hoverinfo="skip",
        name="95 % interval",
    )  # fmt: skip
    figure.add_scatter(
        x=curve.x, y=curve.y, mode="lines", line={"color": ACCENT, "width": 2},
        hovertemplate="%{x:.1%} decided, %{y:.2%} of them wrongly<extra></extra>",
        name="the most certain first",
    )  # fmt: skip
    if policy is not None and policy[1].n:
        share, rate = policy
        figure.add_scatter(
            x=[share], y=[rate.value], mode="markers",
            marker={"color": POSITIVE, "size": 11, "symbol": "diamond"},
            error_y={
                "array": [rate.high - rate.value], "arrayminus": [rate.value - rate.low],
                "symmetric": False,
            },
            hovertemplate=f"%{{x:.1%}} decided, {rate.describe()}<extra></extra>",
            name="the policy in force",
        )  # fmt: skip
    top = float(min(1.0, max(0.05, 1.4 * curve.y.max(), policy[1].high if policy else 0.0)))
    return _layout(
        figure,
        xaxis={
            "title": "share of cases decided without a person",
            "range": [0, 1.02],
            "tickformat": ".0%",
        },
        yaxis={"title": "share of those decided wrongly", "range": [0, top], "tickformat": ".1%"},
    )


def draw_rates(
    rows: Sequence[tuple[str, Rate | EstimatedRate]], title: str, target: float | None
) -> go.Figure:
    """Return rates below each other, each with its interval.

    Args:
        rows: Name and rate, from top to bottom.
        title: What the rates are of.
        target: The rate asked for; None for none.
    """
    shown = [(name, rate) for name, rate in rows if not isnan(rate.value)]
    figure = go.Figure()
    figure.add_scatter(
        x=[rate.value for _, rate in shown],
        y=[escape(name) for name, _ in shown],  # plotly takes tags in text for markup
        mode="markers",
        marker={"color": ACCENT, "size": 9},
        error_x={
            "array": [rate.high - rate.value for _, rate in shown],
            "arrayminus": [rate.value - rate.low for _, rate in shown],
            "symmetric": False,
        },
        customdata=[rate.describe() for _, rate in shown],
        hovertemplate="%{y}: %{customdata}<extra></extra>",
        showlegend=False,
    )
    if target is not None:
        figure.add_vline(x=target, line={"color": POSITIVE, "width": 2, "dash": "dash"})
    reach = max([target or 0.0, *(rate.high for _, rate in shown)])
    figure = _layout(
        figure,
        xaxis={"title": title, "range": [0, min(1.02, 1.1 * reach)], "tickformat": ".1%"},
        yaxis={"autorange": "reversed", "automargin": True, "type": "category"},
    )
    return figure.update_layout(height=max(140, 90 + 34 * len(shown)))


def draw_over_time(
    days: Sequence[str], series: Sequence[tuple[str, Sequence[int], str]], axis: str
) -> go.Figure:
    """Return counts over time, stacked.

    Args:
        days: First day of each bar.
        series: Name, count a bar, and colour.
        axis: What is counted.
    """
    figure = go.Figure()
    for name, counts, colour in series:
        figure.add_bar(
            x=list(days), y=list(counts), name=name, marker_color=colour,
            hovertemplate=f"{name}: %{{y:,}}, %{{x}}<extra></extra>",
        )  # fmt: skip
    figure = _layout(
        figure,
        xaxis={"type": "date" if len(days) > 2 else "category"},
        yaxis={"title": axis, "rangemode": "tozero"},
    )
    return figure.update_layout(barmode="stack", height=280)


def draw_rates_over_time(
    days: Sequence[str], series: Sequence[tuple[str, Sequence[Rate], str, str]]
) -> go.Figure:
    """Return rates over time with their intervals.

    Args:
        days: First day of each stretch.
        series: Name, rate a stretch, colour and plotly symbol.
    """
    figure = go.Figure()
    for name, rates, colour, symbol in series:
        shown = [(day, rate) for day, rate in zip(days, rates, strict=True) if rate.n]
        figure.add_scatter(
            x=[day for day, _ in shown],
            y=[rate.value for _, rate in shown],
            mode="lines+markers",
            name=name,
            marker={"color": colour, "size": 8, "symbol": symbol},
            line={"color": colour, "width": 1.5},
            error_y={
                "array": [rate.high - rate.value for _, rate in shown],
                "arrayminus": [rate.value - rate.low for _, rate in shown],
                "symmetric": False,
                "thickness": 1,
            },
            customdata=[f"{rate.describe()}" for _, rate in shown],
            hovertemplate=f"{name}, %{{x}}: %{{customdata}}<extra></extra>",
        )
    figure = _layout(
        figure,
        xaxis={"type": "date" if len(days) > 2 else "category"},
        yaxis={"tickformat": ".0%", "rangemode": "tozero", "title": "share of cases"},
    )
    # Named also where one of them alone has been measured.
    return figure.update_layout(height=280, showlegend=True)


def _layout(figure: go.Figure, *, xaxis: dict[str, object], yaxis: dict[str, object]) -> go.Figure:
    return figure.update_layout(
        height=330,
        margin={"l": 10, "r": 10, "t": 30, "b": 10},
        legend={"orientation": "h", "y": 1.02, "x": 0.0, "yanchor": "bottom"},
        xaxis=xaxis,
        yaxis=yaxis,
    )


VERDICT_COLOURS = (NEGATIVE, DEFER, POSITIVE)

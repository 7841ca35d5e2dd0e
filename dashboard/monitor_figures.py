"""Figures of the page Monitor."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.decision.label_sets import COVERAGE
from core.decision.martingales import log_alarm
from core.decision.monitoring import coverage_over_time
from core.service.monitoring.signals import DELTAS
from dashboard.present import monitor
from dashboard.styles import DEFER, NEGATIVE, POSITIVE

_DASHES = ("solid", "dot", "dash")
_COLOURS = (POSITIVE, NEGATIVE, DEFER)
_MOST_LOG10 = 300.0


def escape_rate(points: Sequence[Mapping[str, Any]], alpha: float | None) -> go.Figure:
    """Return the live escape rate over time with its interval and the certified rate, if known."""
    low, high, rate = monitor.series_of(points, {"low": "low", "high": "high", "rate": "rate"})
    figure = go.Figure()
    figure.add_scatter(
        x=high.times, y=high.values, mode="lines", line={"width": 0}, showlegend=False,
        hoverinfo="skip",
    )  # fmt: skip
    figure.add_scatter(
        x=low.times, y=low.values, mode="lines", line={"width": 0}, fill="tonexty",
        fillcolor=f"rgba{(*_rgb(DEFER), 0.25)}", name="95 % interval", hoverinfo="skip",
    )  # fmt: skip
    figure.add_scatter(
        x=rate.times, y=rate.values, mode="lines+markers", name="live escape rate",
        line={"color": POSITIVE, "width": 2},
    )  # fmt: skip
    if alpha is not None:
        figure.add_hline(
            y=alpha, line={"dash": "dash", "color": NEGATIVE},
            annotation_text="certified at most", annotation_position="top left",
        )  # fmt: skip
    return _laid_out(figure, {"tickformat": ".0%", "range": [0.0, 1.0], "title": "escape rate"})


def martingales(points: Sequence[Mapping[str, Any]]) -> go.Figure:
    """Return the wealth of the bets over time on a log axis, with the lines at which they alarm."""
    names = {
        "escapes": "audited escapes",
        "ood": "unlike the certificate",
        "drift": "drift, the largest",
    }
    figure = go.Figure()
    shown = monitor.series_of(points, names)
    for line, dash, colour in zip(shown, _DASHES, _COLOURS, strict=True):
        values = [
            10.0 ** min((value or 0.0) / math.log(10.0), _MOST_LOG10) for value in line.values
        ]
        figure.add_scatter(
            x=line.times, y=values, mode="lines+markers", name=line.name,
            line={"color": colour, "dash": dash, "width": 2},
        )  # fmt: skip
    alarm = log_alarm(DELTAS["escapes"])
    figure.add_hline(y=math.exp(alarm), line={"dash": "dash", "color": POSITIVE})
    figure.add_annotation(
        # Of an annotation alone plotly takes the exponent where the axis is a log axis.
        y=alarm / math.log(10.0), x=0, xref="x domain", xanchor="left", yanchor="bottom",
        text="alarm of escapes and unlike pictures", showarrow=False,
    )  # fmt: skip
    return _laid_out(
        figure,
        {
            "type": "log",
            "dtick": 1,
            "exponentformat": "power",
            "title": "evidence of a change, log scale",
        },
    )


def coverage(covered: Sequence[bool]) -> go.Figure:
    """Return the share of label sets with the true label, in blocks of pictures, over time."""
    blocks = coverage_over_time(covered)
    ends = np.cumsum([one.n for one in blocks]).tolist()
    values = [one.value for one in blocks]
    figure = go.Figure()
    figure.add_scatter(
        x=ends, y=values, mode="lines+markers", name="label set holds the label",
        line={"color": NEGATIVE, "width": 2},
        error_y={
            "type": "data",
            "array": [one.high - one.value for one in blocks],
            "arrayminus": [one.value - one.low for one in blocks],
        },
    )  # fmt: skip
    figure.add_hline(y=COVERAGE, line={"dash": "dash", "color": DEFER})
    figure.update_xaxes(title="pictures whose label a person named")
    return _laid_out(figure, {"tickformat": ".0%", "range": [0.0, 1.02], "title": "coverage"})


def _laid_out(figure: go.Figure, yaxis: Mapping[str, Any]) -> go.Figure:
    figure.update_layout(
        height=300,
        margin={"l": 10, "r": 10, "t": 24, "b": 10},
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 1.0, "xanchor": "right"},
        yaxis=dict(yaxis),
    )
    return figure


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)

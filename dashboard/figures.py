"""Figures drawn from what was counted."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go

from core.types import Disposition, Policy
from dashboard.present import VerdictCounts, format_probability, verdict_mark
from dashboard.styles import DEFER, NEGATIVE, POSITIVE

_COLOURS = {
    Disposition.NEGATIVE: NEGATIVE,
    Disposition.DEFER: DEFER,
    Disposition.POSITIVE: POSITIVE,
}


def probabilities(
    counted: VerdictCounts, wording: Mapping[Disposition, str], policy: Policy | None
) -> go.Figure:
    """Return a histogram of the positive probabilities, with the limits marked."""
    figure = go.Figure()
    for disposition, colour in _COLOURS.items():
        counts = counted.bins[disposition]
        width = 1.0 / counts.size
        figure.add_bar(
            x=(np.arange(counts.size) + 0.5) * width,
            y=counts,
            width=width,
            name=str(verdict_mark(disposition, wording[disposition])),
            marker_color=colour,
            hovertemplate=f"{wording[disposition]}: %{{y}} at about %{{x:.2f}}<extra></extra>",
        )
    limits = (
        {}
        if policy is None
        else {
            Disposition.NEGATIVE: policy.t_neg,
            Disposition.POSITIVE: policy.t_pos,
        }
    )
    for disposition, limit in limits.items():
        if limit is not None:
            side = "up to" if disposition is Disposition.NEGATIVE else "from"
            figure.add_vline(
                x=limit,
                line={"color": _COLOURS[disposition], "width": 2, "dash": "dash"},
                annotation_text=f"{wording[disposition]} {side} {format_probability(limit)}",
                annotation_position="top right",
            )
    figure.update_layout(
        barmode="stack",
        bargap=0.0,
        height=330,
        margin={"l": 10, "r": 10, "t": 24, "b": 10},
        legend={"orientation": "h", "y": 1.16, "x": 1.0, "xanchor": "right"},
        xaxis={
            "title": f"calibrated probability of {wording[Disposition.POSITIVE]}",
            "range": [0.0, 1.0],
        },
        yaxis={"title": "images", "rangemode": "tozero"},
    )
    return figure

"""What more data would improve: the model by more training, the certified rate by more cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy  # special functions take a tenth of a second: loaded by their first use
from markupsafe import Markup

from core.report import svg
from core.types import F64, Certificate


@dataclass(frozen=True)
class Step:
    """The head refitted on a share of the training pictures, axis ``r`` of repeats.

    Attributes:
        pictures: Mean number of pictures that it was fitted on.
        auroc: float64 ``r``, on pictures held out by group.
        nll: float64 ``r``, calibrated on other held-out pictures.
    """

    pictures: int
    auroc: F64
    nll: F64


def draw_learning(key: str, steps: Sequence[Step], figure: str) -> Markup:
    """Return one figure, ``auroc`` or ``nll``, against the number of training pictures."""
    n = np.array([step.pictures for step in steps], np.float64)
    values = np.array([getattr(step, figure) for step in steps])
    word = {"auroc": "AUROC", "nll": "NLL"}[figure]
    room = max(float(np.ptp(values)) * 0.15, 0.005)
    low, high = float(values.min()) - room, float(values.max()) + room
    high = min(high, 1.0) if figure == "auroc" else high
    plot = svg.Plot.of((n.min() / 1.15, n.max() * 1.15), (max(low, 0.0), high), log_x=True)
    marks = [
        svg.axes(
            plot,
            ("training pictures (log scale)", f"{word} on held-out pictures"),
            ([(v, f"{v:.0f}") for v in n], svg.numbers(max(low, 0.0), high)),
        ),
        svg.line(plot, n, values.mean(axis=1), "accent"),
        *(svg.dots(plot, n, column, "faint", 3) for column in values.T),
        svg.dots(plot, n, values.mean(axis=1), "accent", 4.5),
    ]
    first, last = values.mean(axis=1)[[0, -1]]
    desc = f"{word} goes from {first:.3f} at {n[0]:.0f} pictures to {last:.3f} at {n[-1]:.0f}."
    return svg.figure(key, f"Learning curve: {word}", desc, marks)


def certified_rate(certificate: Certificate, groups: F64, errors: float) -> F64:
    """Return the rate that other numbers of groups would certify (one-sided Clopper-Pearson).

    Args:
        certificate: Of today; ``n`` at least 1.
        groups: float64 ``m``, above 0.
        errors: How frequent errors would be; 1.0 for as frequent as today, 0.0 for none. Their
            expected number need not be whole.
    """
    k = errors * certificate.k * groups / certificate.n
    bound: F64 = scipy.special.betaincinv(
        k + 1.0, np.maximum(groups - k, 1e-9), certificate.confidence
    )
    return bound


def draw_certified(key: str, certificate: Certificate, word: str, unit: str, kind: str) -> Markup:
    """Return which rate could be certified against the number of cal groups."""
    c = certificate
    most = max(32 * c.n, 600)
    groups = np.geomspace(max(c.n / 8, 5.0), most, 60)
    same, none = (certified_rate(c, groups, errors) for errors in (1.0, 0.0))
    ceiling = min(1.0, max(2.2 * c.alpha, 1.15 * c.bound))
    plot = svg.Plot.of((groups[0], groups[-1]), (0.0, ceiling), log_x=True)
    ticks = [v for p in range(1, 7) for v in (10**p, 3 * 10**p) if groups[0] <= v <= groups[-1]]
    marks = [
        svg.axes(
            plot,
            (f"{unit} held out to certify (log scale)", f"bound on {word}"),
            ([(float(v), f"{v:,}") for v in ticks], svg.percents(0, ceiling)),
        ),
        svg.level(plot, c.alpha, "ink", f"asked: {100 * c.alpha:g} %"),
        _inside(plot, groups, none, f"{kind} dashed") if c.k else Markup(""),
        _inside(plot, groups, same, kind),
        svg.dots(plot, [c.n], [c.bound], "ink", 5),
        svg.text(plot.x.one(c.n) + 8, plot.y.one(c.bound) - 7, "today", "tag"),
    ]
    return svg.figure(
        key,
        f"Certified {word} against cases",
        f"Today {c.n} {unit} bound the rate at {100 * c.bound:.2f} %; {most:,} would bound it at "
        f"{100 * same[-1]:.2f} % with errors as frequent as today.",
        marks,
    )


def _inside(plot: svg.Plot, x: F64, y: F64, kind: str) -> Markup:
    """Return the part of a curve that the plot holds."""
    keep = y <= plot.y.high
    return svg.line(plot, x[keep], y[keep], kind)

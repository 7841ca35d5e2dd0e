"""Figures as words, the same way everywhere on the page."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from core.decision import certificate

NONE = "–"
_GLUED = "\u00a0%"


def number(value: float, digits: int = 3) -> str:
    """Write a plain figure."""
    return NONE if math.isnan(value) else f"{value:.{digits}f}"


def share(value: float) -> str:
    """Write a share to a tenth of a percent, rounded to nearest."""
    return NONE if math.isnan(value) else f"{100 * value:.1f}{_GLUED}"


def between(interval: tuple[float, float]) -> str:
    """Write the interval of a share."""
    return f"{share(interval[0])} to {share(interval[1])}"


def percent(rate: float) -> str:
    """Write an error rate, never rounded in our favour."""
    return certificate.percent(rate).replace(" %", _GLUED)


def confidence(value: float) -> str:
    """Write a confidence as it was asked for."""
    return f"{100 * value:.6g}{_GLUED}"


def rate(figures: Mapping[str, Any]) -> str:
    """Write an error rate with its count and interval."""
    left_out = figures.get("excluded", 0)
    aside = f"; {left_out:,} held back by the gates" if left_out else ""
    if not figures["n"]:
        return f"none seen{aside}"
    ends = _ends(figures)
    return (
        f"{percent(figures['rate'])} ({figures['k']:,} of {figures['n']:,}; "
        f"95{_GLUED} interval {ends}{aside})"
    )


def short_rate(figures: Mapping[str, Any]) -> str:
    """Write an error rate with its interval, for a table of many."""
    if not figures["n"]:
        return NONE
    return f"{percent(figures['rate'])} ({_ends(figures)})".replace(" ", "\u00a0")


def counted(count: int, noun: str) -> str:
    """Write a count with its noun."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def _ends(figures: Mapping[str, Any]) -> str:
    return f"{100 * figures['low']:.3g} to {percent(figures['high'])}"

"""Figures as text, the same way everywhere on the page."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from core.decision import certificate_text
from core.decision.rate import NONE, Rate, describe_interval, describe_share, percentage

_GLUED = "\u00a0%"


def number(value: float, digits: int = 3) -> str:
    """Return a plain figure."""
    return NONE if math.isnan(value) else f"{value:.{digits}f}"


def share(value: float) -> str:
    """Return a share to a tenth of a percent, rounded to nearest."""
    return NONE if math.isnan(value) else f"{100 * value:.1f}{_GLUED}"


def interval(ends: tuple[float, float]) -> str:
    """Return the interval of a share."""
    return _glued(describe_interval(*ends))


def share_with_interval(value: float, ends: tuple[float, float]) -> str:
    """Return a share with its interval."""
    return _glued(describe_share(value, ends))


def percent(rate: float) -> str:
    """Return an error rate, never rounded in our favour."""
    return _glued(certificate_text.percent(rate))


def confidence(value: float) -> str:
    """Return a confidence as it was asked for."""
    return f"{100 * value:.6g}{_GLUED}"


def rate(figures: Mapping[str, Any]) -> str:
    """Return a rate with its count and interval."""
    return _glued(Rate.from_json(figures).describe(figures.get("excluded", 0)))


def rate_alone(figures: Mapping[str, Any]) -> str:
    """Return a rate without its interval, which stands beside it."""
    return _glued(percentage(figures["rate"])) if figures["n"] else "none seen"


def short_rate(figures: Mapping[str, Any]) -> str:
    """Return a rate with its interval, for a table of many."""
    return Rate.from_json(figures).describe_briefly().replace(" ", "\u00a0")


def format_count(count: int, noun: str) -> str:
    """Return a count with its noun."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def _glued(text: str) -> str:
    """Return a number whose sign stays with it where a line is broken."""
    return text.replace(" %", _GLUED)

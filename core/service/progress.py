"""How a use case tells how far it is, without knowing who looks."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called as work goes on."""

    def __call__(self, step: str, done: int, total: int) -> None:
        """Report that ``done`` of ``total`` units of ``step`` are behind us."""


def silent(step: str, done: int, total: int) -> None:
    """Tell nobody."""
    del step, done, total

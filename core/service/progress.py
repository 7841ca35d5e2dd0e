"""Progress callbacks of the use cases."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called as work goes on."""

    def __call__(self, step: str, done: int, total: int) -> None:
        """Report that ``done`` of ``total`` units of ``step`` are finished."""


def silent(step: str, done: int, total: int) -> None:
    """Report nothing."""
    del step, done, total

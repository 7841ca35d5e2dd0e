"""All outputs of a station as one: what fails in one of them touches no other, nor the loop."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from domains.parts.station.blocks import name_values
from domains.parts.station.part import InspectedPart
from domains.parts.station.ports import StationOutput, Words

SHOW_S = 0.1

log = logging.getLogger(__name__)


class OutputGroup:
    """Shows the block at every change and at least every 100 ms, and sends results.

    Args:
        outputs: Opened ones.
    """

    def __init__(self, outputs: Sequence[StationOutput]) -> None:
        self._outputs = outputs
        self._words: Words = ()
        self._shown_at = float("-inf")

    def show(self, words: Words, at: float) -> None:
        """Show the block where it has changed, or was not shown for a while.

        Args:
            words: I0 to I23.
            at: Seconds of the monotonic clock.
        """
        if words == self._words and at - self._shown_at < SHOW_S:
            return
        self._words, self._shown_at = words, at
        status = name_values(words)
        for output in self._outputs:
            _guarded(lambda output=output: output.show(words, status))  # type: ignore[misc]

    def send(self, part: InspectedPart) -> None:
        """Send a result that the block shows already."""
        for output in self._outputs:
            _guarded(lambda output=output: output.send(part, self._words))  # type: ignore[misc]


def _guarded(call: Callable[[], object]) -> None:
    try:
        call()
    except Exception:
        log.exception("an output failed")

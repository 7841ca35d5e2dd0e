"""All outputs of a station as one: what fails in one of them touches no other, nor the loop."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from domains.parts.station.part import InspectedPart
from domains.parts.station.plc.blocks import name_values
from domains.parts.station.ports import OutboxOutput, StationOutput, Words

SHOW_S = 0.1
_LONGEST, _MOST_PROBLEMS = 300, 16

Confirmed = Callable[[str, Iterable[str]], None]
Sent = Callable[[str, InspectedPart], None]
OnProblems = Callable[[Sequence[str]], None]

log = logging.getLogger(__name__)


class OutputGroup:
    """Shows the block at every change and at least every 100 ms, and sends results.

    Args:
        outputs: Opened ones.
        confirmed: Called with the output and which messages have arrived.
        sent: Called with the output by which a part has arrived at once.
        leaving: Called with a part before any output has it.
        on_problems: Called with what the station has lost whenever that changes.
    """

    def __init__(
        self,
        outputs: Sequence[StationOutput],
        confirmed: Confirmed | None = None,
        sent: Sent | None = None,
        leaving: Callable[[InspectedPart], None] | None = None,
        on_problems: OnProblems = lambda _: None,
    ) -> None:
        self._outputs, self._confirmed, self._sent = outputs, confirmed, sent
        self._leaving, self._on_problems = leaving, on_problems
        self._problems: tuple[str, ...] = ()
        self._words: Words = ()
        self._shown_at = float("-inf")

    def show(self, words: Words, at: float, problems: Sequence[str] = ()) -> None:
        """Show the block where it has changed, or was not shown for a while.

        Args:
            words: I0 to I23.
            at: Seconds of the monotonic clock.
            problems: What the station has lost; what keeps outputs from sending is added.
        """
        lost = self._all_problems(problems)
        is_same = (words, lost) == (self._words, self._problems)
        if is_same and at - self._shown_at < SHOW_S:
            return
        if lost != self._problems:
            _guarded(partial(self._on_problems, lost))
        self._words, self._shown_at, self._problems = words, at, lost
        status = {**name_values(words), "Problems": lost}
        for output in self._outputs:
            _guarded(partial(output.show, words, status))
            if self._confirmed is not None and isinstance(output, OutboxOutput):
                _guarded(partial(self._note_confirmed, self._confirmed, output))

    def _all_problems(self, problems: Sequence[str]) -> tuple[str, ...]:
        sending = (one.problem for one in self._outputs if isinstance(one, OutboxOutput))
        found = [one[:_LONGEST] for one in (*problems, *sending) if one]
        return tuple(found[:_MOST_PROBLEMS])

    def announce(self, part: InspectedPart) -> None:
        """Note what leaves for a part, before anything shows it."""
        if self._leaving is not None:
            _guarded(partial(self._leaving, part))

    def send(self, part: InspectedPart) -> None:
        """Send a result that the block shows already."""
        for output in self._outputs:
            _guarded(partial(self._send, output, part))

    def _send(self, output: StationOutput, part: InspectedPart) -> None:
        has_it = output.send(part, self._words)
        if has_it and self._sent is not None and isinstance(output, OutboxOutput):
            self._sent(output.name, part)

    @staticmethod
    def _note_confirmed(confirmed: Confirmed, output: OutboxOutput) -> None:
        confirmed(output.name, output.confirmed())


def _guarded(call: Callable[[], object]) -> None:
    try:
        call()
    except Exception:
        log.exception("an output failed")

"""Runs the challenge beside the line's loop: who asked for it, and who learns of its end."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from core.errors import StoreError
from core.records.connection import Store
from core.records.values import now
from domains.parts.station.challenge.challenge import ChallengeState
from domains.parts.station.challenge.interlock import Interlock, interlock_of, record_challenge
from domains.parts.station.judging.inspection import Inspection
from domains.parts.station.judging.inspector import Inspector
from domains.parts.station.part import InspectedPart

log = logging.getLogger(__name__)

Answer = Callable[[bool, str], None]
InterlockOf = Callable[[Inspection], Interlock | None]
EndOfChallenge = Callable[[ChallengeState, Interlock], None]


class ChallengeRunner:
    """Belongs to the thread of the loop.

    Args:
        interlock_of: Returns the challenge of a recipe; None where the recipe has none.
        ended: Called at the end of a challenge.
    """

    def __init__(self, interlock_of: InterlockOf, ended: EndOfChallenge) -> None:
        self._interlock_of, self._ended = interlock_of, ended
        self._inspection: Inspection | None = None
        self._bundle_sha256 = ""
        self._interlock: Interlock | None = None
        self._is_unread = False
        self._answer: Answer | None = None

    def change(self, inspection: Inspection) -> None:
        """Follow the challenge of the recipe that was switched to, or of what judges it now.

        A challenge under way ends: it was about something else. Where the records cannot be read
        the line is held until they can.
        """
        self._inspection, bundle_sha256 = inspection, inspection.bundle_sha256
        try:
            self._interlock = self._interlock_of(inspection)
        except StoreError as exc:
            if not self._is_unread:
                log.error("the challenges on record cannot be read: %s", exc.message)
            self._is_unread = True
            return
        self._bundle_sha256, self._is_unread = bundle_sha256, False
        if self._answer is not None:
            self._answer(False, "The recipe or what judges it has changed: begin anew.")
            self._answer = None

    def begin(self, answer: Answer) -> None:
        """Begin a challenge; ``answer`` learns of its end, or at once why there is none."""
        if self._interlock is None:
            answer(False, "The recipe lists no reference parts.")
        elif not self._interlock.begin():
            answer(False, "The last challenge failed: a lead has to release it.")
        else:
            self._answer = answer

    def release(self) -> None:
        """Let a failed challenge begin anew; that a lead may is checked before."""
        if self._interlock is not None:
            self._interlock.release()

    def reference_part(self, part_id: str) -> str:
        """Return which reference part is in front of the camera; empty for a part of the line."""
        interlock = self._interlock
        if interlock is None or not interlock.is_running:
            return ""
        return interlock.next_part(part_id)

    def follow(self, part: InspectedPart) -> None:
        """Take a result that left; those of the line's own parts are left alone."""
        interlock = self._interlock
        if interlock is None or not part.trigger.challenge:
            return
        state = interlock.add(part)
        if state is ChallengeState.RUNNING:
            return
        self._ended(state, interlock)
        if self._answer is not None:
            self._answer(state is ChallengeState.PASSED, interlock.progress.sentence)
        self._answer = None

    @property
    def outstanding(self) -> tuple[str, ...]:
        """The reference parts that are still to be shown; none while the challenge holds."""
        interlock = self._interlock
        if interlock is None or interlock.is_failed or not interlock.holds_line(now()):
            return ()
        return interlock.progress.outstanding if interlock.is_running else interlock.names

    def holds_line(self, at: datetime) -> bool:
        """Return whether no part may be accepted now, not even a reference part."""
        inspection = self._inspection
        if inspection is not None:
            if self._is_unread or inspection.bundle_sha256 != self._bundle_sha256:
                self.change(inspection)
            if self._is_unread:
                return True
        interlock = self._interlock
        if interlock is None or interlock.is_running:
            return False
        return interlock.holds_line(at)


def challenge_of(store: Store, station: str, inspector: Inspector) -> ChallengeRunner:
    """Return what runs the challenges of a station, its records in the store.

    Args:
        store: The store.
        station: Name of the station.
        inspector: Puts the end of a challenge on record, in its own thread.
    """

    def ended(state: ChallengeState, interlock: Interlock) -> None:
        progress, setup = interlock.progress, interlock.setup
        inspector.submit(lambda: record_challenge(store, station, state, progress, setup))

    return ChallengeRunner(lambda inspection: interlock_of(store, station, inspection), ended)

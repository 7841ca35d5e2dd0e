"""Verdicts that came after their person's sign-in had ended: kept until the person is back.

In the memory of this process, by person, the last one alone: the session that held it ends with the
sign-in. Whoever signs in as the same person is asked, and the store takes it only while the case is
still as it was shown.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from core.records.cases import WorkItem
from core.types import Disposition

MOST = 1000


@dataclass(frozen=True, slots=True)
class KeptDecision:
    """A verdict that was given and not stored.

    Attributes:
        item: The case as it was shown.
        disposition: The verdict.
        title: The case, as it is shown.
        wording: The pack's word for the verdict.
        label: As in `core.service.review.review.decide`.
        comment: Free text.
    """

    item: WorkItem
    disposition: Disposition
    title: str
    wording: str
    label: str
    comment: str


_lock = threading.Lock()
_kept: dict[str, KeptDecision] = {}


def keep(person_id: str, decision: KeptDecision) -> None:
    """Keep a verdict for a person, in the place of an earlier one."""
    with _lock:
        _kept.pop(person_id, None)
        _kept[person_id] = decision
        while len(_kept) > MOST:
            _kept.pop(next(iter(_kept)))


def of(person_id: str) -> KeptDecision | None:
    """Return what is kept for a person; None for nothing."""
    with _lock:
        return _kept.get(person_id)


def take(person_id: str) -> KeptDecision | None:
    """Return what was kept for a person, for one caller alone."""
    with _lock:
        return _kept.pop(person_id, None)

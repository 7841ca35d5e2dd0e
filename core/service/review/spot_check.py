"""Confirming many cases of one verdict at once, after a spot check of a random few.

The few are drawn by a keyed hash, so that nobody picks them, and each is decided one by one
without its verdict, probability or heat map on the screen. One that is decided otherwise refuses
the whole: what was decided stays decided, and the others go on waiting. Each case gets a review of
its own, of what was selected: one that has changed since stays as it is.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

from core.errors import DataError
from core.people import Person, Role
from core.records.case_status import QueueState
from core.records.cases import WorkItem
from core.records.connection import Store
from core.records.worklist import case_detail
from core.service.review.browse import CaseLine
from core.service.review.review import decide
from core.types import Disposition

MOST = 200
"""Cases confirmed at once at the most."""

FEWEST = 5
SHARE = 0.1


@dataclass(frozen=True, slots=True)
class SpotCheck:
    """What is to be confirmed, and which of it is decided one by one first.

    Attributes:
        items: The cases as they were when they were selected.
        sample: Ids of those drawn, in the order of the draw.
        disposition: The verdict of all of them.
    """

    items: tuple[WorkItem, ...]
    sample: tuple[str, ...]
    disposition: Disposition

    def undecided(self, answered: Sequence[str]) -> list[WorkItem]:
        """Return those of the sample that have no answer yet, in the order of the draw."""
        items = {item.case_id: item for item in self.items}
        return [items[name] for name in self.sample if name not in answered]


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What a confirmation wrote.

    Attributes:
        written: Cases that got a review.
        changed: Cases that had changed since they were selected, and wait on.
    """

    written: int
    changed: int


def plan_spot_check(lines: Sequence[CaseLine], by: Person, seed: str) -> SpotCheck:
    """Return which of some cases are decided one by one before all are confirmed.

    Args:
        lines: The cases, as the person sees them in the list.
        by: Who confirms.
        seed: Key of the draw that nobody knows beforehand, such as the head of the audit log.

    Raises:
        PermissionDenied: The person may not review.
        DataError: There are none or too many, their verdicts differ or are not shown to the person,
            or one of them has been reviewed.
    """
    by.require(Role.REVIEWER, "confirm cases")
    if not 0 < len(lines) <= MOST:
        raise DataError(
            f"{len(lines)} cases are selected; from 1 to {MOST} can be confirmed at once.",
            hint="Select fewer, and confirm the others after them.",
        )
    if any(line.is_hidden for line in lines):
        raise DataError(
            "The verdict of some of these cases is not shown before a person has decided.",
            hint="Leave them out; each is decided by itself.",
        )
    if any(line.item.queue_state is QueueState.REVIEWED for line in lines):
        raise DataError(
            "Some of these cases have been reviewed.", hint="Filter by State, and select again."
        )
    kinds = {(line.item.pack, line.item.disposition) for line in lines}
    if len(kinds) > 1 or next(iter(kinds))[1] is Disposition.DEFER:
        raise DataError(
            "Only cases of one pack and one automatic verdict can be confirmed at once.",
            hint="Filter by Verdict, and select again.",
        )
    items = tuple(line.item for line in lines)
    sample = draw_sample([item.case_id for item in items], f"{seed} {by.id}")
    return SpotCheck(items, sample, items[0].disposition)


def sample_size(cases: int) -> int:
    """Return how many of some cases are decided one by one."""
    return min(cases, max(FEWEST, math.ceil(SHARE * cases)))


def draw_sample(case_ids: Sequence[str], seed: str) -> tuple[str, ...]:
    """Return the ids of a random few, drawn by a keyed hash of each id."""
    key = hashlib.sha256(f"spot check {seed}".encode()).digest()

    def number(case_id: str) -> bytes:
        return hashlib.blake2b(case_id.encode(), key=key, digest_size=16).digest()

    return tuple(sorted(case_ids, key=number)[: sample_size(len(case_ids))])


def confirm(store: Store, check: SpotCheck, by: Person) -> Confirmed:
    """Return what was written, after confirming every case of a spot check that agreed.

    Whether it agreed is read in the store, whatever a page remembers.

    Args:
        store: The store.
        check: The spot check, each of its sample decided by the same person.
        by: Who confirms.

    Raises:
        PermissionDenied: The person may not review.
        DataError: One of the sample is undecided or was decided otherwise; nothing was written.
        StoreError: The database failed.
    """
    by.require(Role.REVIEWER, "confirm cases")
    by_id = {item.case_id: item for item in check.items}
    for case_id in check.sample:
        _require_agreement(store, by_id[case_id], check.disposition, by)
    comment = f"confirmed with {len(check.items)} cases after a spot check of {len(check.sample)}"
    rest = [item for item in check.items if item.case_id not in check.sample]
    written = sum(decide(store, item, check.disposition, by=by, comment=comment) for item in rest)
    return Confirmed(len(check.sample) + written, len(rest) - written)


def _require_agreement(store: Store, item: WorkItem, disposition: Disposition, by: Person) -> None:
    last = next(iter(case_detail(store, item.case_id).reviews[::-1]), None)
    is_own = last is not None and last.reviewer == by.id and last.revision == item.revision
    if last is None or not is_own or last.kind != "review":
        raise DataError(
            "The spot check is not finished, or somebody else has decided on one of its cases.",
            hint="Select the cases anew.",
        )
    if last.disposition is not disposition:
        raise DataError(
            "One of the spot check was decided otherwise: nothing was confirmed.",
            hint="Decide these cases one by one in Review.",
        )


def unfound_at_most(cases: int, sampled: int, confidence: float = 0.95) -> int:
    """Return how many cases of a lot may differ although none of a random sample did.

    The largest number for which the hypergeometric chance of drawing none still is at least
    ``1 - confidence``.

    Args:
        cases: Cases in the lot.
        sampled: Cases drawn without replacement, all of which agreed.
        confidence: Of the bound.
    """
    most = 0
    for differing in range(1, cases - sampled + 1):
        chance = math.comb(cases - differing, sampled) / math.comb(cases, sampled)
        if chance < 1 - confidence:
            break
        most = differing
    return most

"""Which reviewed cases join cal, and which are kept for training.

A label joins cal or train by its group alone (`core.checking.split_membership`). Of those of cal
only such cases may count whose choice owes nothing to their verdict, in the order of their arrival
and without a gap (`core.decision.looks`); the others are named with their number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from core.checking.split_membership import CaseNames, SplitMembership
from core.decision.cases import Cases
from core.decision.looks import Look, last_look
from core.errors import BundleError
from core.model.bundle.bundle import Bundle
from core.records import deployments
from core.records.audit_draw import is_drawn
from core.records.connection import Store
from core.records.picture_origins import origins_of
from core.records.reviewed_cases import JudgedProduct, ReviewedCase, reviewed_cases
from core.service.bundles.archive import policy_on_shelf
from core.service.recertify.copies import Assigned, join_copies
from core.settings import Settings
from core.types import Disposition


@dataclass(frozen=True, eq=False)
class Collected:
    """What review has given for a bundle and a product.

    Attributes:
        look: The last size, of those fixed beforehand, that the complete cases suffice for.
        counted: Cases of cal that count at it, in the order of their arrival.
        cases: The same as a policy sees them; fewer where some are ambiguous or were not scored.
        complete: Cases of cal in a row, from the first, that a person has judged.
        waiting: Cases of cal that the row waits for a person on, the first of them first.
        uncompared: Cases of cal that a person judged and that are still to be searched for copies.
        copies: Cases left out that show a picture which the bundle was trained or certified on.
        unsuitable: Reviewed cases of cal that came to a person because of their verdict.
        unclear: Counted cases that a person could not tell.
        unscored: Counted cases without scores.
        conflicts: Cases that another one contradicts about the same picture; the newest word holds.
        train: Reviewed cases of train with an answer.
        since: Only cases that came then or later were looked at; None for all.
    """

    look: Look
    counted: tuple[Assigned, ...]
    cases: Cases
    complete: int
    waiting: tuple[str, ...]
    uncompared: int
    copies: int
    unsuitable: int
    unclear: int
    unscored: int
    conflicts: tuple[str, ...]
    train: tuple[Assigned, ...]
    since: datetime | None

    @property
    def positive_groups(self) -> int:
        """Groups with a case that a person called positive."""
        return int(np.unique(self.cases.group[self.cases.positive]).size)

    @property
    def groups(self) -> int:
        """Groups that are counted."""
        return int(np.unique(self.cases.group).size)

    @property
    def new_train_groups(self) -> int:
        """Groups of train that the bundle has no picture of."""
        return len({one.place.group for one in self.train if one.place.is_new})

    @property
    def may_suffice(self) -> bool:
        """Whether there is something to certify on, once all that was judged is compared."""
        return not self.refusal or self.uncompared > 0

    @property
    def refusal(self) -> str:
        """Return why nothing can be certified on them; empty where something can."""
        if self.look.number:
            return ""
        more = self.look.following.size - self.complete
        reasons = [f"{more:,} of {self.look.following.size} cases that count are still to come."]
        if self.waiting:
            reasons.append(f"{len(self.waiting):,} wait for a person now.")
        if self.uncompared:
            reasons.append(
                f"{self.uncompared:,} reviewed case(s) are still to be compared with the known "
                "pictures, which certifying does first: a copy is no further case."
            )
        if self.copies:
            reasons.append(f"{self.copies:,} reviewed case(s) show copies of known pictures.")
        if self.unsuitable:
            reasons.append(
                f"{self.unsuitable:,} reviewed case(s) do not count: a person saw them because of "
                "their verdict, and among such cases no escape can be seen."
            )
        return " ".join(reasons)


def collect(
    store: Store,
    settings: Settings,
    bundle: Bundle,
    product: str = "",
    since: datetime | None = None,
) -> Collected:
    """Return the reviewed cases of a bundle by the split that their labels join.

    Args:
        store: The store.
        settings: Where the archive is.
        bundle: The bundle that judged them.
        product: The product that it judges; empty for all without a deployment of their own.
        since: Only cases that came then or later, as after an alarm.

    Raises:
        StoreError: The database failed.
    """
    judged = JudgedProduct(product, deployments.by_product(store, bundle.pack.name).keys())
    found = reviewed_cases(store, bundle.pack.name, bundle.sha256, since, judged)
    is_unbiased = _UnbiasedChoice(bundle, settings)
    membership = SplitMembership.from_arrays(bundle.membership)
    assigned = [Assigned(one, membership.assign(names_of(one))) for one in found]
    joined, copies = join_copies(assigned, origins_of(store, bundle.sha256))
    return sort_out(joined, lambda one: is_unbiased(one), since, copies)


def sort_out(
    assigned: Iterable[Assigned],
    is_unbiased: Callable[[ReviewedCase], bool],
    since: datetime | None = None,
    copies: int = 0,
) -> Collected:
    """Return assigned cases by what they may be used for.

    Args:
        assigned: In the order of their arrival.
        is_unbiased: Whether the choice of a case owes nothing to its verdict.
        since: As in ``collect``.
        copies: How many cases were left out as copies of known pictures.
    """
    cal: list[Assigned] = []
    train: list[Assigned] = []
    unsuitable = 0
    for one in assigned:
        if one.place.split == "train":
            if one.case.answer in (Disposition.POSITIVE, Disposition.NEGATIVE):
                train.append(one)
        elif is_unbiased(one.case):
            cal.append(one)
        elif one.case.answer is not None:
            unsuitable += 1
    waiting = [at for at, one in enumerate(cal) if one.case.answer is None]
    uncompared = [
        at for at, one in enumerate(cal) if one.case.answer is not None and not one.is_compared
    ]
    complete = min([*waiting[:1], *uncompared[:1]], default=len(cal))
    look = last_look(complete)
    counted = cal[: look.size]
    scored = [one for one in counted if one.case.is_scored]
    clear = [one for one in scored if one.case.answer is not Disposition.DEFER]
    kept, conflicts = _settle_conflicts(clear)
    return Collected(
        look=look,
        counted=tuple(counted),
        cases=_cases(kept),
        complete=complete,
        waiting=tuple(cal[at].case.case_id for at in waiting),
        uncompared=len(uncompared),
        copies=copies,
        unsuitable=unsuitable,
        unclear=len(scored) - len(clear),
        unscored=len(counted) - len(scored),
        conflicts=conflicts,
        train=tuple(train),
        since=since,
    )


class _UnbiasedChoice:
    """Whether a case came to a person by what does not depend on its verdict."""

    def __init__(self, bundle: Bundle, settings: Settings) -> None:
        self._bundle, self._settings = bundle, settings
        self._has_negatives: dict[str, bool] = {}

    def __call__(self, case: ReviewedCase) -> bool:
        if not case.tile_of and not self._passes_any(case.policy_id):
            return True  # everything goes to a person, of tiles the most urgent alone
        share = case.audit_probability
        return share is not None and is_drawn(case.policy_id, case.case_id, share)

    def _passes_any(self, policy_id: str) -> bool:
        if policy_id not in self._has_negatives:
            try:
                policy = policy_on_shelf(self._bundle, policy_id, self._settings)
                self._has_negatives[policy_id] = policy.has_negatives
            except BundleError:
                self._has_negatives[policy_id] = True  # not known, so the draw must show it
        return self._has_negatives[policy_id]


def names_of(case: ReviewedCase) -> CaseNames:
    """Return what a case may be in a bundle under."""
    group = "" if case.group in case.pictures else case.group
    return CaseNames(pictures=case.pictures, group=group, patients=case.patients)


def _settle_conflicts(clear: Sequence[Assigned]) -> tuple[list[Assigned], tuple[str, ...]]:
    """Return the cases that hold, and those that were contradicted about one of their pictures."""
    word: dict[str, Assigned] = {}
    for one in sorted(clear, key=lambda one: one.case.reviewed_at):
        word.update(dict.fromkeys(one.case.pictures, one))
    wrong = {
        one.case.case_id
        for one in clear
        if any(word[picture].case.answer is not one.case.answer for picture in one.case.pictures)
    }
    return [one for one in clear if one.case.case_id not in wrong], tuple(sorted(wrong))


def _cases(kept: Sequence[Assigned]) -> Cases:
    """Return cases as a policy sees them; cases that share a picture are one group."""
    group_of: dict[str, str] = {}
    groups = []
    for one in kept:
        known = next((group_of[p] for p in one.case.pictures if p in group_of), one.place.group)
        group_of.update(dict.fromkeys(one.case.pictures, known))
        groups.append(known)
    return Cases(
        positive_probability=np.array([one.case.positive_probability for one in kept], np.float64),
        ood_p=np.array([one.case.ood_p for one in kept], np.float64),
        gates_passed=np.array([one.case.gates_passed for one in kept], np.bool_),
        positive=np.array([one.case.answer is Disposition.POSITIVE for one in kept], np.bool_),
        group=np.array(groups, np.str_),
    )

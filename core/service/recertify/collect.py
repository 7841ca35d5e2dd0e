"""Which reviewed cases join cal, and which are kept for training.

A label joins cal or train by its group alone (`core.checking.split_membership`). Of those of cal
only such cases may count whose choice owes nothing to their verdict, in the order of their arrival
and without a gap (`core.decision.looks`); the others are named with their number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np

from core.checking.split_membership import CaseNames, SplitMembership
from core.decision.cases import Cases
from core.decision.contradictions import ClearAnswer, find_disputed, find_superseded
from core.decision.looks import last_look
from core.errors import BundleError
from core.model.bundle.bundle import Bundle
from core.records import deployments
from core.records.audit_draw import is_drawn
from core.records.connection import Store
from core.records.picture_origins import count_origins, origins_of
from core.records.reviewed_cases import JudgedProduct, ReviewedCase, reviewed_cases
from core.service.bundles.archive import policy_on_shelf
from core.service.recertify.collected import Collected
from core.service.recertify.comparison import MOST
from core.service.recertify.copies import Assigned, join_copies
from core.settings import Settings
from core.types import Disposition

_CLEAR = (Disposition.POSITIVE, Disposition.NEGATIVE)


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
    collected = sort_out(joined, lambda one: is_unbiased(one), since, copies)
    return replace(collected, unsearched=max(count_origins(store, bundle.sha256) - MOST, 0))


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
    every = list(assigned)
    disputed = _find_disputed(every)
    cal: list[Assigned] = []
    train: list[Assigned] = []
    unsuitable = 0
    for one in every:
        if one.place.split == "train":
            if one.case.answer in _CLEAR and one.case.case_id not in disputed:
                train.append(one)
        elif is_unbiased(one.case):
            cal.append(one)
        elif one.case.answer is not None:
            unsuitable += 1
    waiting = [at for at, one in enumerate(cal) if one.case.answer is None]
    uncompared = [
        at for at, one in enumerate(cal) if one.case.answer is not None and not one.is_compared
    ]
    open_ = [at for at, one in enumerate(cal) if one.case.case_id in disputed]
    complete = min([*waiting[:1], *uncompared[:1], *open_[:1]], default=len(cal))
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
        disputed=tuple(one.case.case_id for one in every if one.case.case_id in disputed),
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
    wrong = find_superseded([_answer(one) for one in clear])
    names = sorted(clear[at].case.case_id for at in wrong)
    return [one for at, one in enumerate(clear) if at not in wrong], tuple(names)


def _find_disputed(assigned: Sequence[Assigned]) -> set[str]:
    clear = [one for one in assigned if one.case.answer in _CLEAR]
    return {clear[at].case.case_id for at in find_disputed([_answer(one) for one in clear])}


def _answer(one: Assigned) -> ClearAnswer:
    case = one.case
    is_positive = case.answer is Disposition.POSITIVE
    return ClearAnswer(frozenset(case.pictures), one.origins, is_positive, case.reviewed_at)


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

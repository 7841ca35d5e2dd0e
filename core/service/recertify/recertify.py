"""The policy that reviewed cases justify, with the evidence that somebody decides by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from core.decision.back_test import SEVERITY, judge_again, list_flips
from core.errors import DataError
from core.model.bundle.bundle import Bundle
from core.people import Person, Role
from core.records.connection import Store
from core.records.past_window import read_window
from core.records.proposals import Proposal
from core.records.values import now
from core.records.voided import voided_since
from core.service.bundles.added_cases import AddedCases
from core.service.bundles.attempts import attempts, note, recorded_attempt
from core.service.bundles.open import certifications, make_policy
from core.service.progress import Progress, silent
from core.service.recertify.collect import collect
from core.service.recertify.collected import Collected
from core.service.recertify.comparison import compare_reviewed
from core.service.recertify.proposals import propose
from core.service.summaries import summarise_policy
from core.settings import Settings
from core.types import Certificate, Policy, Targets

WEEKS = 8
"""How far back past verdicts are tried under the new policy."""

MOST_FLIPS = 200


@dataclass(frozen=True, eq=False)
class Recertified:
    """A policy certified on reviewed cases.

    Attributes:
        policy: The policy; its sides may be uncertified.
        added: The cases that it was certified on beside the bundle's own, or instead of them.
        collected: What review has given.
    """

    policy: Policy
    added: AddedCases
    collected: Collected


def recertify(
    store: Store,
    settings: Settings,
    bundle: Bundle,
    targets: Targets,
    product: str = "",
    since: datetime | None = None,
    step: Progress = silent,
) -> Recertified:
    """Return the policy that the reviewed cases justify; nothing changes by it.

    It stays on the record of certifications: whoever looks again at the same cases gets the same.

    Args:
        store: The store.
        settings: Where things run.
        bundle: The bundle.
        targets: What is asked.
        product: The product that the bundle judges.
        since: Only cases that came since count, and the bundle's own do not; when the last alarm
            was that voided its certificate, if not given, for they no longer describe what comes.
        step: Called while pictures that nobody has compared yet are searched for copies.

    Raises:
        DataError: Too few cases may count yet, and why.
        StoreError: The database failed.
    """
    since = since or voided_since(store, bundle.pack.name, product, bundle.sha256)
    compare_reviewed(store, settings, bundle.pack.name, bundle.sha256, step)
    collected = collect(store, settings, bundle, product, since)
    if collected.refusal:
        raise DataError(
            collected.refusal,
            hint="Have the cases that wait reviewed; a larger audit share gives more of them.",
        )
    added = AddedCases(collected.cases, with_own=since is None)
    policy = make_policy(
        bundle, targets, _attempt(settings, bundle, targets, added, collected), added
    )
    note(settings.home, bundle, policy)
    return Recertified(policy, added, collected)


def _attempt(
    settings: Settings, bundle: Bundle, targets: Targets, added: AddedCases, collected: Collected
) -> int:
    """Return which certification it is: never an earlier number than its look's."""
    recorded = recorded_attempt(settings.home, bundle, targets, added.digest)
    if recorded:
        return recorded
    on_file = max((one.attempt for one in certifications(bundle)), default=0)
    before = max(on_file, attempts(settings.home, bundle))
    return max(before + 1, collected.look.least_attempt)


def propose_recertified(
    store: Store,
    settings: Settings,
    bundle: Bundle,
    before: Policy,
    found: Recertified,
    product: str,
    *,
    by: Person,
) -> Proposal:
    """Return the proposal of a policy certified on reviewed cases, with its evidence.

    Raises:
        PermissionDenied: The person may not propose a policy.
        AssayError: As in ``propose``.
    """
    by.require(Role.LEAD, "propose a policy")
    evidence = evidence_of(store, bundle, before, found.policy, product, found.collected)
    return propose(
        store,
        settings,
        bundle.pack.name,
        product,
        found.policy,
        by=by,
        evidence=evidence,
        added=found.added,
    )


def evidence_of(
    store: Store,
    bundle: Bundle,
    before: Policy,
    after: Policy,
    product: str,
    collected: Collected | None = None,
) -> dict[str, Any]:
    """Return what somebody needs before them to release a policy, as JSON.

    Args:
        store: The store.
        bundle: The bundle.
        before: The policy in force.
        after: The policy proposed.
        product: The product.
        collected: The reviewed cases that it was certified on; None for none.

    Returns:
        ``before`` and ``after`` (limits, certificates, their sentences), ``flips`` (past verdicts
        that would change) and, with reviewed cases, ``reviewed``.
    """
    shown = {
        "before": {**figures_of(before), "text": summarise_policy(bundle.pack, before)},
        "after": {**figures_of(after), "text": summarise_policy(bundle.pack, after)},
        "flips": flips_between(store, bundle, before, after, product),
    }
    return shown if collected is None else {**shown, "reviewed": _counts(collected)}


def flips_between(
    store: Store, bundle: Bundle, before: Policy, after: Policy, product: str, weeks: int = WEEKS
) -> dict[str, Any]:
    """Return which verdicts of the last weeks would be others, the most harmful first, as JSON.

    Args:
        store: The store.
        bundle: The bundle that both policies are of.
        before: The policy in force, whose verdicts are compared.
        after: The policy proposed.
        product: The product.
        weeks: How far back.

    Raises:
        StoreError: The database failed.
    """
    start = now() - timedelta(weeks=weeks)
    window = read_window(store, bundle.pack.name, product, bundle.sha256, start)
    past = window.past
    if bundle.pack.has_own_review:
        # That page decides what a reader may know of a case before answering it.
        past = replace(past, is_hidden=past.is_hidden | (past.answer < 0))
    made = past.worst(judge_again(past, after))
    flips = list_flips(past, made, MOST_FLIPS)
    words = [one.value for one in SEVERITY]
    return {
        "weeks": weeks,
        "cases": int(past.case_id.size),
        "is_capped": window.is_capped,
        "total": flips.total,
        "withheld": flips.withheld,
        "before": before.id,
        "listed": [
            {
                "case": str(past.case_id[at]),
                "was": words[past.given[at]],
                "becomes": words[made[at]],
                "answer": words[past.answer[at]] if past.answer[at] >= 0 else "",
            }
            for at in flips.cases.tolist()
        ],
    }


def figures_of(policy: Policy) -> Mapping[str, Any]:
    """Return what a policy says, as JSON."""
    return {
        "policy": policy.id,
        "t_neg": policy.t_neg,
        "t_pos": policy.t_pos,
        "deferred": policy.deferred,
        "attempt": policy.attempt,
        "escape": _certificate(policy.escape),
        "overkill": _certificate(policy.overkill),
    }


def _certificate(one: Certificate) -> dict[str, Any]:
    return {
        "certified": one.certified,
        "alpha": one.alpha,
        "bound": one.bound,
        "confidence": one.confidence,
        "k": one.k,
        "n": one.n,
        "needed": one.needed,
    }


def _counts(collected: Collected) -> dict[str, Any]:
    return {
        "look": collected.look.number,
        "counted": len(collected.counted),
        "cases": [one.case.case_id for one in collected.counted],
        "groups": collected.groups,
        "positive_groups": collected.positive_groups,
        "unclear": collected.unclear,
        "unscored": collected.unscored,
        "conflicts": list(collected.conflicts),
        "disputed": list(collected.disputed),
        "unsearched": collected.unsearched,
        "unsuitable": collected.unsuitable,
        "waiting": len(collected.waiting),
        "since": collected.since.isoformat() if collected.since else "",
        "train": len(collected.train),
    }

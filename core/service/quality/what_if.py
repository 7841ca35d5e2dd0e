"""Try other targets on past decisions: what they would certify, decide, cost, and flip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from core.decision.back_test import (
    Flips,
    PastVerdicts,
    PolicyEffect,
    effect_of,
    judge_again,
    list_flips,
)
from core.decision.cases import Cases
from core.model.bundle.bundle import POLICIES, Bundle
from core.people import Person, Role
from core.records.connection import Store
from core.records.proposals import Proposal
from core.service.bundles.added_cases import AddedCases, read_added_cases
from core.service.bundles.attempts import attempt_at, note
from core.service.bundles.open import make_policy
from core.service.recertify.proposals import propose
from core.settings import Settings
from core.types import Policy, Targets


@dataclass(frozen=True, slots=True)
class WhatIf:
    """What other targets would have made of past decisions; nothing changes by asking.

    Attributes:
        policy: What the bundle's held-out cases justify for the targets, with the confidence that
            a proposal would have to hold.
        before: What became of the cases.
        after: What would have become of them.
        flips: Cases whose verdict would be another one.
    """

    policy: Policy
    before: PolicyEffect
    after: PolicyEffect
    flips: Flips


def try_targets(
    bundle: Bundle, targets: Targets, past: PastVerdicts, *, in_force: Policy, home: Path
) -> WhatIf:
    """Return what targets would have made of past decisions of a bundle.

    Args:
        bundle: The bundle that judged.
        targets: What is asked.
        past: Its decisions.
        in_force: The policy that judges now, which is no further attempt.
        home: Folder that keeps the record of certifications.
    """
    policy = policy_for(bundle, targets, in_force=in_force, home=home)
    made = past.worst(judge_again(past, policy))
    return WhatIf(
        policy, effect_of(past, past.given), effect_of(past, made), list_flips(past, made)
    )


def policy_for(bundle: Bundle, targets: Targets, *, in_force: Policy, home: Path) -> Policy:
    """Return what the cases that the policy in force rests on justify for other targets."""
    if targets == in_force.targets:
        return in_force
    added = _added_to(bundle, in_force)
    kept = len(list((bundle.path / POLICIES).glob("*.json")))
    attempt = max(kept + 1, attempt_at(home, bundle, targets, in_force.added))
    return make_policy(bundle, targets, attempt, added)


def cases_behind(bundle: Bundle, policy: Policy) -> Cases:
    """Return the labelled cases that a policy was certified on."""
    added = _added_to(bundle, policy)
    return added.join(bundle.cal) if added else bundle.cal


def propose_targets(
    store: Store,
    settings: Settings,
    bundle: Bundle,
    product: str,
    tried: WhatIf,
    *,
    in_force: Policy,
    window: Mapping[str, Any],
    by: Person,
) -> Proposal:
    """Return the proposal of a policy that was tried; it counts as a certification from now on.

    Args:
        store: The store.
        settings: Where the archive and the record of certifications are.
        bundle: The bundle that judges the product.
        product: The product; empty for whatever has no deployment of its own.
        tried: What was tried.
        in_force: The policy that judges now.
        window: Which past decisions it was tried on, as JSON.
        by: Who proposes it.

    Raises:
        PermissionDenied: The person may not propose a policy.
        BundleError: Another bundle judges by now.
        StoreError: The database failed.
    """
    by.require(Role.LEAD, "propose a policy")
    note(settings.home, bundle, tried.policy)
    return propose(
        store,
        settings,
        bundle.pack.name,
        product,
        tried.policy,
        by=by,
        evidence={"what_if": evidence_of(tried), "window": dict(window)},
        added=_added_to(bundle, in_force),
    )


def evidence_of(tried: WhatIf) -> dict[str, Any]:
    """Return the figures of a what-if as JSON, for whoever decides on a proposal."""
    sides = {"before": tried.before, "after": tried.after}
    return {
        "flips": tried.flips.total,
        **{
            name: {
                "automatic": effect.automatic.to_json(),
                "escapes": asdict(effect.escapes),
                "overkills": asdict(effect.overkills),
            }
            for name, effect in sides.items()
        },
    }


def _added_to(bundle: Bundle, policy: Policy) -> AddedCases | None:
    return read_added_cases(bundle.path / POLICIES, policy.added) if policy.added else None

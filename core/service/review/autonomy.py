"""Stages of autonomy: what each requires of the reads, and its release."""

from __future__ import annotations

from core.decision.certificate import groups_needed, groups_to_ceiling, upper_bound
from core.decision.certificate_text import percent
from core.errors import ConfigError
from core.packs import DomainPack
from core.people import Person, Role
from core.records import deployments, read_list
from core.records.connection import Store
from core.records.deployment import Deployment, Stage
from core.service.review.case_rules import CaseRules
from core.service.review.read_evidence import (
    ReadEvidence,
    evidence_of,
    figures_of,
    supervised_since,
)
from core.types import Policy

MEANING = {
    Stage.AUDIT: "Verdicts are recorded and shown to nobody. First come, first served.",
    Stage.SHADOW: (
        "Verdicts are made while the cases are read, and shown to nobody. First come, first served."
    ),
    Stage.SUPERVISED: "Order and verdict are shown. A person reads every case.",
    Stage.AUTOMATIC: (
        "Certified negatives are listed apart and need not be read. A person reads all others."
    ),
}


MIN_READS = 100
"""Reads at a site since it was released supervised, before it may be released automatic."""


def release(
    store: Store,
    pack: DomainPack,
    rules: CaseRules,
    site: str,
    stage: Stage,
    *,
    by: Person,
    bundle: str,
    bundle_sha256: str,
    policy_id: str,
    policy: Policy | None,
) -> Deployment:
    """Return the deployment that releases a stage at a site, its reads as the evidence.

    Args:
        store: The store.
        pack: Whose cases.
        rules: What it reads out of headers.
        site: The site; empty for images that name none.
        stage: The stage.
        by: Who releases it.
        bundle: Name and short hash of the bundle that it is for.
        bundle_sha256: Its full hash.
        policy_id: The policy that it is for.
        policy: That policy itself; None when it is not at hand.

    Raises:
        PermissionDenied: The person may not release.
        ConfigError: The certificate or the reads do not allow the stage, nobody signs it, or it is
            more than one step up.
        StoreError: The database failed.
    """
    by.require(Role.LEAD, "release a stage of autonomy")
    own = policy if policy is not None and policy.id == policy_id else None
    since = supervised_since(deployments.history(store, pack.name, site), bundle, policy_id)
    reads = read_list.reads(store, pack.name)
    evidence = evidence_of(reads, rules, bundle, policy_id, site, since)
    if problems := blocking_reasons(pack, stage, own, evidence):
        raise ConfigError(
            f"The stage {stage.value} cannot be released: {' '.join(problems)}",
            hint="Have more cases read at the stage that stands.",
        )
    return deployments.deploy(
        store,
        pack.name,
        site,
        stage,
        by=by.id,
        evidence=figures_of(evidence, own),
        bundle=bundle,
        bundle_sha256=bundle_sha256,
        policy_id=policy_id,
    )


def blocking_reasons(
    pack: DomainPack, stage: Stage, policy: Policy | None, evidence: ReadEvidence
) -> list[str]:
    """Return why a stage cannot be released, a sentence each; none when it can."""
    reasons = (blocking_reason(pack, stage, policy), missing_evidence(pack, stage, evidence))
    return [reason for reason in reasons if reason]


def missing_evidence(pack: DomainPack, stage: Stage, evidence: ReadEvidence) -> str:
    """Return which reads of its own a site still needs before a stage; empty where it has them.

    A person reads every case below AUTOMATIC, so only that stage needs any. The bound on the
    groups that escaped is exact and one-sided (`core.decision.certificate.upper_bound`) and is held
    against the pack's ceiling, as that of the certificate is.
    """
    if stage is not Stage.AUTOMATIC:
        return ""
    most, k, n = pack.ceiling, evidence.escaped_groups, evidence.positive_groups
    reads = max(MIN_READS - evidence.supervised, 0)
    groups = max(groups_needed(n, k, most.bound, most.confidence), most.groups - n, 0)
    if not reads and not groups:
        return ""
    parts = ["Never automatic on so few reads at this site."]
    if reads:
        parts.append(
            f"{evidence.supervised:,} of at least {MIN_READS} cases were read since supervised "
            f"was released here: {reads:,} more."
        )
    if groups:
        parts.append(
            f"Of {n:,} {pack.unit_names[0]} that the verdict decided on by itself it missed {k:,}, "
            f"so that up to {percent(upper_bound(k, n, most.confidence))} may be missed at "
            f"{100 * most.confidence:g} % confidence; allowed are {percent(most.bound)} over at "
            f"least {most.groups}: {groups:,} more without a miss."
        )
    return " ".join(parts)


def blocking_reason(pack: DomainPack, stage: Stage, policy: Policy | None) -> str:
    """Return why a policy's certificate does not allow a stage; empty when it does.

    Args:
        pack: Holds the ceiling that the certificate is held against, and the words.
        stage: The stage asked for.
        policy: What the verdicts are judged by; None when it is not at hand.
    """
    if stage is not Stage.AUTOMATIC:
        return ""
    if policy is None:
        return "Its policy is not at hand, so that nothing says what it is certified for."
    positive, escape = pack.unit_names[0], policy.escape
    if policy.suspended:
        return policy.suspended
    if not escape.certified:
        return (
            f"Never automatic without a certificate: this policy has none for "
            f"{pack.error_names[0]}. {escape.needed:,} more {positive} without a miss would give "
            "one."
        )
    more, most = groups_to_ceiling(escape, pack.ceiling), pack.ceiling
    if more:
        return (
            f"Never automatic where more than {percent(most.bound)} of the {positive} may be "
            f"missed, at {100 * most.confidence:g} % confidence over at least {most.groups}: this "
            f"policy has {escape.k:,} missed of {escape.n:,} and needs {more:,} more without a "
            "miss."
        )
    return ""

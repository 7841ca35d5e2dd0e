"""Stages of autonomy: what people's reads say about the verdicts, and what each stage requires."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

import numpy as np

from core.decision.certificate import groups_needed, groups_to_ceiling, upper_bound
from core.decision.certificate_text import percent
from core.decision.rate import Rate
from core.decision.shared_names import join_by_name
from core.errors import ConfigError
from core.packs import DomainPack
from core.people import Person, Role
from core.records import deployments, read_list
from core.records.connection import Store
from core.records.deployment import Deployment, Figure, Stage
from core.records.picture_origins import IN_BUNDLE
from core.records.read_list import Read
from core.records.values import TILE_OF
from core.service.review.case_rules import CaseRules, header_value
from core.types import Disposition, Policy

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


@dataclass(frozen=True, slots=True)
class ReadEvidence:
    """How people's first answers compare with the verdicts of one bundle under one policy.

    Attributes:
        reads: Cases that people read.
        deferred: Share of them that the verdict left to a person.
        agreement: Share of automatic verdicts that the reader's first answer agrees with.
        escape: Share called negative of the cases that the reader called positive at first.
        overkill: Share called positive of the cases that the reader called negative at first.
        overridden: Share of automatic verdicts that the reader's last answer differs from.
        supervised: Cases read since the bundle under the policy was released supervised, those of
            one origin once.
        positive_groups: Groups (patients, parts) with a case that the reader called positive,
            first or last, and that the verdict decided on by itself: one that it left to a person
            cannot escape.
        escaped_groups: Groups among them with such a case that the verdict called negative.
    """

    reads: int
    deferred: Rate
    agreement: Rate
    escape: Rate
    overkill: Rate
    overridden: Rate
    supervised: int
    positive_groups: int
    escaped_groups: int


def evidence_of(
    reads: Sequence[Read],
    rules: CaseRules,
    bundle: str,
    policy_id: str,
    site: str | None = None,
    since: datetime | None = None,
) -> ReadEvidence:
    """Return how people's answers compare with the verdicts of one bundle under one policy.

    Reads of a case whose images contradict each other as to whose they are count for nothing, and
    so do copies of pictures that the bundle was made of. Cases of one origin are one group, and one
    of the reads that a stage asks for.

    Args:
        reads: What people answered.
        rules: What the pack reads out of headers.
        bundle: Name and short hash of the bundle.
        policy_id: The policy.
        site: Only the reads of this site; None for all.
        since: When it was released supervised; None while it is not.
    """
    counted = [
        read
        for read in reads
        if (read.bundle, read.policy_id) == (bundle, policy_id)
        and read.verdict is not None
        and not rules.contradictions(read.headers)
        and (site is None or site in rules.sites_of(read.headers))
        and IN_BUNDLE not in read.origins
    ]
    own = [_group(read, rules) for read in counted]
    names = [{f"group {name}", *read.origins} for name, read in zip(own, counted, strict=True)]
    joined = dict(zip(own, join_by_name(names), strict=True))

    def group_of(read: Read) -> int:
        return joined[_group(read, rules)]

    automatic = [read for read in counted if read.verdict is not Disposition.DEFER]
    positive = [read for read in counted if read.first is Disposition.POSITIVE]
    negative = [read for read in counted if read.first is Disposition.NEGATIVE]
    called = [read for read in automatic if Disposition.POSITIVE in (read.first, read.last)]
    escaped = [read for read in called if read.verdict is Disposition.NEGATIVE]

    def share(some: Sequence[Read], is_hit: Callable[[Read], bool]) -> Rate:
        hit = np.array([is_hit(read) for read in some], np.bool_)
        return Rate.from_groups(hit, np.array([group_of(read) for read in some]))

    return ReadEvidence(
        reads=len(counted),
        deferred=share(counted, lambda read: read.verdict is Disposition.DEFER),
        agreement=share(automatic, lambda read: read.first is read.verdict),
        escape=share(positive, lambda read: read.verdict is Disposition.NEGATIVE),
        overkill=share(negative, lambda read: read.verdict is Disposition.POSITIVE),
        overridden=share(automatic, lambda read: read.last is not read.verdict),
        supervised=len(set(join_by_name([read.origins for read in counted if read.at >= since])))
        if since
        else 0,
        positive_groups=len({group_of(read) for read in called}),
        escaped_groups=len({group_of(read) for read in escaped}),
    )


def supervised_since(history: Sequence[Deployment], bundle: str, policy_id: str) -> datetime | None:
    """Return since when a bundle under a policy has stood at the stage SUPERVISED or above.

    Args:
        history: The releases of a site, newest first.
        bundle: Name and short hash of the bundle.
        policy_id: The policy.

    Returns:
        None where it stands below.
    """
    standing = takewhile(
        lambda one: one.stage.step >= Stage.SUPERVISED.step and one.covers(bundle, policy_id),
        history,
    )
    return min((one.deployed_at for one in standing), default=None)


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


def _group(read: Read, rules: CaseRules) -> str:
    tile_of = header_value(read.headers, TILE_OF)
    return tile_of or rules.group_of(read.headers) or read.case_id


def figures_of(evidence: ReadEvidence, policy: Policy | None) -> Mapping[str, Figure]:
    """Return evidence as what a release keeps of it."""
    shares = {
        name: getattr(evidence, name)
        for name in ("deferred", "agreement", "escape", "overkill", "overridden")
    }
    parts = {
        f"{name}_{part}": getattr(share, part)
        for name, share in shares.items()
        for part in ("k", "n", "low", "high")
    }
    certified = policy is not None and policy.escape.certified
    counts = {
        "reads": evidence.reads,
        "supervised_reads": evidence.supervised,
        "positive_groups": evidence.positive_groups,
        "escaped_groups": evidence.escaped_groups,
    }
    return {**counts, "escape_certified": certified, **parts}


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

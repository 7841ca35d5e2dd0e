"""What people's reads say about the verdicts, as the evidence for the next stage of a site."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

import numpy as np

from core.decision.certificate import groups_needed, groups_to_ceiling, percent, upper_bound
from core.decision.rate import Rate
from core.errors import ConfigError
from core.records import case_list, releases
from core.records.case_list import Read
from core.records.connection import Store
from core.records.releases import Figure, Stage, StoredRelease
from core.types import Disposition, Policy
from domains.xray import pack
from domains.xray.worklist.persons import contradictions
from domains.xray.worklist.reading_list import said, site_of

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


LEAST_READS = 100
"""Reads at a site since it was released supervised, before it may be released automatic."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """How people's first answers compare with the verdicts of one bundle under one policy.

    Attributes:
        reads: Cases that people read.
        deferred: Share of them that the verdict left to a person.
        agreement: Share of automatic verdicts that the reader's first answer agrees with.
        missed: Share called negative of the cases that the reader called abnormal at first.
        false_alarm: Share called positive of the cases that the reader called normal at first.
        overridden: Share of automatic verdicts that the reader's last answer differs from.
        supervised: Cases read since the bundle under the policy was released supervised.
        abnormal: Patients with a case that the reader called abnormal, first or last, and that the
            verdict decided on by itself: one that it left to a person cannot be missed.
        escaped: Patients among them with such a case that the verdict called negative.
    """

    reads: int
    deferred: Rate
    agreement: Rate
    missed: Rate
    false_alarm: Rate
    overridden: Rate
    supervised: int
    abnormal: int
    escaped: int


def evidence_of(
    reads: Sequence[Read],
    bundle: str,
    policy_id: str,
    site: str | None = None,
    since: datetime | None = None,
) -> Evidence:
    """Compare what people said with the verdicts of one bundle under one policy.

    Reads of a study that names different patients count for nothing: no verdict is of the one read.

    Args:
        reads: What people said.
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
        and not contradictions(read.headers)
        and (site is None or site_of(read.headers) == site)
    ]
    automatic = [read for read in counted if read.verdict is not Disposition.DEFER]
    abnormal = [read for read in counted if read.first is Disposition.POSITIVE]
    normal = [read for read in counted if read.first is Disposition.NEGATIVE]
    called = [read for read in automatic if Disposition.POSITIVE in (read.first, read.last)]
    return Evidence(
        reads=len(counted),
        deferred=_share(counted, lambda read: read.verdict is Disposition.DEFER),
        agreement=_share(automatic, lambda read: read.first is read.verdict),
        missed=_share(abnormal, lambda read: read.verdict is Disposition.NEGATIVE),
        false_alarm=_share(normal, lambda read: read.verdict is Disposition.POSITIVE),
        overridden=_share(automatic, lambda read: read.last is not read.verdict),
        supervised=sum(since is not None and read.at >= since for read in counted),
        abnormal=len({_patient(read) for read in called}),
        escaped=len({_patient(r) for r in called if r.verdict is Disposition.NEGATIVE}),
    )


def supervised_since(
    history: Sequence[StoredRelease], bundle: str, policy_id: str
) -> datetime | None:
    """Give when a bundle under a policy came to the stage SUPERVISED at which it, or more, stands.

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
    return min((one.released_at for one in standing), default=None)


def release(
    store: Store,
    site: str,
    stage: Stage,
    *,
    by: str,
    bundle: str,
    policy_id: str,
    policy: Policy | None,
) -> StoredRelease:
    """Release a stage at a site, with what the store has of reads there as its evidence.

    Args:
        store: The store.
        site: The site; empty for images that name none.
        stage: The stage.
        by: Who releases it.
        bundle: Name and short hash of the bundle that it is for.
        policy_id: The policy that it is for.
        policy: That policy itself; None when it is not at hand.

    Raises:
        ConfigError: The certificate or the reads do not allow the stage, nobody signs it, or it is
            more than one step up.
        StoreError: The database failed.
    """
    own = policy if policy is not None and policy.id == policy_id else None
    since = supervised_since(releases.history(store, pack.name, site), bundle, policy_id)
    evidence = evidence_of(case_list.reads(store, pack.name), bundle, policy_id, site, since)
    if problems := list(filter(None, (hindrance(stage, own), missing_evidence(stage, evidence)))):
        raise ConfigError(
            f"The stage {stage.value} cannot be released: {' '.join(problems)}",
            hint="Have more cases read at the stage that stands.",
        )
    return releases.release(
        store,
        pack.name,
        site,
        stage,
        by=by,
        evidence=figures_of(evidence, own),
        bundle=bundle,
        policy_id=policy_id,
    )


def _share(reads: Sequence[Read], counts: Callable[[Read], bool]) -> Rate:
    hit = np.array([counts(read) for read in reads], np.bool_)
    patients = np.array([_patient(read) for read in reads])
    return Rate.grouped(hit, patients)


def _patient(read: Read) -> str:
    number, issuer = (said(read.headers, word) for word in ("patient_id", "patient_issuer"))
    return "\n".join((number, issuer)) if number else read.case_id


def figures_of(evidence: Evidence, policy: Policy | None) -> Mapping[str, Figure]:
    """Write evidence as what a release keeps of it."""
    shares = {
        name: getattr(evidence, name)
        for name in ("deferred", "agreement", "missed", "false_alarm", "overridden")
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
        "abnormal_patients": evidence.abnormal,
        "escaped_patients": evidence.escaped,
    }
    return {**counts, "escape_certified": certified, **parts}


def missing_evidence(stage: Stage, evidence: Evidence) -> str:
    """Say which reads of its own a site still needs before a stage; empty where it has them.

    A person reads every case below AUTOMATIC, so only that stage needs any. The bound on the
    patients missed is exact and one-sided (`core.decision.certificate.upper_bound`) and is held
    against the pack's ceiling, as that of the certificate is.
    """
    if stage is not Stage.AUTOMATIC:
        return ""
    most, k, n = pack.ceiling, evidence.escaped, evidence.abnormal
    reads = max(LEAST_READS - evidence.supervised, 0)
    patients = max(groups_needed(n, k, most.bound, most.confidence), most.groups - n, 0)
    if not reads and not patients:
        return ""
    parts = ["Never automatic on so few reads at this site."]
    if reads:
        parts.append(
            f"{evidence.supervised:,} of at least {LEAST_READS} cases were read since supervised "
            f"was released here: {reads:,} more."
        )
    if patients:
        parts.append(
            f"Of {n:,} abnormal patients that the verdict decided on by itself it missed {k:,}, so "
            f"that up to {percent(upper_bound(k, n, most.confidence))} may be missed at "
            f"{100 * most.confidence:g} % confidence; allowed are {percent(most.bound)} over at "
            f"least {most.groups}: {patients:,} more without a miss."
        )
    return " ".join(parts)


def hindrance(stage: Stage, policy: Policy | None) -> str:
    """Say why a stage cannot be released; empty when it can.

    Args:
        stage: The stage asked for.
        policy: What the verdicts are judged by; None when it is not at hand.
    """
    if stage is not Stage.AUTOMATIC:
        return ""
    if policy is None:
        return "Its policy is not at hand, so that nothing says what it is certified for."
    if not policy.escape.certified:
        return (
            "Never automatic without a certificate: this policy has none for missed abnormal. "
            f"{policy.escape.needed:,} more abnormal patients without a miss would give one."
        )
    more, most = groups_to_ceiling(policy.escape, pack.ceiling), pack.ceiling
    if more:
        return (
            f"Never automatic where more than {percent(most.bound)} of the abnormal patients may "
            f"be missed, at {100 * most.confidence:g} % confidence over at least {most.groups}: "
            f"this policy has {policy.escape.k:,} missed of {policy.escape.n:,} and needs "
            f"{more:,} more without a miss."
        )
    return ""

"""What people's reads say about the verdicts, as the evidence for the next stage of a site."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.decision.certificate import further_for, percent
from core.decision.clustered import share_interval
from core.records.listing import Read
from core.records.releases import Figure, Stage
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


@dataclass(frozen=True, slots=True)
class Share:
    """A share of reads with its 95 % interval, which allows for several studies of one patient.

    Attributes:
        k: Reads counted.
        n: Reads looked at.
        low: Lower end of the interval.
        high: Upper end of the interval.
    """

    k: int
    n: int
    low: float
    high: float


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
    """

    reads: int
    deferred: Share
    agreement: Share
    missed: Share
    false_alarm: Share
    overridden: Share


def evidence_of(
    reads: Sequence[Read], bundle: str, policy_id: str, site: str | None = None
) -> Evidence:
    """Compare what people said with the verdicts of one bundle under one policy.

    Reads of a study that names different patients count for nothing: no verdict is of the one read.

    Args:
        reads: What people said.
        bundle: Name and short hash of the bundle.
        policy_id: The policy.
        site: Only the reads of this site; None for all.
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
    return Evidence(
        reads=len(counted),
        deferred=_share(counted, lambda read: read.verdict is Disposition.DEFER),
        agreement=_share(automatic, lambda read: read.first is read.verdict),
        missed=_share(abnormal, lambda read: read.verdict is Disposition.NEGATIVE),
        false_alarm=_share(normal, lambda read: read.verdict is Disposition.POSITIVE),
        overridden=_share(automatic, lambda read: read.last is not read.verdict),
    )


def _share(reads: Sequence[Read], counts: Callable[[Read], bool]) -> Share:
    hit = np.array([counts(read) for read in reads], np.bool_)
    patients = np.array([_patient(read) for read in reads])
    return Share(int(hit.sum()), len(reads), *share_interval(hit, patients))


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
    return {"reads": evidence.reads, "escape_certified": certified, **parts}


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
    more, most = further_for(policy.escape, pack.ceiling), pack.ceiling
    if more:
        return (
            f"Never automatic where more than {percent(most.bound)} of the abnormal patients may "
            f"be missed, at {100 * most.confidence:g} % confidence over at least {most.groups}: "
            f"this policy has {policy.escape.k:,} missed of {policy.escape.n:,} and needs "
            f"{more:,} more without a miss."
        )
    return ""

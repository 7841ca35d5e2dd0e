"""What people's reads say of a bundle and policy: the evidence on which a stage is released."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

import numpy as np

from core.decision.rate import Rate
from core.decision.shared_names import join_by_name
from core.records.deployment import Deployment, Figure, Stage
from core.records.picture_origins import IN_BUNDLE
from core.records.read_list import Read
from core.records.values import TILE_OF
from core.service.review.case_rules import CaseRules, header_value
from core.types import Disposition, Policy


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

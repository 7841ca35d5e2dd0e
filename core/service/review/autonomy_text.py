"""Stages of autonomy as text and rows, without a screen."""

from __future__ import annotations

import math
from collections.abc import Mapping

from core.decision.certificate import upper_bound
from core.decision.certificate_text import percent
from core.decision.rate import percent_range, percentage
from core.packs import DomainPack
from core.records.deployment import Deployment, Stage
from core.service.review.autonomy import MEANING
from core.service.review.read_evidence import ReadEvidence
from core.types import Disposition

SINGLE_USER = (
    "A typed name is no proof of who somebody is: whoever can open this page can release. Where "
    "people sign in (README, For an administrator), each does it under their own account."
)


NO_SITE = "no site stated"


def stage_text(stage: Stage) -> str:
    """Return a stage with what it means."""
    return f"{stage.value.capitalize()}. {MEANING[stage]}"


def stage_lines(stages: Mapping[str, Stage]) -> list[str]:
    """Return the stages of a list: one line where its sites agree, else one a stage with sites."""
    by_stage = {
        stage: [site or NO_SITE for site, own in stages.items() if own is stage] for stage in Stage
    }
    there = {stage: sites for stage, sites in by_stage.items() if sites}
    if len(there) < 2:
        return [stage_text(stage) for stage in there or [Stage.AUDIT]]
    return [f"{', '.join(sites)}: {stage_text(stage)}" for stage, sites in there.items()]


def override_text(evidence: ReadEvidence) -> str:
    """Return how often readers differ from the verdicts in use; empty while nobody read any."""
    if not evidence.overridden.n:
        return ""
    return f"Readers differ from the verdict in {evidence.overridden.describe()}."


def override_texts(by_bundle: Mapping[str, ReadEvidence]) -> str:
    """Return how often readers differ from the verdicts in use, of each bundle by name if more."""
    texts = {bundle: override_text(one) for bundle, one in by_bundle.items()}
    known = {bundle: text for bundle, text in texts.items() if text}
    if len(known) < 2:
        return "".join(known.values())
    return " ".join(f"{bundle}: {text}" for bundle, text in known.items())


def confirm_text(evidence: ReadEvidence) -> str:
    """Return what a person confirms before a release."""
    if not evidence.reads:
        return "Nothing has been compared yet. I release it all the same."
    reads = "1 read" if evidence.reads == 1 else f"{evidence.reads:,} reads"
    return f"I have looked at these figures of {reads} and release it."


def release_text(one: Deployment) -> str:
    """Return who released what, when and for which bundle."""
    at = one.deployed_at.astimezone()
    return f"{at:%Y-%m-%d %H:%M} {one.stage.value}, by {one.deployed_by}, for {one.bundle}"


def evidence_rows(pack: DomainPack, evidence: ReadEvidence) -> list[tuple[str, str, str, str]]:
    """Return evidence as rows: what, counted, share, 95 % interval."""
    escape, overkill = (word.capitalize() for word in pack.error_names)
    positive, negative = (
        pack.wording[side].lower() for side in (Disposition.POSITIVE, Disposition.NEGATIVE)
    )
    shares = {
        "Left to a person": evidence.deferred,
        "Agreement where it decided": evidence.agreement,
        f"{escape} (of what readers called {positive})": evidence.escape,
        f"{overkill} (of what readers called {negative})": evidence.overkill,
        "Overridden by readers": evidence.overridden,
    }
    rows = [
        (what, f"{one.k:,} of {one.n:,}", percentage(one.value), percent_range(one.low, one.high))
        for what, one in shares.items()
    ]
    return [*rows, *_release_rows(pack, evidence)]


def _release_rows(pack: DomainPack, evidence: ReadEvidence) -> list[tuple[str, str, str, str]]:
    """Return the rows that a release to automatic depends on."""
    k, n = evidence.escaped_groups, evidence.positive_groups
    share = percentage(k / n if n else math.nan)
    at_most = f"at most {percent(upper_bound(k, n, pack.ceiling.confidence))}"
    decided = f"Missed {pack.unit_names[0]} that the verdict decided on"
    return [
        (decided, f"{k:,} of {n:,}", share, at_most),
        ("Read since supervised was released here", f"{evidence.supervised:,}", "", ""),
    ]

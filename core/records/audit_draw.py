"""The audit draw: a random share of the automatic negatives goes to a person who knows no verdict.

Only that gives an unbiased live escape rate: what reaches a person otherwise was chosen by the
model. The draw is a keyed hash, so that replaying a verdict draws the same; all images of a case
are drawn or none is.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace

from core.records.new_decision import NewDecision
from core.types import Disposition, Finding, Reason, Verdict

_BITS = 53


def draw(new: NewDecision, share: float) -> NewDecision:
    """Return a decision with the probability of its draw, and a drawn negative's finding AUDIT.

    The probability stands with every verdict, since the draw is made of every case: those drawn are
    a random sample of all. Only a negative needs the finding: others go to a person anyway.

    Args:
        new: A decision on its way into the store.
        share: Share of the cases to be drawn, 0 to 1.
    """
    decision = new.decision
    drawn = replace(decision, audit_probability=share)
    is_negative = decision.disposition is Disposition.NEGATIVE
    if is_negative and is_drawn(decision.policy_id, new.case_id, share):
        findings = (*decision.findings, Finding(Reason.AUDIT, ""))
        message = Verdict(decision.disposition, decision.label, findings).message
        drawn = replace(drawn, findings=findings, message=message)
    return replace(new, decision=drawn)


def is_drawn(policy_id: str, case_id: str, share: float) -> bool:
    """Return whether a case is drawn among those judged by a policy, which is the seed."""
    key = hashlib.sha256(f"audit draw {policy_id}".encode()).digest()
    number = hashlib.blake2b(case_id.encode(), key=key, digest_size=8).digest()
    return (int.from_bytes(number, "big") >> (64 - _BITS)) / (1 << _BITS) < share

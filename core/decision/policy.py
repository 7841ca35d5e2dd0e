"""Policies: made from labelled cases, applied to predictions, kept as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.decision.cases import Cases as Cases
from core.decision.certificate import NEVER, interval, percent
from core.decision.limits import budget_limits, certified_limits, deferred
from core.decision.ood import false_alarm
from core.decision.rule import judge, judge_one, readable, readable_one
from core.errors import BundleError
from core.types import (
    Certificate,
    Disposition,
    Finding,
    Policy,
    Prediction,
    Reason,
    Targets,
    Verdict,
)

_SIDES = {"escape": ("Negative", "positive"), "overkill": ("Positive", "negative")}


def certify(cal: Cases, oof: Cases, targets: Targets, *, bundle: str) -> Policy:
    """Make the policy that these cases justify.

    Args:
        cal: Held-out cases; nothing was fitted on them. May be empty: nothing is certified then.
        oof: Out-of-fold cases of the training set: the candidates, and with a review budget the
            limits themselves, come from here.
        targets: What is asked.
        bundle: Name and short hash of the bundle whose predictions these are.
    """
    choose = certified_limits if targets.review_budget is None else budget_limits
    escape, overkill = choose(cal, oof, targets)
    t_neg, t_pos = escape.threshold, overkill.threshold
    reached = cal.reached(targets.ood_alpha)
    return Policy(
        bundle=bundle,
        targets=targets,
        t_neg=t_neg,
        t_pos=t_pos,
        escape=escape,
        overkill=overkill,
        flagged=false_alarm(cal.ood_p, targets.ood_alpha),
        residual=_residual(cal, judge(cal.positive_probability, reached, t_neg, t_pos)),
        deferred=deferred(cal, targets.ood_alpha, t_neg, t_pos),
    )


def _residual(cal: Cases, made: NDArray[np.str_]) -> tuple[float, float, float, int]:
    """Count over groups, which are independent where images of one part are not."""
    passed = made == Disposition.NEGATIVE.value
    n = int(np.unique(cal.group[passed]).size)
    k = int(np.unique(cal.group[passed & cal.positive]).size)
    low, high = interval(k, n)
    return (k / n if n else 0.0), low, high, n


def dispositions(cases: Cases, policy: Policy) -> NDArray[np.str_]:
    """Judge many images at once, by the rule that ``decide`` goes through.

    Returns:
        ``n`` values of Disposition.
    """
    reached = cases.reached(policy.targets.ood_alpha)
    return judge(cases.positive_probability, reached, policy.t_neg, policy.t_pos)


def decide(
    prediction: Prediction, policy: Policy, classes: Sequence[str], positive: Sequence[bool]
) -> Verdict:
    """Judge one image: gates first, then faults, strangers and the two limits.

    Args:
        prediction: The image's calibrated reading.
        policy: The limits.
        classes: Class names in the order of the probabilities.
        positive: Whether each class counts as positive.

    Raises:
        ValueError: Probabilities, classes and positive differ in length.
    """
    p = prediction.probabilities
    if not p.shape == (len(classes),) == (len(positive),):
        raise ValueError(
            f"probabilities, classes, positive: expected equal lengths, got {p.shape}, "
            f"{len(classes)} and {len(positive)}"
        )
    valid = bool(p.size and readable(p).all())
    probability = prediction.positive_probability if valid else math.nan
    made = judge_one(
        probability,
        prediction.ood_p,
        gates_passed=not prediction.findings,
        ood_alpha=policy.targets.ood_alpha,
        t_neg=policy.t_neg,
        t_pos=policy.t_pos,
    )
    if made is Disposition.DEFER:
        whole = readable_one(probability) and readable_one(prediction.ood_p)
        return Verdict(
            made,
            _label(prediction, classes, None) if valid else "",
            _why(prediction, policy, whole),
        )
    wanted = [flag == (made is Disposition.POSITIVE) for flag in positive]
    return Verdict(made, _label(prediction, classes, wanted), ())


def _why(prediction: Prediction, policy: Policy, whole: bool) -> tuple[Finding, ...]:
    """Give every gate that was not passed, or else the one reason that the limits give."""
    p, ood_p = prediction.positive_probability, prediction.ood_p
    if not whole:
        fault = Finding(Reason.FAULT, f"Got positive probability {p} and OOD p-value {ood_p}.")
        return prediction.findings or (fault,)
    gates = prediction.findings
    if ood_p <= policy.targets.ood_alpha:
        detail = f"p-value {ood_p:.2g}, limit {policy.targets.ood_alpha:g}."
        gates = (*gates, Finding(Reason.NOVEL, detail))
    if gates:
        return gates
    leaning, limit = (policy.escape, policy.t_neg) if p < 0.5 else (policy.overkill, policy.t_pos)
    if limit is None:
        return (Finding(Reason.NOT_CERTIFIED, _missing(leaning)),)
    return (Finding(Reason.AMBIGUOUS, f"Positive probability {p:.3f}."),)


def _missing(certificate: Certificate) -> str:
    verdict, groups = _SIDES[certificate.kind]
    rate = f"{certificate.kind} rate of {percent(certificate.alpha)}"
    if certificate.needed == NEVER:
        return f"{verdict} verdicts have no limit for an {rate}."
    return (
        f"{verdict} verdicts at an {rate} need {certificate.needed} more {groups} group(s) "
        f"without an {certificate.kind}."
    )


def _label(prediction: Prediction, classes: Sequence[str], wanted: Sequence[bool] | None) -> str:
    """Name the most probable of the wanted classes, of all where none is wanted or exists."""
    p = prediction.probabilities
    if wanted is not None and any(wanted):
        p = np.where(wanted, p, -np.inf)
    return classes[int(np.argmax(p))]


def to_json(policy: Policy) -> dict[str, Any]:
    """Write a policy, with its id, as plain JSON values."""
    shares = {"flagged": list(policy.flagged), "residual": list(policy.residual)}
    return {**asdict(policy), **shares, "id": policy.id}


def from_json(data: Mapping[str, Any]) -> Policy:
    """Read back what ``to_json`` wrote, bit for bit.

    Raises:
        BundleError: A field is missing or wrong, or the content does not hash to the stated id.
    """
    try:
        policy = Policy(
            bundle=data["bundle"],
            targets=Targets(**data["targets"]),
            t_neg=data["t_neg"],
            t_pos=data["t_pos"],
            escape=Certificate(**data["escape"]),
            overkill=Certificate(**data["overkill"]),
            flagged=_share(data["flagged"]),
            residual=_share(data["residual"]),
            deferred=data["deferred"],
        )
        stated, found = data["id"], policy.id
    except (KeyError, TypeError, ValueError) as exc:
        raise BundleError(
            f"The policy cannot be read: {exc!r}.", hint="Run `assay certify` to make a new one."
        ) from exc
    if stated != found:
        raise BundleError(
            f"The policy says id {stated}, but its content hashes to {found}.",
            hint="It was edited by hand; run `assay certify` to make a new one.",
        )
    return policy


def _share(values: Sequence[float]) -> tuple[float, float, float, int]:
    rate, low, high, n = values
    return rate, low, high, int(n)

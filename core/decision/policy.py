"""Policies: made from labelled cases, applied to predictions, kept as JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from itertools import compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.decision import good_only, multilabel
from core.decision.cases import Cases as Cases
from core.decision.certificate import NEVER, interval
from core.decision.certificate_text import percent
from core.decision.ood import false_alarm
from core.decision.rule import is_probability, is_probability_one, judge, judge_one
from core.decision.thresholds import (
    budget_limits,
    certified_limits,
    deferral_rate,
    uncertified_limit,
)
from core.errors import BundleError
from core.types import (
    Ceiling,
    Certificate,
    Disposition,
    Finding,
    GoodOnly,
    Policy,
    Prediction,
    Reason,
    Targets,
    Verdict,
)

_CEILING = Ceiling()
_SIDES = {"escape": ("Negative", "positive"), "overkill": ("Positive", "negative")}


def certify(
    cal: Cases,
    oof: Cases,
    targets: Targets,
    *,
    bundle: str,
    good_groups: int = 0,
    ceiling: Ceiling = _CEILING,
    attempt: int = 1,
    added: str = "",
) -> Policy:
    """Return the policy that these cases justify.

    Args:
        cal: Held-out cases; nothing was fitted on them. May be empty: nothing is certified then.
        oof: Out-of-fold cases of the training set: the candidates, and with a review budget the
            limits themselves, come from here.
        targets: What is asked.
        bundle: Name and short hash of the bundle whose predictions these are.
        good_groups: Good groups in the bundle's memory bank, which bound overkill as long as cal
            certifies no limit for it.
        ceiling: The pack's, which a review budget must respect.
        attempt: How many different targets were certified on cal, these included.
        added: Digest of the reviewed cases in cal; empty where all are the bundle's own.
    """
    if targets.review_budget is None:
        escape, overkill = certified_limits(cal, oof, targets, attempt)
    else:
        escape, overkill = budget_limits(cal, oof, targets, ceiling, attempt)
    t_neg, t_pos = escape.threshold, overkill.threshold
    if t_neg is None and targets.uncertified_negatives:
        t_neg = uncertified_limit(cal, oof, targets)
    bounded = good_groups > 0 and not overkill.certified
    reached = cal.reached(targets.ood_alpha)
    return Policy(
        bundle=bundle,
        targets=targets,
        t_neg=t_neg,
        t_pos=t_pos,
        escape=escape,
        overkill=overkill,
        flagged=false_alarm(cal.ood_p, targets.ood_alpha, cal.group),
        residual=_residual(cal, judge(cal.positive_probability, reached, t_neg, t_pos)),
        deferred=deferral_rate(cal, targets.ood_alpha, t_neg, t_pos),
        good_only=good_only.bound_overkill(good_groups, targets.overkill) if bounded else None,
        attempt=attempt,
        added=added,
    )


def suspend(policy: Policy, why: str) -> Policy:
    """Return a policy without its certificate of escapes: nothing is negative without a person.

    What it calls positive, it still does. The same policy and reason give the same id.

    Args:
        policy: The policy; one that is suspended already stays as it is.
        why: A sentence, which every picture that is sent to a person for it bears.
    """
    if policy.suspended:
        return policy
    escape = replace(policy.escape, certified=False, threshold=None)
    return replace(policy, t_neg=None, escape=escape, suspended=why)


def _residual(cal: Cases, made: NDArray[np.str_]) -> tuple[float, float, float, int]:
    """Return counts over groups, which are independent where images of one part are not."""
    passed = made == Disposition.NEGATIVE.value
    n = int(np.unique(cal.group[passed]).size)
    k = int(np.unique(cal.group[passed & cal.positive]).size)
    low, high = interval(k, n)
    return (k / n if n else 0.0), low, high, n


def dispositions(cases: Cases, policy: Policy) -> NDArray[np.str_]:
    """Return the dispositions of many images, by the rule that ``decide`` goes through.

    Returns:
        ``n`` values of Disposition.
    """
    reached = cases.reached(policy.targets.ood_alpha)
    return judge(cases.positive_probability, reached, policy.t_neg, policy.t_pos)


def decide(
    prediction: Prediction, policy: Policy, classes: Sequence[str], positive: Sequence[bool]
) -> Verdict:
    """Return the verdict on one image: quality gates, invalid scores, OOD gate, two limits.

    The label is the most probable class of the verdict's side, of all classes for a DEFER. Where a
    picture may have several labels it names all of the side (for a DEFER, the more probable one)
    that are as likely as not, the most probable at the least: ``dent|scratch``.

    Args:
        prediction: The image's calibrated scores.
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
    valid = bool(p.size and is_probability(p).all())
    good_level = policy.good_only.level if policy.good_only else None
    valid = valid and is_probability_one(prediction.good_p)
    probability = prediction.positive_probability if valid else math.nan
    made = judge_one(
        probability,
        prediction.ood_p,
        gates_passed=not prediction.findings,
        ood_alpha=policy.targets.ood_alpha,
        t_neg=policy.t_neg,
        t_pos=policy.t_pos,
        good_p=prediction.good_p,
        good_level=good_level,
    )
    if made is Disposition.DEFER:
        whole = is_probability_one(probability) and is_probability_one(prediction.ood_p)
        return Verdict(
            made,
            _label(prediction, classes, positive, made) if valid else "",
            _why(prediction, policy, whole),
        )
    return Verdict(made, _label(prediction, classes, positive, made), ())


def _why(prediction: Prediction, policy: Policy, whole: bool) -> tuple[Finding, ...]:
    """Return all gates that were not passed, or else the one reason that the limits give."""
    p, ood_p = prediction.positive_probability, prediction.ood_p
    if not whole:
        fault = Finding(Reason.FAULT, f"Got positive probability {p} and OOD p-value {ood_p}.")
        return prediction.findings or (fault,)
    gates = prediction.findings
    if ood_p <= policy.targets.ood_alpha:
        detail = f"p-value {ood_p:.2g}, limit {policy.targets.ood_alpha:g}."
        if prediction.resembled:
            detail = f"It looks {prediction.resembled}: {detail}"
        gates = (*gates, Finding(Reason.NOVEL, detail))
    if gates:
        return gates
    passing = p < 0.5 or (policy.good_only and policy.good_only.level is not None)
    leaning, limit = (policy.escape, policy.t_neg) if passing else (policy.overkill, policy.t_pos)
    if limit is None and not passing and policy.good_only:
        detail = good_only.describe_bound(policy.good_only, "overkill", "good group(s)")
        return (Finding(Reason.NOT_CERTIFIED, detail),)
    if limit is None:
        missing = policy.suspended if leaning is policy.escape else ""
        return (Finding(Reason.NOT_CERTIFIED, missing or _missing(leaning)),)
    return (Finding(Reason.AMBIGUOUS, f"Positive probability {p:.3f}."),)


def _missing(certificate: Certificate) -> str:
    verdict, groups = _SIDES[certificate.kind]
    rate = f"{certificate.kind} rate of {percent(certificate.alpha)}"
    if certificate.needed == NEVER:
        return f"{verdict} verdicts have no limit for an {rate}."
    note = "" if certificate.n else f"0 {groups} groups seen, so the rate is unknown. "
    return (
        f"{note}{verdict} verdicts at an {rate} need {certificate.needed} more {groups} group(s) "
        f"without an {certificate.kind}."
    )


def _label(
    prediction: Prediction, classes: Sequence[str], positive: Sequence[bool], made: Disposition
) -> str:
    """Return the most probable class of the verdict's side, of all where it has none."""
    p = prediction.probabilities
    if prediction.is_multilabel:
        return "|".join(compress(classes, _decide_multilabel(prediction, positive, made)))
    wanted = [flag == (made is Disposition.POSITIVE) for flag in positive]
    if made is not Disposition.DEFER and any(wanted):
        p = np.where(wanted, p, -np.inf)
    return classes[int(np.argmax(p))]


def _decide_multilabel(
    prediction: Prediction, positive: Sequence[bool], made: Disposition
) -> NDArray[np.bool_]:
    leaning = prediction.positive_probability >= multilabel.SPLIT
    side = leaning if made is Disposition.DEFER else made is Disposition.POSITIVE
    chosen = multilabel.choose_labels(
        prediction.probabilities[None], np.array([side]), np.array(positive)
    )
    return chosen.ravel()


def to_json(policy: Policy) -> dict[str, Any]:
    """Return a policy, with its id, as plain JSON values."""
    shares = {"flagged": list(policy.flagged), "residual": list(policy.residual)}
    return {**asdict(policy), **shares, "id": policy.id}


def from_json(data: Mapping[str, Any]) -> Policy:
    """Return the policy that ``to_json`` wrote, bit for bit.

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
            good_only=GoodOnly(**data["good_only"]) if data["good_only"] else None,
            attempt=data["attempt"],
            added=data.get("added", ""),
            # Policies that hold are hashed without it.
            suspended=data.get("suspended", ""),
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

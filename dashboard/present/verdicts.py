"""A verdict as text: its probability, its reasons, its labels, and the keys that give one."""

from __future__ import annotations

from collections.abc import Mapping

from core.packs import DomainPack
from core.records.cases import StoredReview
from core.records.values import StoredDecision
from core.types import Disposition, Policy
from dashboard.present.marks import verdict_mark

OWN_KEYS = frozenset("CRHJNSUBDIKTWXZ")
"""C and R are Streamlit's; the others work the page and its picture (`dashboard.present.keys`)."""

BLIND_NOTE = (
    "Drawn to be read blind. Judge it as if nobody had: every verdict on it stays hidden until you "
    "have given yours."
)
MOST_LABELS = 5
LIKELY = 0.5


def assign_verdict_keys(wording: Mapping[Disposition, str]) -> dict[Disposition, str]:
    """Return a key for each verdict a person may give: the first letter of its word that is free.

    Where every letter of a word is taken, the first free digit stands in. Digits from 1 on pick
    images, so the stand-ins are counted down from 9.

    Args:
        wording: The pack's word for each disposition.
    """
    taken = set(OWN_KEYS)
    keys: dict[Disposition, str] = {}
    for disposition in (Disposition.NEGATIVE, Disposition.POSITIVE):
        letters = [c for c in wording[disposition].upper() if c.isascii() and c.isalpha()]
        keys[disposition] = next(c for c in (*letters, *"987") if c not in taken)
        taken.add(keys[disposition])
    return keys


def format_probability(value: float | None) -> str:
    """Return a probability written so that it never looks like certainty."""
    if value is None:
        return "–"
    if value < 0.001:
        return "< 0.001"
    return "> 0.999" if value > 0.999 else f"{value:.3f}"


def summarize_verdict(decision: StoredDecision | None) -> str:
    """Return a verdict in two words, behind its shape."""
    if decision is None:
        return str(verdict_mark(None, "not assessed"))
    mark = verdict_mark(decision.disposition, decision.wording)
    return f"{mark} {format_probability(decision.positive_probability)}"


def explain_verdict(decision: StoredDecision, policy: Policy | None) -> list[str]:
    """Return in plain sentences why an image got its verdict.

    Args:
        decision: The verdict.
        policy: The limits that were applied; None when they are not at hand.
    """
    if decision.findings:
        return [f"{f.reason.sentence} {f.detail}".strip() for f in decision.findings]
    negative = decision.disposition is Disposition.NEGATIVE
    limit = None if policy is None else (policy.t_neg if negative else policy.t_pos)
    chance = decision.positive_probability
    if limit is None or chance is None:
        return [f"Called {decision.wording} by itself."]
    side = "at or below" if negative else "at or above"
    certificate = policy and (policy.escape if negative else policy.overkill)
    kind = "certified" if certificate and certificate.certified else "uncertified"
    return [
        f"Called {decision.wording} by itself: the probability {format_probability(chance)} is "
        f"{side} the {kind} limit {format_probability(limit)}."
    ]


def rank_labels(
    decision: StoredDecision, most: int = MOST_LABELS
) -> tuple[list[tuple[str, float]], str]:
    """Return the most probable labels, and a note on what is left out.

    Args:
        decision: The verdict; two classes have nothing to list beside the positive probability.
        most: How many at the most; whatever is as likely as not is listed in any case.

    Returns:
        Labels with their probabilities, the most probable first, and the note, maybe empty.
    """
    pairs = list(zip(decision.classes, decision.probabilities, strict=False))
    if len(pairs) <= 2:
        return [], ""
    ranked = sorted(pairs, key=lambda pair: -pair[1])
    likely = sum(probability >= LIKELY for _, probability in ranked)
    shown = max(most, likely)
    left = ranked[shown:]
    if not left:
        return ranked, ""
    labels = "1 more label" if len(left) == 1 else f"{len(left)} more labels"
    return ranked[:shown], f"{labels}, the likeliest {format_probability(left[0][1])}"


def describe_heat_map(pack: DomainPack) -> str:
    """Return what the colours of the heat map mean."""
    positive = pack.wording[Disposition.POSITIVE]
    return f"Orange is evidence for {positive}, blue evidence against it; deeper means stronger."


def describe_undo(last: StoredReview | None, pack: DomainPack) -> str:
    """Return what an undo would take back."""
    if last is None or last.disposition is None:
        return "You have given no verdict yet."
    return f"Takes back your last verdict, {pack.wording[last.disposition]}."

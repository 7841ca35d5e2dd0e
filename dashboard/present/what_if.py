"""What other limits would have made of past cases, as sentences and table rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from core.decision.back_test import Costs, ErrorEstimate, PolicyEffect
from core.decision.certificate import NEVER, groups_needed
from core.decision.certificate_text import percent
from core.packs import DomainPack
from core.types import Certificate, Disposition, Policy

ESCAPES = (0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.5)
CONFIDENCES = (0.8, 0.9, 0.95, 0.975, 0.99, 0.995, 0.999)
BUDGETS = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75)
"""What may be chosen; a pack's ceiling takes some away, and what is in force is always there."""


def rates_to_choose(most: float, current: float) -> list[float]:
    """Return the error rates that may be asked for, none above the pack's ceiling."""
    return sorted({current, *(rate for rate in ESCAPES if rate <= most)})


def confidences_to_choose(least: float, current: float) -> list[float]:
    """Return the confidences that may be asked for, none below the pack's ceiling."""
    return sorted({current, *(one for one in CONFIDENCES if one >= least)})


def describe_share_choice(share: float) -> str:
    """Return a share as a choice on a slider."""
    return f"{100 * share:g} %"


def describe_window(
    pictures: int,
    cases: int,
    oldest: datetime | None,
    newest: datetime | None,
    most: int | None,
    copies: int = 0,
) -> str:
    """Return which past decisions the figures are of.

    Args:
        pictures: How many pictures.
        cases: How many cases they make.
        oldest: When the first of them was decided.
        newest: When the last was.
        most: How many are read at the most, where there are more; None where all were read.
        copies: Cases left out since they show copies.
    """
    if oldest is None or newest is None:
        return "No decision of the bundle in use lies in this stretch of time."
    start, end = (f"{one.astimezone():%Y-%m-%d %H:%M}" for one in (oldest, newest))
    read = f"the newest {most:,} of more" if most else "all"
    text = f"{cases:,} cases, {pictures:,} pictures ({read}), decided from {start} to {end}."
    if copies:
        text += (
            f" Left out: {copies:,} more that show copies of their pictures, or of those that the "
            "bundle was made of."
        )
    return text


def describe_estimate(one: ErrorEstimate) -> str:
    """Return how many errors there are likely to be, and on what that rests."""
    if not one.total:
        return "none: nothing is decided this way"
    if one.looked_at == 0:
        return f"{one.known:,} known; of {one.total:,} nobody was asked: 0 to {one.high:,}"
    about = "" if one.value is None else f"about {one.value:,.0f}, "
    return (
        f"{one.known:,} known; {about}{one.low:,} to {one.high:,} "
        f"({one.looked_at:,} of {one.total:,} answered)"
    )


def describe_cost(effect: PolicyEffect, costs: Costs) -> str:
    """Return the cost with its interval."""
    value, low, high = effect.cost(costs)
    if round(low) == round(high):
        return f"{low:,.0f}"
    about = "unknown" if value is None else f"about {value:,.0f}"
    return f"{about}, {low:,.0f} to {high:,.0f}"


def what_if_rows(
    before: PolicyEffect, after: PolicyEffect, pack: DomainPack, costs: Costs
) -> list[tuple[str, str, str]]:
    """Return what was and what would have been, a row a figure."""
    passed, defer, failed = (
        pack.wording[one] for one in (Disposition.NEGATIVE, Disposition.DEFER, Disposition.POSITIVE)
    )
    sides = (before, after)
    escape, overkill = pack.error_names
    shares = [("decided without a person", [one.automatic for one in sides])]
    shares += [
        (name, [one.shares[place] for one in sides])
        for place, name in enumerate((passed, f"{defer} (a person decides)", failed))
    ]
    rows = [(name, *(rate.describe_briefly() for rate in both)) for name, both in shares]
    rows += [
        (f"{escape}: cases", *(describe_estimate(one.escapes) for one in sides)),
        (f"{overkill}: cases", *(describe_estimate(one.overkills) for one in sides)),
        ("cost", *(describe_cost(one, costs) for one in sides)),
    ]
    return [(row[0], row[1], row[2]) for row in rows]


def describe_certifiable(certificate: Certificate, word: str, unit: str, asked: float) -> str:
    """Return whether a rate is certified on the held-out cases, or what is missing.

    Args:
        certificate: What the cases say.
        word: The domain's word for the error.
        unit: The domain's words for what is counted.
        asked: The confidence that was asked for, before earlier certifications raised it.
    """
    c = certificate
    if c.certified:
        return (
            f"Certified: {word} at most {percent(c.alpha)}, {c.k:,} in {c.n:,} {unit} "
            f"(bound {percent(c.bound)})."
        )
    if c.needed == NEVER:
        return f"Not certifiable: no number of {unit} would be enough for this."
    first = groups_needed(c.n, c.k, c.alpha, asked)
    missing = f"Not certifiable: needs at least {c.needed:,} more {unit}, none with an {word}"
    missing = missing.replace(f"an {word}", f"a {word}") if word[0] not in "aeiou" else missing
    there = f"there are {c.n:,}" + (
        f", {c.k:,} of them wrong at the strictest limit" if c.k else ""
    )
    if first != c.needed and c.confidence > asked:
        return f"{missing} ({there}; {first:,} more if these were the first targets tried on them)."
    return f"{missing} ({there})."


def describe_proposal(policy: Policy) -> str:
    """Return what a proposal of a policy would have to hold."""
    if policy.attempt == 1:
        return "Proposed, this would be the first certification on these held-out cases."
    return (
        f"Proposed, this is certification number {policy.attempt} on the same held-out cases: "
        f"chosen after earlier results, it has to hold with "
        f"{100 * policy.escape.confidence:.6g} % confidence instead of "
        f"{100 * policy.targets.confidence:g} %. What is shown here is counted so."
    )


def describe_flips(listed: int, total: int, withheld: int) -> str:
    """Return how many verdicts would be others, and how many of them are listed."""
    if not total:
        return "No past verdict would be another one."
    cases = "1 past verdict" if total == 1 else f"{total:,} past verdicts"
    text = f"{cases} would be another one; {listed:,} of them are listed"
    if withheld:
        text += f", {withheld:,} wait for a person who must not know the verdict"
    return f"{text}. Those that a person's answer contradicts come first."


def describe_flip(
    given: Disposition, made: Disposition, answer: Disposition | None, words: Sequence[str]
) -> str:
    """Return one verdict that would be another one.

    Args:
        given: The verdict.
        made: What it would be.
        answer: A person's answer; None where there is none.
        words: The pack's words for negative, defer and positive.
    """
    word = dict(
        zip((Disposition.NEGATIVE, Disposition.DEFER, Disposition.POSITIVE), words, strict=True)
    )
    person = "no answer yet" if answer is None else f"a person: {word[answer]}"
    return f"{word[given]} → {word[made]}, {person}"

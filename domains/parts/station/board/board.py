"""What the operator's board says beside its headline, decided without a screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.decision.certificate_text import percent
from core.decision.good_only import describe_bound
from core.decision.rate import Rate
from core.packs import DomainPack
from core.records.cases import Counts
from core.service.summaries import summarise_policy
from core.types import Certificate, Disposition, GoodOnly, Policy
from domains.parts.station.board.headline import STATES, BoardState, headline_of
from domains.parts.station.board.status_file import ShownRecipe
from domains.parts.station.part import InspectedPart
from domains.parts.station.records.overrides import Override, rates_by_person, rates_by_reason
from domains.parts.station.result import LineResult


@dataclass(frozen=True, slots=True)
class BoardTile:
    """One of the last parts, small.

    Attributes:
        number: Number of the part.
        title: Its id, or its number where it has none.
        state: Which colour it has.
        word: PASS, FAIL or STOP.
        sentence: Why.
        score: Its score as text.
        clock: When, as the clock on the wall shows it.
        decision: Id of the decision on its worst view; empty where nothing was judged.
        elapsed: How long it took, as text.
        is_reference: Whether it is a reference part, which enters no rate and gets no label.
    """

    number: int
    title: str
    state: BoardState
    word: str
    sentence: str
    score: str
    clock: str
    decision: str
    elapsed: str
    is_reference: bool


def tile(part: InspectedPart) -> BoardTile:
    """Return a part as one of the last ones."""
    trigger = part.trigger
    return BoardTile(
        number=trigger.number,
        title=f"Ref. {trigger.challenge}" if trigger.challenge else _name_of(part),
        state=STATES[part.result],
        word=part.result.value,
        sentence=headline_of(part).sentence,
        score="–" if part.score is None else f"{part.score:.3f}",
        clock=part.recorded_at.astimezone().strftime("%H:%M:%S"),
        decision=part.decisions[0] if part.decisions else "",
        elapsed=f"{part.elapsed_us / 1000:.0f} ms",
        is_reference=bool(trigger.challenge),
    )


def _name_of(part: InspectedPart) -> str:
    return part.part_id or f"No. {part.trigger.number}"


@dataclass(frozen=True, slots=True)
class RateLine:
    """One rate of the day."""

    name: str
    rate: Rate


def rates_today(counts: Mapping[str, int]) -> list[RateLine]:
    """Return the share of each result among the parts of a day, reference parts left out.

    Args:
        counts: Parts by result, from the store.
    """
    n = sum(counts.get(result.value, 0) for result in LineResult)
    return [
        RateLine(result.value, Rate.independent(counts.get(result.value, 0), n))
        for result in LineResult
    ]


@dataclass(frozen=True, slots=True)
class CertificateLine:
    """What is certified, or not yet, in few words; and the whole sentence."""

    is_certified: bool
    brief: str
    sentence: str


NOT_DEPLOYED = CertificateLine(
    False,
    "NOT CERTIFIED: nothing is deployed",
    "Nothing judges this product, so nothing passes: show good parts on the page Parts: learn.",
)


def certificate_lines(
    pack: DomainPack, policy: Policy, recipe: ShownRecipe | None
) -> list[CertificateLine]:
    """Return what the policy in force certifies, escape first, and what it does not.

    Args:
        pack: The pack, whose words are used.
        policy: The policy in force.
        recipe: The recipe that is active; None while that is not known.
    """
    sentences = summarise_policy(pack, policy)
    sides = zip((policy.escape, policy.overkill), pack.error_names, sentences, strict=False)
    lines = [
        CertificateLine(one.certified, _brief(one, word, unit), sentence)
        for (one, word, sentence), unit in zip(sides, pack.unit_names, strict=True)
    ]
    if policy.good_only is not None and policy.good_only.level is not None:
        lines[1] = _bounded(pack, policy.good_only, policy.good_only.level)
    if recipe is not None and recipe.allows_uncertified and not policy.escape.certified:
        allowed = "Parts pass without a certificate: the recipe allows it."
        lines.insert(0, CertificateLine(False, "PASS IS NOT CERTIFIED", allowed))
    return lines


def _bounded(pack: DomainPack, bound: GoodOnly, level: float) -> CertificateLine:
    word, unit = pack.error_names[1], pack.unit_names[1]
    brief = (
        f"{word.capitalize()} ≤ {percent(level)} on average, NOT CERTIFIED yet: {bound.n} {unit}"
    )
    return CertificateLine(False, brief, describe_bound(bound, word, unit))


def _brief(certificate: Certificate, word: str, unit: str) -> str:
    rate, name = f"{100 * certificate.alpha:.3g} %", word.capitalize()
    if certificate.certified:
        return f"{name} ≤ {rate} certified on {certificate.n} {unit}"
    if certificate.needed > 0:
        return f"{name} ≤ {rate} NOT CERTIFIED yet: {certificate.needed} more {unit} needed"
    return f"{name} NOT CERTIFIED yet: {certificate.n} {unit} seen"


def challenge_line(passed_at: datetime | None, recipe: ShownRecipe | None, at: datetime) -> str:
    """Return when the reference parts were last shown and are due again."""
    if recipe is not None and not recipe.references:
        return "This recipe lists no reference parts."
    if passed_at is None:
        return "Reference parts: never passed."
    clock = passed_at.astimezone().strftime("%d.%m. %H:%M")
    line = f"Reference parts passed {clock}, {_span(at - passed_at)} ago"
    if recipe is None:
        return f"{line}."
    left = passed_at + timedelta(hours=recipe.hours) - at
    return f"{line}; due again in {_span(left)}." if left > timedelta() else f"{line}: due now."


def _span(span: timedelta) -> str:
    minutes = max(0, int(span.total_seconds() // 60))
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


def backlog_line(counts: Counts) -> str:
    """Return how many parts wait for a person, those drawn for the audit apart."""
    audit = counts.waiting.get(Disposition.NEGATIVE, 0)
    others = sum(counts.waiting.values()) - audit
    return f"{audit:,} for the audit, {others:,} for review"


def person_lines(
    overrides: Sequence[Override], answers: Sequence[tuple[str, bool]]
) -> list[tuple[str, str]]:
    """Return what each person released and what they did with known-bad parts, name first."""
    found = rates_by_person(overrides, answers)
    lines = []
    for who, one in found.items():
        minutes = "" if one.minutes is None else f", after {one.minutes:.0f} min (median)"
        salt = f"; known-bad released {one.salt_released.describe()}" if one.salt_released.n else ""
        lines.append((who, f"released {one.released.describe()}{minutes}{salt}"))
    return lines


def reason_lines(overrides: Sequence[Override]) -> list[tuple[str, str]]:
    """Return how often each reason was given, the most frequent first."""
    return [
        (f"{reason.kind.value}: {reason.sentence}", rate.describe())
        for reason, rate in rates_by_reason(overrides).items()
    ]

"""How people read, in words: agreement with its interval, each person's figures, what to do."""

from __future__ import annotations

from collections.abc import Mapping

from core.decision.agreement import AgreementFigure, ReaderAgreement
from core.decision.rate import Rate
from core.decision.reader_quality import FASTEST_MS, TIMED
from core.decision.second_read import ReadAnswer, ReadState
from core.packs import DomainPack
from core.records.double_reads import DoubleRead
from core.records.read_claims import ReadClaim
from core.records.read_plans import ReadPlan
from core.service.review.readers import ReaderFigures, ReadingQuality
from core.types import Disposition
from dashboard.present.marks import verdict_mark

_STATES = {
    ReadState.READ1: "wait for a second reader",
    ReadState.DISPUTED: "wait for a third person",
    ReadState.AGREED: "agreed",
    ReadState.ADJUDICATED: "adjudicated",
    ReadState.UNCLEAR: "found unclear",
}


def describe_figure(figure: AgreementFigure) -> str:
    """Return a figure of agreement with its interval, or why there is none."""
    if figure.value is None:
        return figure.reason
    value = f"{_short(figure.value)}"
    if figure.low is None or figure.high is None:
        return f"{value}, {figure.reason}"
    return f"{value} (95 % interval {_short(figure.low)} to {_short(figure.high)})"


def list_agreement(agreement: ReaderAgreement) -> list[tuple[str, str, str]]:
    """Return the figures of agreement: name, figure, and what it means."""
    return [
        ("Percent agreement", describe_figure(agreement.percent), "Same answer on a case."),
        (
            "Cohen's kappa",
            describe_figure(agreement.cohen),
            "Beyond chance, of the first and the second read; falls where one label is rare.",
        ),
        (
            "Fleiss' kappa",
            describe_figure(agreement.fleiss),
            "Beyond chance, whoever of the readers was first.",
        ),
        (
            "Gwet's AC1",
            describe_figure(agreement.gwet),
            "Beyond chance; holds where one label is rare.",
        ),
    ]


def describe_plan(plan: ReadPlan, pack: DomainPack) -> str:
    """Return how much is read twice, and how many known cases are mixed in."""
    shares = [(pack.wording[one], plan.share_of(one)) for one in Disposition]
    if not any(share for _, share in shares):
        twice = "No case is read twice."
    else:
        parts = ", ".join(f"{100 * share:g} % of {word}" for word, share in shares)
        twice = f"A second person reads, blind: {parts}."
    if not plan.gold:
        return f"{twice} No known cases are mixed in."
    return (
        f"{twice} {100 * plan.gold:g} % of what a reviewer is shown are known cases; "
        f"asked for is a sensitivity of {100 * plan.target:g} %."
    )


def describe_states(states: Mapping[ReadState, int]) -> str:
    """Return how many of the cases drawn for a second read stand where; empty for none."""
    parts = [f"{states[state]:,} {words}" for state, words in _STATES.items() if states.get(state)]
    return f"Drawn for a second read: {', '.join(parts)}." if parts else ""


def list_readers(quality: ReadingQuality) -> list[tuple[str, ...]]:
    """Return each person's figures as text, as under ``READER_COLUMNS``."""
    return [
        (
            one.name,
            f"{one.first:,}",
            f"{one.second:,}",
            f"{one.adjudicated:,}",
            describe_rate(one.overruled),
            describe_rate(one.sensitivity),
            describe_rate(one.specificity),
            "–" if one.median_ms is None else f"{one.median_ms / 1000:.1f} s",
        )
        for one in quality.readers
    ]


READER_COLUMNS = (
    "Person",
    "First reads",
    "Second reads",
    "Adjudicated",
    "Overruled",
    "Known positives",
    "Known negatives",
    "Median time",
)


def list_alarms(quality: ReadingQuality) -> list[str]:
    """Return what is wrong with whose answers, a sentence each."""
    return [sentence for one in quality.readers for sentence in _alarms(one, quality.plan.target)]


def describe_missing(one: ReaderFigures, target: float) -> str:
    """Return how many known positives are missing before a person's sensitivity can be shown."""
    if not one.alarms.more_needed:
        return ""
    return (
        f"{one.name}: {one.alarms.more_needed:,} more known positives until a sensitivity of "
        f"{100 * target:g} % can be shown."
    )


def describe_rate(rate: Rate) -> str:
    """Return a rate with its exact interval; a dash where nothing was looked at."""
    return rate.describe() if rate.n else "–"


def describe_answer(answer: ReadAnswer, pack: DomainPack) -> str:
    """Return what somebody answered, without who."""
    word = answer.category
    if answer.disposition is not Disposition.DEFER:
        word = pack.wording[answer.disposition]
        if answer.label:
            word = f"{word}: {answer.label.replace('|', ', ')}"
    return str(verdict_mark(answer.disposition, word))


def describe_double_read(one: DoubleRead, pack: DomainPack, names: Mapping[str, str]) -> str:
    """Return what two people answered on a case, and what came of it."""
    given = ", ".join(
        f"{names.get(reader) or reader} {_category(word, pack)}"
        for reader, word in zip(one.readers, one.categories, strict=True)
        if reader
    )
    if one.outcome is None:
        return "two answers differ"
    outcome = str(verdict_mark(one.outcome, one.label or pack.wording[one.outcome]))
    return f"{given}: {one.state.value}, {outcome}"


def describe_claim(claim: ReadClaim) -> str:
    """Return who has a case before them, until when."""
    until = claim.expires_at.astimezone()
    return f"{claim.name} has this case before them, until {until:%H:%M} unless they work on."


def _alarms(one: ReaderFigures, target: float) -> list[str]:
    found = []
    if one.alarms.is_insensitive:
        found.append(
            f"{one.name} found {describe_rate(one.sensitivity)} of the known positives; "
            f"{100 * target:g} % is asked for and not shown."
        )
    if one.alarms.is_too_fast and one.median_ms is not None:
        found.append(
            f"{one.name} took {one.median_ms:.0f} ms a case over the newest {TIMED}, and nobody "
            f"reads a picture in less than {FASTEST_MS:.0f} ms."
        )
    return found


def _category(word: str, pack: DomainPack) -> str:
    try:
        return pack.wording[Disposition(word)]
    except ValueError:
        return word


def _short(value: float) -> str:
    return f"{value:.3f}".replace("-", "−")

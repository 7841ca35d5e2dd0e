"""How good the verdicts are, as sentences and table rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.decision.answered import count_unrepresented, weigh_answers
from core.decision.back_test import CALLS_OUT, DEFERS, PASSES, SEVERITY, PastVerdicts
from core.decision.subgroups import EstimatedRate, SubgroupRates, estimate_rate
from core.packs import DomainPack
from core.report.reliability import Reliability
from core.types import Disposition

SELECTED = (
    "The model chose which cases people saw first, so these cases are no random sample: what "
    "looks wrong here may be right for all cases, and the other way round."
)
HELD_OUT = (
    "Held-out cases of the bundle: labelled, and nothing was fitted on them. Their pictures are "
    "not kept in the bundle, so there is none to open."
)
DRAWN = (
    "By the cases drawn at random for the audit, the one part of what passed that the model did "
    "not choose; each counts for as many cases as it was drawn from."
)


@dataclass(frozen=True, slots=True)
class ConfusionCell:
    """Cases with one verdict and one answer.

    Attributes:
        verdict: The verdict, a place in ``SEVERITY``.
        answer: The person's answer, likewise.
        cases: Numbers of the cases.
        drawn: How many of them the audit drew.
    """

    verdict: int
    answer: int
    cases: NDArray[np.intp]
    drawn: int

    @property
    def is_error(self) -> bool:
        """Whether the verdict decided the case wrongly by itself."""
        return {self.verdict, self.answer} == {PASSES, CALLS_OUT}


def count_confusion(past: PastVerdicts) -> list[ConfusionCell]:
    """Return the cells of verdict against answer, those with a case, errors first."""
    cells = []
    for verdict in range(len(SEVERITY)):
        for answer in range(len(SEVERITY)):
            mine = (past.given == verdict) & (past.answer == answer)
            if mine.any():
                drawn = int((mine & past.is_drawn).sum())
                cells.append(ConfusionCell(verdict, answer, np.flatnonzero(mine), drawn))
    return sorted(cells, key=lambda one: (not one.is_error, one.verdict, one.answer))


def answer_word(place: int, pack: DomainPack) -> str:
    """Return what a person's answer means in the pack's words."""
    defer = "cannot judge"
    return (pack.unit_names[1], defer, pack.unit_names[0])[place]


def verdict_word(place: int, pack: DomainPack) -> str:
    """Return the pack's word for a verdict, a place in ``SEVERITY``."""
    return pack.wording[SEVERITY[place]]


def name_cell(cell: ConfusionCell, pack: DomainPack) -> str:
    """Return what a cell's cases have in common."""
    found = answer_word(cell.answer, pack)
    people = "people could not judge" if cell.answer == DEFERS else f"people found {found}"
    return f"{verdict_word(cell.verdict, pack)}, {people}"


def confusion_rows(cells: Sequence[ConfusionCell], pack: DomainPack) -> list[tuple[str, ...]]:
    """Return a table of answers (rows) by verdicts (columns), with its head."""
    counts = {(cell.verdict, cell.answer): cell for cell in cells}
    head = ("people found", *(verdict_word(place, pack) for place in range(len(SEVERITY))))
    rows = [head]
    for answer in (CALLS_OUT, PASSES, DEFERS):
        found = [counts.get((verdict, answer)) for verdict in range(len(SEVERITY))]
        rows.append((answer_word(answer, pack), *(_count(cell) for cell in found)))
    return rows


def _count(cell: ConfusionCell | None) -> str:
    if cell is None:
        return "0"
    drawn = f" ({cell.drawn:,} drawn)" if cell.drawn else ""
    return f"{cell.cases.size:,}{drawn}"


@dataclass(frozen=True, slots=True)
class CheckedRate:
    """A rate that people's answers give, and what kind of sample it rests on.

    Attributes:
        name: What the rate is of.
        short: The same in a word or two.
        rate: The rate.
        note: How its cases were chosen.
    """

    name: str
    short: str
    rate: EstimatedRate
    note: str


def error_rates(past: PastVerdicts, pack: DomainPack) -> list[CheckedRate]:
    """Return how often automatic verdicts were wrong, as people's answers show."""
    passed, failed = pack.wording[Disposition.NEGATIVE], pack.wording[Disposition.POSITIVE]
    positive, negative = pack.unit_names
    called = past.given == CALLS_OUT
    answered = called & ((past.answer == PASSES) | (past.answer == CALLS_OUT))
    return [
        CheckedRate(
            f"{positive} among {passed}",
            passed,
            estimate_rate(past, past.given == PASSES, CALLS_OUT),
            DRAWN,
        ),
        CheckedRate(
            f"{negative} among {failed}",
            failed,
            estimate_rate(past, called, PASSES),
            _of_called(past, answered),
        ),
    ]


def _of_called(past: PastVerdicts, answered: NDArray[np.bool_]) -> str:
    total, done = int((past.given == CALLS_OUT).sum()), int(answered.sum())
    if total and done == total:
        return "All of them were answered, so nothing was chosen."
    return f"{done:,} of {total:,} were answered, the most certain first."


def describe_weights(past: PastVerdicts, pack: DomainPack) -> str:
    """Return which answers count for how many cases, and which cases no answer stands for."""
    passed = pack.wording[Disposition.NEGATIVE]
    weight = weigh_answers(past)
    drawn = weight[past.given == PASSES]
    stands = f"{int((drawn > 0).sum()):,} for {round(float(drawn.sum())):,} cases"
    missing = count_unrepresented(past)
    if not weight.any():
        return f"No answer stands for {missing:,} cases."
    without = f" No answer stands for {missing:,} cases." if missing else ""
    return (
        f"Weighted. Of what passed ({passed}) only cases drawn at random for the audit count, each "
        f"for as many as it was drawn from ({stands}). Of each other verdict, those answered count "
        f"for all.{without}"
    )


def describe_calibration(found: Reliability) -> str:
    """Return how far stated probabilities are from observed frequencies."""
    outside = int(np.sum((found.observed < found.low) | (found.observed > found.high)))
    bins = found.count.size
    if outside == 0:
        judged = "All dots lie inside the band: no evidence against the probabilities."
    else:
        judged = (
            f"{outside} of {bins} dots lie outside the band; about {0.05 * bins:.1f} would by "
            "chance."
        )
    return (
        f"{int(found.count.sum()):,} cases. Calibration error {found.error:.3f}; a perfect "
        f"predictor would show about {found.floor:.3f} with as many. {judged}"
    )


def subgroup_rows(
    found: Sequence[SubgroupRates], column: str, pack: DomainPack
) -> list[tuple[str, ...]]:
    """Return a table of the error rates of each value of a column, with its head."""
    passed, failed = pack.wording[Disposition.NEGATIVE], pack.wording[Disposition.POSITIVE]
    positive, negative = pack.unit_names
    head = (column, "cases", f"{positive} among {passed}", f"{negative} among {failed}")
    rows = [
        (one.name, f"{one.cases:,}", one.escapes.describe(), one.overkills.describe())
        for one in found
    ]
    return [head, *rows]


def name_column(column: str) -> str:
    """Return a header's word as it is shown: ``patient sex``."""
    return column.replace("_", " ")

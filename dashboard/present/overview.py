"""How a pack is doing, as tiles and table rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from core.decision.change import RateChange
from core.decision.rate import NONE, Rate
from core.packs import DomainPack
from core.records.over_time import MOST_ANSWERS, AnsweredCase
from core.service.quality.periods import (
    PeriodFigures,
    WorkHistory,
    changes_of,
    figures_of,
    is_audited,
    is_escape,
    share_of,
)
from core.types import Disposition

DEFERRED, OVERRIDDEN, ESCAPED = "deferred", "overridden", "escaped"


@dataclass(frozen=True, slots=True)
class RateTile:
    """One rate of the last seven days.

    Attributes:
        key: Which rate.
        title: What it is of, in the pack's words.
        rate: The rate.
        change: How far it moved since the seven days before.
        empty: What to do where there is nothing to count.
    """

    key: str
    title: str
    rate: Rate
    change: RateChange
    empty: str


def rate_tiles(later: PeriodFigures, earlier: PeriodFigures, pack: DomainPack) -> list[RateTile]:
    """Return the three rates that say how a pack is doing."""
    moved = changes_of(later, earlier)
    passed, defer = pack.wording[Disposition.NEGATIVE], pack.wording[Disposition.DEFER]
    return [
        RateTile(
            DEFERRED,
            f"Went to a person ({defer})",
            later.deferred,
            moved.deferred,
            "No case came in these seven days. `assay assess` or a worker brings some.",
        ),
        RateTile(
            OVERRIDDEN,
            "Automatic verdicts that people decided against",
            later.overridden,
            moved.overridden,
            "Nobody has answered an automatic verdict in these seven days: the page Review has "
            "those that wait.",
        ),
        RateTile(
            ESCAPED,
            f"{pack.error_names[0].capitalize()} among {passed}, by the audit draw",
            later.escaped,
            moved.escaped,
            f"No {passed} that the audit drew was answered in these seven days, so this is not "
            "measured. A deployment with an audit share draws some; they wait on the page Review.",
        ),
    ]


def describe_counts(later: PeriodFigures, earlier: PeriodFigures, pack: DomainPack) -> str:
    """Return how many cases came, by verdict, and how many the week before."""
    parts = ", ".join(
        f"{later.verdicts[one]:,} {pack.wording[one]}"
        for one in (Disposition.NEGATIVE, Disposition.DEFER, Disposition.POSITIVE)
    )
    return f"{later.cases:,} cases came ({parts}); {earlier.cases:,} in the seven days before."


def describe_tiles(found: PeriodFigures, pack: DomainPack) -> str:
    """Return which tiles of larger pictures came, and where they count; empty where none did."""
    count = sum(found.tiles.values())
    if not count:
        return ""
    parts = ", ".join(f"{n:,} {pack.wording[one]}" for one, n in found.tiles.items() if n)
    pictures = "one larger picture" if found.larger == 1 else f"{found.larger:,} larger pictures"
    passed = pack.wording[Disposition.NEGATIVE]
    return (
        f"Besides them, {count:,} {'tile' if count == 1 else 'tiles'} of {pictures} became cases "
        f"({parts}). Most {passed} tiles become none, so no share of verdicts counts tiles. Of "
        "what people answered, those of one picture count as one group."
    )


def describe_limit(history: WorkHistory, most: int = MOST_ANSWERS) -> str:
    """Return from when on answers are counted, where there are more than are read; else nothing."""
    if len(history.answers) < most:
        return ""
    oldest = min(one.at for one in history.answers)
    return (
        f"Answers are counted from {oldest.astimezone():%Y-%m-%d %H:%M} on: the newest {most:,} "
        "are read. Shares of answers before that are not known here."
    )


def cases_behind_rate(key: str, answers: Sequence[AnsweredCase]) -> list[AnsweredCase]:
    """Return the answers that a rate counts as hits, newest first."""
    if key == OVERRIDDEN:
        return [one for one in answers if one.is_override]
    return [one for one in answers if is_audited(one) and is_escape(one)]


def describe_answer(one: AnsweredCase, pack: DomainPack, name: str) -> str:
    """Return what was decided on a case, by whom and when."""
    verdict = pack.wording[one.verdict] if one.verdict else "no verdict"
    return f"{verdict}, {name}: {pack.wording[one.answer]}, {one.at.astimezone():%Y-%m-%d %H:%M}"


ROW_HEAD = ("cases", "went to a person", "decided against", "escapes by the draw")


def product_rows(
    history: WorkHistory, later: WorkHistory, earlier: WorkHistory
) -> list[tuple[str, ...]]:
    """Return a row of rates for each product, with its head."""
    rows: list[tuple[str, ...]] = [
        ("product", *ROW_HEAD, "went to a person, since the week before")
    ]
    for product in history.products:
        found = figures_of_history(history.of_product(product))
        new, old = (figures_of_history(one.of_product(product)) for one in (later, earlier))
        moved = changes_of(new, old)
        rows.append(
            (
                product or "no product named",
                f"{found.cases:,}",
                *_rates(found),
                _moved(moved.deferred),
            )
        )
    return rows


def site_rows(history: WorkHistory) -> list[tuple[str, ...]]:
    """Return a row of rates of what people answered for each site, with its head."""
    rows: list[tuple[str, ...]] = [("site", "answered", "decided against", "escapes by the draw")]
    for site in history.sites:
        mine = history.of_site(site)
        rates = _rates(figures_of_history(mine))[1:]
        rows.append((site or "no site named", f"{len(mine.answers):,}", *rates))
    return rows


def reviewer_rows(
    history: WorkHistory, later: WorkHistory, earlier: WorkHistory, names: Mapping[str, str]
) -> list[tuple[str, ...]]:
    """Return a row of rates for each person who answered, with its head."""
    rows: list[tuple[str, ...]] = [
        ("person", "answered", "cannot judge", "decided against", "since the week before")
    ]
    this_week, last_week = later.by_reviewer(), earlier.by_reviewer()
    for person, answers in history.by_reviewer().items():
        unsure = share_of(answers, lambda one: one.answer is Disposition.DEFER)
        new, old = (figures_of({}, week.get(person, [])) for week in (this_week, last_week))
        moved = changes_of(new, old)
        rows.append(
            (
                names.get(person, person),
                f"{len(answers):,}",
                unsure.describe_briefly(),
                _brief(figures_of({}, answers).overridden),
                _moved(moved.overridden),
            )
        )
    return rows


def figures_of_history(history: WorkHistory) -> PeriodFigures:
    """Return the figures of all that came and was answered."""
    return figures_of(history.cases, history.answers)


def _rates(found: PeriodFigures) -> tuple[str, str, str]:
    return _brief(found.deferred), _brief(found.overridden), _brief(found.escaped)


def _brief(rate: Rate) -> str:
    return f"{rate.describe_briefly()}, n = {rate.n:,}" if rate.n else NONE


def _moved(change: RateChange) -> str:
    return change.describe()

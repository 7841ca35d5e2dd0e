"""Figures of a stretch of time: what came, what went to a person, what people answered."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np

from core.decision.change import RateChange, rate_change
from core.decision.rate import Rate
from core.records.over_time import AnsweredCase, HourOfCases
from core.types import Disposition


@dataclass(frozen=True, slots=True)
class PeriodFigures:
    """Counts and rates of one stretch of time, over cases.

    Cases are independent, but for tiles of one larger picture: of what people answered they count
    as one group. Which tiles became cases depends on their verdicts, so that no share of verdicts
    counts them.

    Attributes:
        verdicts: Cases that came, by verdict, without tiles.
        tiles: Tiles that came, by verdict.
        larger: How many larger pictures they are of.
        deferred: Of the cases without tiles, those that went to a person because no limit decided
            them.
        overridden: Of the automatic verdicts that people answered, those they decided against.
        escaped: Of the passed cases that the audit drew and people answered, those that were
            positive: the one rate of passed cases that the model did not select.
    """

    verdicts: Mapping[Disposition, int]
    tiles: Mapping[Disposition, int]
    larger: int
    deferred: Rate
    overridden: Rate
    escaped: Rate

    @property
    def cases(self) -> int:
        """Cases that came, without tiles."""
        return self.deferred.n


@dataclass(frozen=True, slots=True)
class RateChanges:
    """How far each rate moved from an earlier stretch of time to a later one."""

    deferred: RateChange
    overridden: RateChange
    escaped: RateChange


def figures_of(cases: Mapping[HourOfCases, int], answers: Sequence[AnsweredCase]) -> PeriodFigures:
    """Return the figures of the cases that came and the answers that were given."""
    verdicts: Counter[Disposition] = Counter()
    tiles: Counter[Disposition] = Counter()
    for hour, count in cases.items():
        (tiles if hour.tile_of else verdicts)[hour.verdict] += count
    total = sum(verdicts.values())
    return PeriodFigures(
        verdicts={one: verdicts[one] for one in Disposition},
        tiles={one: tiles[one] for one in Disposition},
        larger=len({hour.tile_of for hour in cases if hour.tile_of}),
        deferred=Rate.independent(verdicts[Disposition.DEFER], total),
        overridden=share_of([one for one in answers if is_automatic(one)], _is_override),
        escaped=share_of([one for one in answers if is_audited(one)], is_escape),
    )


def is_automatic(one: AnsweredCase) -> bool:
    """Return whether a person answered an automatic verdict with one of their own."""
    automatic = (Disposition.NEGATIVE, Disposition.POSITIVE)
    return one.verdict in automatic and one.answer in automatic


def is_audited(one: AnsweredCase) -> bool:
    """Return whether a passed case was drawn at random and answered."""
    return one.is_drawn and one.verdict is Disposition.NEGATIVE and is_automatic(one)


def is_escape(one: AnsweredCase) -> bool:
    """Return whether a passed case turned out to be positive."""
    return one.verdict is Disposition.NEGATIVE and one.answer is Disposition.POSITIVE


def share_of(answers: Sequence[AnsweredCase], hit: Callable[[AnsweredCase], bool]) -> Rate:
    """Return the share of answers that are hits; those on tiles of one picture are one group."""
    hits = [hit(one) for one in answers]
    if not any(one.tile_of for one in answers):
        return Rate.independent(sum(hits), len(hits))
    groups = [one.tile_of or f"case {number}" for number, one in enumerate(answers)]
    return Rate.from_groups(np.array(hits, bool), np.array(groups))


def _is_override(one: AnsweredCase) -> bool:
    return one.is_override


def changes_of(later: PeriodFigures, earlier: PeriodFigures) -> RateChanges:
    """Return how far the rates moved."""
    return RateChanges(
        rate_change(later.deferred, earlier.deferred),
        rate_change(later.overridden, earlier.overridden),
        rate_change(later.escaped, earlier.escaped),
    )


@dataclass(frozen=True, slots=True)
class WorkHistory:
    """Everything that came and was answered in a stretch of time.

    Attributes:
        cases: Cases by the hour they came.
        answers: Answers, newest first.
    """

    cases: Mapping[HourOfCases, int]
    answers: Sequence[AnsweredCase]

    def between(self, start: datetime, end: datetime) -> WorkHistory:
        """Return what came, and what was answered, from ``start`` until before ``end``."""
        return WorkHistory(
            {hour: n for hour, n in self.cases.items() if start <= hour.start < end},
            [one for one in self.answers if start <= one.at < end],
        )

    def of_product(self, product: str) -> WorkHistory:
        """Return what is of one product."""
        return WorkHistory(
            {hour: n for hour, n in self.cases.items() if hour.product == product},
            [one for one in self.answers if one.product == product],
        )

    def of_site(self, site: str) -> WorkHistory:
        """Return the answers on cases of one site; cases are not counted by site."""
        return WorkHistory({}, [one for one in self.answers if site in one.sites])

    def of_reviewer(self, reviewer: str) -> WorkHistory:
        """Return the answers of one person."""
        return WorkHistory({}, [one for one in self.answers if one.reviewer == reviewer])

    @property
    def sites(self) -> list[str]:
        """The sites of the cases answered, sorted."""
        return sorted({site for one in self.answers for site in one.sites})

    @property
    def products(self) -> list[str]:
        """The products of the cases, sorted."""
        named = {hour.product for hour in self.cases}
        return sorted(named | {one.product for one in self.answers})

    def by_reviewer(self) -> Mapping[str, list[AnsweredCase]]:
        """Return the answers of each person, who answered most first."""
        found: dict[str, list[AnsweredCase]] = defaultdict(list)
        for one in self.answers:
            found[one.reviewer].append(one)
        return dict(sorted(found.items(), key=lambda pair: (-len(pair[1]), pair[0])))

    def by_day(self, days: int = 1) -> Mapping[date, WorkHistory]:
        """Return what came and was answered each day of local time, or in every so many days.

        Args:
            days: 1 for days, 7 for weeks, which begin on a Monday.
        """
        cases: dict[date, dict[HourOfCases, int]] = defaultdict(dict)
        answers: dict[date, list[AnsweredCase]] = defaultdict(list)
        for hour, count in self.cases.items():
            cases[_beginning(hour.start, days)][hour] = count
        for one in self.answers:
            answers[_beginning(one.at, days)].append(one)
        met = sorted({*cases, *answers})
        if not met:
            return {}
        # Days on which nothing came are part of the axis.
        axis = [met[0] + timedelta(n) for n in range(0, (met[-1] - met[0]).days + 1, days)]
        return {day: WorkHistory(cases.get(day, {}), answers.get(day, [])) for day in axis}


def _beginning(at: datetime, days: int) -> date:
    day = at.astimezone().date()
    return day if days == 1 else day - timedelta(days=day.weekday())


def this_week_and_last(now: datetime) -> tuple[datetime, datetime, datetime]:
    """Return the beginnings of the last seven days and of the seven before, and now.

    Both stretches are equally long, whatever day it is; a calendar week that has just begun could
    not be compared with a whole one.
    """
    hour = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    return hour - timedelta(days=14), hour - timedelta(days=7), hour

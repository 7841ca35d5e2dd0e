"""What came and what people answered, hour by hour: the figures of an overview."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import NamedTuple

from sqlalchemy import func, select

from core.records.connection import Store, reading
from core.records.final_reads import final_answer
from core.records.tables import CASE_FACETS, CASE_STATUS, READ_STATUS
from core.records.values import stamp
from core.types import Disposition

MOST_ANSWERS = 50_000
"""Answers read at the most, the newest."""

_ROWS = 1000
_HOUR = len("2026-11-29T22")

_ANSWER = final_answer(CASE_STATUS.c.answer)


class HourOfCases(NamedTuple):
    """Cases whose first image came in one hour.

    Attributes:
        start: When the hour begins, in UTC.
        product: Which of the pack's products they are of.
        verdict: The automatic verdict.
        tile_of: Digest of the larger picture that they are tiles of; empty for none.
    """

    start: datetime
    product: str
    verdict: Disposition
    tile_of: str = ""


class AnsweredCase(NamedTuple):
    """A person's standing answer on a case, beside the verdict that it was given on.

    Attributes:
        case_id: The case.
        product: Which of the pack's products it is of.
        sites: Where its images come from; an empty one where nothing names any.
        reviewer: Who.
        at: When, in UTC.
        answer: What the person decided.
        verdict: The automatic verdict; None where the case had none.
        is_drawn: Whether the audit draw brought it to the person, who did not know the verdict.
        tile_of: Digest of the larger picture that it is a tile of; empty for none.
    """

    case_id: str
    product: str
    sites: tuple[str, ...]
    reviewer: str
    at: datetime
    answer: Disposition
    verdict: Disposition | None
    is_drawn: bool
    tile_of: str = ""

    @property
    def is_override(self) -> bool:
        """Whether a person decided against an automatic verdict."""
        automatic = self.verdict in (Disposition.NEGATIVE, Disposition.POSITIVE)
        return automatic and self.answer is not self.verdict


def count_cases(store: Store, pack: str, since: datetime) -> Mapping[HourOfCases, int]:
    """Return how many cases of a pack came since a moment, alike in all that the keys name.

    Raises:
        StoreError: The database failed.
    """
    status = CASE_STATUS.c
    hour = func.substr(status.opened_at, 1, _HOUR)
    query = (
        select(hour, status.product, status.disposition, status.tile_of, func.count())
        .where(status.pack == pack, status.opened_at >= stamp(since))
        .group_by(hour, status.product, status.disposition, status.tile_of)
    )
    with reading(store) as connection:
        rows = connection.execute(query).all()
    return {
        HourOfCases(
            datetime.fromisoformat(f"{text}:00").replace(tzinfo=UTC),
            product,
            Disposition(verdict),
            tile_of,
        ): count
        for text, product, verdict, tile_of, count in rows
    }


def answered_since(
    store: Store, pack: str, since: datetime, most: int = MOST_ANSWERS
) -> list[AnsweredCase]:
    """Return the answers of a pack that stand and were given since a moment, newest first.

    Of a case that is read twice it is what its reads came to, and none while they are open.

    Raises:
        StoreError: The database failed.
    """
    status = CASE_STATUS.c
    query = (
        select(
            status.case_id,
            # Not those of the status, which the index over answers does not hold.
            CASE_FACETS.c.product,
            CASE_FACETS.c.sites,
            status.answer_by,
            status.answer_at,
            _ANSWER,
            status.answer_verdict,
            status.answer_is_drawn,
            status.tile_of,
        )
        .join(CASE_FACETS, CASE_FACETS.c.id == status.facets_id)
        .outerjoin(READ_STATUS, READ_STATUS.c.case_id == status.case_id)
        .where(status.pack == pack, status.answer_at >= stamp(since), _ANSWER.is_not(None))
        .order_by(status.answer_at.desc())
        .limit(most)
    )
    # Of these there are few different ones, and looking one up is cheaper than making it.
    sites_of = cache(lambda text: tuple(text.split("\n")))
    known: dict[str | None, Disposition] = {one.value: one for one in Disposition}
    with reading(store) as connection:
        # Some at a time: garbage collection takes longer the more rows are there at once.
        rows = connection.execute(query, execution_options={"yield_per": _ROWS})
        return [
            AnsweredCase(
                case_id,
                product,
                sites_of(sites),
                reviewer,
                datetime.fromisoformat(at),
                known[answer],
                known.get(verdict),
                bool(is_drawn),
                tile_of,
            )
            for case_id, product, sites, reviewer, at, answer, verdict, is_drawn, tile_of in rows
        ]

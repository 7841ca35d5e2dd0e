"""Past decisions of one bundle on one product, as arrays that other limits can be tried on."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import Select, and_, select

from core.decision.back_test import SEVERITY, PastVerdicts
from core.records.case_status import REVIEW, QueueState
from core.records.connection import Store, reading
from core.records.final_reads import FINAL, FINAL_ANSWER
from core.records.picture_origins import origins_of
from core.records.tables import CASE_STATUS, DECISIONS, IMAGES, READ_STATUS, REVIEWS
from core.records.tiles import IS_NO_TILE
from core.records.values import stamp
from core.records.window_copies import ShownCase, independent_cases
from core.types import Reason

MOST = 50_000
"""Pictures read at the most, the newest: an answer must not take longer as a store grows."""

_ANSWER, _ANSWERED_AT = 9, 11
_PLACE = {one.value: place for place, one in enumerate(SEVERITY)}


@dataclass(frozen=True, eq=False)
class PastWindow:
    """Decisions of a stretch of time.

    Attributes:
        past: Pictures and cases.
        oldest: When the first of them was decided; None where there are none.
        newest: When the last was.
        is_capped: Whether older ones were left out because there are more than are read.
        copies: Cases left out because they show copies: of another case, or of a picture that the
            bundle was made of.
    """

    past: PastVerdicts
    oldest: datetime | None
    newest: datetime | None
    is_capped: bool
    copies: int = 0


def read_window(
    store: Store, pack: str, product: str, bundle_sha256: str, since: datetime, most: int = MOST
) -> PastWindow:
    """Return the decisions of a bundle since a moment, with what people answered.

    A picture that was judged again counts once, by its newest decision. Tiles of a larger picture
    are left out: only those that need a person are on record. A case has an answer while
    a person's review stands that covers all its images; where two read it, once they agreed or a
    third decided. Of cases found to be of one origin the first that was decided counts, without an
    answer where people answered differently on them.

    Args:
        store: The store.
        pack: The pack's name.
        product: The product; empty for the only one.
        bundle_sha256: The bundle whose scores they are: those of another cannot be compared.
        since: The beginning.
        most: Pictures read at the most, the newest.

    Raises:
        StoreError: The database failed.
    """
    query = _query(pack, product, bundle_sha256, stamp(since)).limit(most + 1)
    with reading(store) as connection:
        rows = [tuple(row) for row in connection.execute(query)]
    origins = origins_of(store, bundle_sha256)
    newest: dict[tuple[str, str], tuple[Any, ...]] = {}
    for row in rows[:most]:
        newest.setdefault((row[0], row[1]), row)
    every = list(newest.values())
    kept = _leave_out_copies(every, origins)
    times = [datetime.fromisoformat(row[2]) for row in (every[-1:] + every[:1])]
    return PastWindow(
        past=_arrays(kept),
        oldest=times[0] if times else None,
        newest=times[-1] if times else None,
        is_capped=len(rows) > most,
        copies=len({row[0] for row in every}) - len({row[0] for row in kept}),
    )


def _leave_out_copies(
    rows: Sequence[tuple[Any, ...]], origins: Mapping[str, str]
) -> list[tuple[Any, ...]]:
    """Return the rows, newest first, of the cases that count, without answers that are disputed."""
    contents: dict[str, set[str]] = {}
    answers: dict[str, tuple[str, str]] = {}
    for row in reversed(rows):
        contents.setdefault(row[0], set()).add(row[1])
        answers[row[0]] = (row[_ANSWER] or "", row[_ANSWERED_AT] or "")
    cases = {case: ShownCase(own, *answers[case]) for case, own in contents.items()}
    first, disputed = independent_cases(cases, origins)
    counted = set(first)
    return [
        (*row[:_ANSWER], None, *row[_ANSWER + 1 :]) if row[0] in disputed else row
        for row in rows
        if row[0] in counted
    ]


def _query(pack: str, product: str, bundle_sha256: str, since: str) -> Select[Any]:
    columns = DECISIONS.c
    standing = and_(
        REVIEWS.c.case_id == IMAGES.c.case_id,
        REVIEWS.c.revision == CASE_STATUS.c.revision - 1,
        REVIEWS.c.kind == REVIEW,
        CASE_STATUS.c.queue_state == int(QueueState.REVIEWED),
    )
    return (
        select(
            IMAGES.c.case_id,
            columns.content_key,
            columns.decided_at,
            columns.positive_probability,
            columns.ood_p,
            columns.good_p,
            columns.disposition,
            columns.findings,
            columns.audit_probability,
            FINAL_ANSWER.label("answer"),
            READ_STATUS.c.state,
            REVIEWS.c.reviewed_at,
        )
        .join(
            IMAGES,
            and_(IMAGES.c.content_key == columns.content_key, IMAGES.c.product == columns.product),
        )
        .join(
            CASE_STATUS,
            and_(
                CASE_STATUS.c.case_id == IMAGES.c.case_id,
                # An expression has no index: SQLite would walk every case of the pack.
                CASE_STATUS.c.pack.concat("") == columns.pack,
            ),
        )
        .outerjoin(REVIEWS, standing)
        .outerjoin(READ_STATUS, READ_STATUS.c.case_id == IMAGES.c.case_id)
        .where(
            columns.pack == pack,
            columns.product == product,
            columns.decided_at >= since,
            columns.bundle_sha256 == bundle_sha256,
            ~columns.is_provisional,
            IS_NO_TILE,
        )
        .order_by(columns.decided_at.desc(), columns.seq.desc())
    )


def _arrays(rows: Sequence[tuple[Any, ...]]) -> PastVerdicts:
    found = list(zip(*rows, strict=True)) or [()] * 12
    names, first, case = np.unique(
        np.array(found[0], np.str_), return_index=True, return_inverse=True
    )
    # Of findings there are few different ones.
    known = {text: {Reason(finding[0]) for finding in json.loads(text)} for text in set(found[7])}
    follows = {text: all(reason.follows_scores for reason in own) for text, own in known.items()}
    has_audit = {text: Reason.AUDIT in own for text, own in known.items()}
    is_drawn = np.zeros(names.size, np.bool_)
    np.logical_or.at(is_drawn, case, np.array([has_audit[text] for text in found[7]], np.bool_))
    answer = np.array([_PLACE.get(found[_ANSWER][i] or "", -1) for i in first], np.int8)
    is_open = np.array([found[10][i] not in (None, *FINAL) for i in first], np.bool_)
    chance = np.full(names.size, -1.0)
    np.maximum.at(chance, case, _figures(found[8], -1.0))
    return PastVerdicts(
        positive_probability=_figures(found[3]),
        ood_p=_figures(found[4]),
        good_p=_figures(found[5], 1.0),
        gates_passed=np.array([follows[text] for text in found[7]], np.bool_),
        verdict=np.array([_PLACE[one] for one in found[6]], np.int8),
        case=case.astype(np.intp),
        case_id=names,
        answer=answer,
        is_drawn=is_drawn,
        is_hidden=is_open | (is_drawn & (answer < 0)),
        audit_probability=np.where(chance < 0.0, np.nan, chance),
    )


def _figures(values: Sequence[float | None], missing: float = np.nan) -> np.ndarray[Any, Any]:
    return np.array([missing if one is None else one for one in values], np.float64)

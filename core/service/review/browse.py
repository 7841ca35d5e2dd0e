"""A page of the list of cases, as a person may see it: what is hidden from them stays out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, and_, select

from core.decision.second_read import ReadState
from core.packs import DomainPack
from core.people import Person
from core.records.case_filter import CaseFilter, Facets, is_hidden
from core.records.case_page import CaseOrder, CasePlace, items_of, list_facets
from core.records.case_search import find_cases
from core.records.case_status import REVIEW, QueueState
from core.records.cases import WorkItem
from core.records.connection import Store, reading
from core.records.corrections import is_current
from core.records.final_reads import read_states
from core.records.table_base import chunks
from core.records.tables import CASE_STATUS, DECISIONS, IMAGES, READ_CLAIMS, REVIEWS
from core.types import Disposition, Reason


@dataclass(frozen=True, slots=True)
class CaseLine:
    """One case of the list.

    Attributes:
        item: The case as it stands.
        name: File name of its first image.
        content_key: Digest of the image that makes the verdict, or of its first one.
        sites: Where its images come from.
        reasons: Why its images are not automatic verdicts; empty where the verdict is hidden.
        answer: What a person decided; None where nobody has, or it was taken back.
        is_hidden: Whether verdict, probability and reasons are kept from the person.
    """

    item: WorkItem
    name: str
    content_key: str
    sites: tuple[str, ...]
    reasons: tuple[Reason, ...]
    answer: Disposition | None
    is_hidden: bool


@dataclass(frozen=True, slots=True)
class CaseListPage:
    """Some cases of the list.

    Attributes:
        lines: The cases.
        end: Where the next page goes on from; None where there is none.
        is_complete: As in `core.records.case_search.FoundCases`.
    """

    lines: tuple[CaseLine, ...]
    end: CasePlace | None
    is_complete: bool


def visible_filter(case_filter: CaseFilter, packs: Mapping[str, DomainPack]) -> CaseFilter:
    """Return a filter within the packs whose verdicts the shared pages may show.

    A pack that is reviewed on a page of its own decides there what a reader may know and when; its
    place in a list sorted by verdict would tell already.

    Args:
        case_filter: What was asked for; its packs of their own review are left out.
        packs: The installed packs by name.
    """
    shared = [name for name, pack in packs.items() if not pack.has_own_review]
    chosen = tuple(name for name in case_filter.packs if name in shared)
    # None left must not mean every one.
    return replace(case_filter, packs=chosen or (("",) if case_filter.packs else tuple(shared)))


def browse(
    store: Store,
    case_filter: CaseFilter,
    *,
    by: Person,
    order: CaseOrder = CaseOrder.WORST,
    after: CasePlace | None = None,
    limit: int = 60,
    at: datetime | None = None,
) -> CaseListPage:
    """Return the cases that come next, with what the list shows of each.

    A page may be shorter than ``limit``: what is hidden from the person is left out of a list that
    is filtered by verdict or reason, since being on it would tell.

    Args:
        store: The store.
        case_filter: Which cases, from `visible_filter`.
        by: Who looks.
        order: In which order.
        after: Where to go on from; from the top unless given.
        limit: How many at the most.
        at: What the ages are counted from; now, unless given.

    Raises:
        StoreError: The database failed.
    """
    found = find_cases(store, case_filter, order=order, after=after, limit=limit, at=at)
    lines = lines_of(store, found.items, by)
    if case_filter.verdicts or case_filter.reasons:
        lines = tuple(line for line in lines if not line.is_hidden)
    return CaseListPage(lines, found.end, found.is_complete)


def facets_in(store: Store, packs: Sequence[str]) -> list[Facets]:
    """Return the facets of some packs' cases, for the choices of a filter and for its count.

    Raises:
        StoreError: The database failed.
    """
    return [one for one in list_facets(store) if one.pack in packs]


def lines_of(store: Store, items: Sequence[WorkItem], by: Person) -> tuple[CaseLine, ...]:
    """Return what the list shows of some cases; a few statements however many they are.

    Raises:
        StoreError: The database failed.
    """
    ids = [item.case_id for item in items]
    with reading(store) as connection:
        names, contents = _images(connection, ids)
        facets = _facets(connection, ids)
        deciding = _contents(connection, [item.decision_id for item in items])
        answers = _answers(connection, ids)
        open_reads = _open_reads(connection, ids, by)
    return tuple(
        _line(
            item,
            names.get(item.case_id, ""),
            deciding.get(item.decision_id) or contents.get(item.case_id, ""),
            *facets.get(item.case_id, ("", "")),
            answers.get(item.case_id),
            item.case_id in open_reads,
        )
        for item in items
    )


def _line(
    item: WorkItem,
    name: str,
    content_key: str,
    sites: str,
    reasons: str,
    answer: Disposition | None,
    is_read_open: bool,
) -> CaseLine:
    why = tuple(map(Reason, reasons.split()))
    hidden = is_read_open or is_hidden(why, item.queue_state)
    if hidden:
        item = replace(
            item,
            queue_state=QueueState.WAITING,
            disposition=Disposition.DEFER,
            positive_probability=None,
        )
    is_answered = item.queue_state is QueueState.REVIEWED
    return CaseLine(
        item=item,
        name=name,
        content_key=content_key,
        sites=tuple(filter(None, sites.split("\n"))),
        reasons=() if hidden else why,
        answer=answer if is_answered else None,
        is_hidden=hidden,
    )


def _open_reads(connection: Connection, ids: Sequence[str], by: Person) -> set[str]:
    """Return the cases that somebody still reads without knowing what was decided before."""
    found = {
        case_id
        for case_id, row in read_states(connection, ids).items()
        if not ReadState(row["state"]).is_final
    }
    query = select(READ_CLAIMS.c.case_id).where(READ_CLAIMS.c.person == by.id)
    for some in chunks(ids):
        found |= set(connection.scalars(query.where(READ_CLAIMS.c.case_id.in_(some))))
    return found


def _images(connection: Connection, ids: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    query = select(IMAGES.c.case_id, IMAGES.c.received_at, IMAGES.c.name, IMAGES.c.content_key)
    names: dict[str, str] = {}
    contents: dict[str, str] = {}
    for some in chunks(ids):
        rows = connection.execute(query.where(IMAGES.c.case_id.in_(some), is_current())).all()
        for case_id, _, name, content_key in sorted(map(tuple, rows)):
            names.setdefault(case_id, name)
            contents.setdefault(case_id, content_key)
    return names, contents


def _facets(connection: Connection, ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    query = select(CASE_STATUS.c.case_id, CASE_STATUS.c.sites, CASE_STATUS.c.reasons)
    return {
        case_id: (sites, reasons)
        for some in chunks(ids)
        for case_id, sites, reasons in connection.execute(
            query.where(CASE_STATUS.c.case_id.in_(some))
        )
    }


def _contents(connection: Connection, decision_ids: Sequence[str]) -> dict[str, str]:
    query = select(DECISIONS.c.id, DECISIONS.c.content_key)
    return {
        decision_id: content_key
        for some in chunks(decision_ids)
        for decision_id, content_key in connection.execute(query.where(DECISIONS.c.id.in_(some)))
    }


def _answers(connection: Connection, ids: Sequence[str]) -> dict[str, Disposition]:
    newest = and_(
        CASE_STATUS.c.case_id == REVIEWS.c.case_id,
        CASE_STATUS.c.revision == REVIEWS.c.revision + 1,
    )
    query = select(REVIEWS.c.case_id, REVIEWS.c.disposition).join(CASE_STATUS, newest)
    return {
        case_id: Disposition(disposition)
        for some in chunks(ids)
        for case_id, disposition in connection.execute(
            query.where(REVIEWS.c.case_id.in_(some), REVIEWS.c.kind == REVIEW)
        )
    }


def lines_by_id(store: Store, case_ids: Sequence[str], by: Person) -> tuple[CaseLine, ...]:
    """Return what the list shows of the cases with some ids, in that order; gone ones left out.

    Raises:
        StoreError: The database failed.
    """
    with reading(store) as connection:
        items = items_of(connection, case_ids)
    return lines_of(store, items, by)

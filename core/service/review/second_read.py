"""Which case a reviewer reads as a second person, adjudicates, or is measured on; and the answer.

Such cases are mixed into the queue and all look the same (`core.service.review.blind`). "Later"
puts a case off and is no answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from core.decision.second_read import (
    CANNOT_TELL,
    UNCLEAR_LABELS,
    ReadAnswer,
    ReadState,
    draw_number,
)
from core.people import Person, Role
from core.records.case_reads import (
    StoredRead,
    first_and_second,
    retract,
    write_read,
)
from core.records.cases import CaseDetail, WorkItem
from core.records.connection import Store, reading, writing
from core.records.gold_answers import standing_answer
from core.records.read_claims import (
    ReadClaim,
    last_claim,
    own_claims,
    pass_over,
    renew_claim,
    take_claim,
)
from core.records.read_status import ReadKind, answer_of, is_same_reader
from core.records.tables import READ_STATUS
from core.records.values import now, plain
from core.records.worklist import case_detail
from core.service.review.blind import mask
from core.service.review.due_reads import due_reads
from core.types import Disposition


@dataclass(frozen=True, slots=True)
class ReadTask:
    """A case that a person reads, other than for the first time.

    Attributes:
        kind: What for.
        claim: By which they have it before them.
        detail: The case, with everything hidden that they may not know.
        answers: For an adjudication the two answers that differ, in an order that names nobody.
    """

    kind: ReadKind
    claim: ReadClaim
    detail: CaseDetail
    answers: tuple[ReadAnswer, ...] = ()


def next_read(
    store: Store,
    packs: Sequence[str],
    by: Person,
    upcoming: WorkItem | None,
    at: datetime | None = None,
) -> ReadTask | None:
    """Return what a person reads before the case that they would read first; None for that case.

    A case that they have claimed already comes again, until it is answered, put off or expired.

    Args:
        store: The store.
        packs: Names of the packs whose cases may come.
        by: Who reads; nothing comes to somebody who may not review.
        upcoming: The case that they would read first; None where none waits.
        at: When; now, unless given.

    Raises:
        StoreError: The database failed.
    """
    if not by.may(Role.REVIEWER) or not by.id:
        return None
    moment = at or now()
    if (running := running_read(store, packs, by, moment)) is not None:
        return running
    before = upcoming.case_id if upcoming else ""
    with reading(store) as connection:
        claims = own_claims(connection, by.id, moment)
        due = list(due_reads(connection, packs, by, upcoming, claims, moment))
    for kind, case_id, pack in due:
        claim_id = _claim_id(kind, case_id, by)
        with writing(store) as connection:
            claim = take_claim(connection, claim_id, case_id, pack, kind.value, by, moment, before)
        if claim.person == by.id:
            return _task(store, claim)
    return None


def running_read(
    store: Store, packs: Sequence[str], by: Person, at: datetime | None = None
) -> ReadTask | None:
    """Return the read that a person has before them, its claim renewed; None where they have none.

    Args:
        store: The store.
        packs: Names of the packs whose cases may come.
        by: Who reads.
        at: When; now, unless given.

    Raises:
        StoreError: The database failed.
    """
    moment = at or now()
    with reading(store) as connection:
        claims = own_claims(connection, by.id, moment)
        running = next((one for one in claims if _is_running(connection, one, packs)), None)
    if running is None:
        return None
    renew_claim(store, running, moment)
    return _task(store, running)


def open_read(
    store: Store, case_id: str, by: Person, at: datetime | None = None
) -> ReadTask | None:
    """Return a case that somebody opened by themselves as the read that it is to them.

    Args:
        store: The store.
        case_id: A case whose reads are open (`core.service.review.blind.blind_cases`).
        by: Who opens it.
        at: When; now, unless given.

    Returns:
        The read, claimed by this person or by whoever has the case already; None where they have
        nothing to answer on it.

    Raises:
        StoreError: The database failed.
    """
    if not by.may(Role.REVIEWER) or not by.id:
        return None
    with reading(store) as connection:
        query = select(READ_STATUS).where(READ_STATUS.c.case_id == case_id)
        row = connection.execute(query).mappings().first()
    if row is None or any(
        is_same_reader(row[f"{one}_reader"], by.id) for one in ("first", "second")
    ):
        return None
    kind = next((kind for kind, state in _STATES.items() if state == row["state"]), None)
    if kind is None or (kind is ReadKind.ADJUDICATION and not by.may(Role.LEAD)):
        return None
    with writing(store) as connection:
        claim = take_claim(connection, case_id, case_id, row["pack"], kind.value, by, at or now())
    return _task(store, claim, kind)


def answer(
    store: Store,
    item: WorkItem,
    disposition: Disposition,
    *,
    by: Person,
    label: str = "",
    comment: str = "",
    at: datetime | None = None,
) -> bool:
    """Return whether this call kept the answer of a read other than the first.

    Args:
        store: The store.
        item: The case as it was shown; its ``read`` says what for.
        disposition: Negative or positive; DEFER where the case cannot be judged.
        by: Who.
        label: What the person named; for DEFER why, as in ``UNCLEAR_LABELS``.
        comment: Free text.
        at: When; now, unless given.

    Returns:
        False for a second press, and once somebody else has answered or the case has changed.

    Raises:
        PermissionDenied: The person may not review, or may not adjudicate.
        StoreError: The database failed.
    """
    by.require(Role.REVIEWER, "review a case")
    kind = ReadKind(item.read)
    if kind is ReadKind.ADJUDICATION:
        by.require(Role.LEAD, "adjudicate a case")
    with reading(store) as connection:
        claim = last_claim(connection, _claim_id(kind, item.case_id, by), by.id)
    if claim is None or claim.kind != kind:
        return False
    if disposition is Disposition.DEFER and label not in UNCLEAR_LABELS:
        label = CANNOT_TELL
    given = ReadAnswer(by.id, disposition, plain(label))
    return write_read(store, claim, given, item.images, comment=comment, at=at)


def put_off(store: Store, item: WorkItem, by: Person, at: datetime | None = None) -> None:
    """Put a read off: the case stays away from the person for a while, and nothing is answered.

    Args:
        store: The store.
        item: The case as it was shown; its ``read`` says what for.
        by: Who.
        at: When; now, unless given.

    Raises:
        PermissionDenied: The person may not review.
        StoreError: The database failed.
    """
    by.require(Role.REVIEWER, "put a case off")
    with reading(store) as connection:
        claim = last_claim(connection, _claim_id(ReadKind(item.read), item.case_id, by), by.id)
    if claim is not None:
        pass_over(store, claim, at)


def take_back(store: Store, read: StoredRead, by: Person, at: datetime | None = None) -> bool:
    """Return whether a read was taken back, so that its reader has the case before them again.

    Raises:
        PermissionDenied: The person may not review.
        StoreError: The database failed.
    """
    by.require(Role.REVIEWER, "take back a read")
    if not retract(store, read, by, at):
        return False
    claim_id = _claim_id(read.kind, read.case_id, by)
    pack = case_detail(store, read.case_id).item.pack
    with writing(store) as connection:
        take_claim(
            connection, claim_id, read.case_id, pack, read.kind.value, by, at or now(), read.before
        )
    return True


_STATES = {ReadKind.SECOND: ReadState.READ1, ReadKind.ADJUDICATION: ReadState.DISPUTED}


def _is_running(connection: Connection, claim: ReadClaim, packs: Sequence[str]) -> bool:
    """Return whether a claim is on a read that is still wanted."""
    if claim.is_passed or claim.kind not in list(ReadKind) or claim.pack not in packs:
        return False
    if claim.kind == ReadKind.GOLD:
        return standing_answer(connection, claim.case_id) is not None
    state = connection.scalar(
        select(READ_STATUS.c.state).where(READ_STATUS.c.case_id == claim.case_id)
    )
    return bool(state == _STATES[ReadKind(claim.kind)])


def _claim_id(kind: ReadKind, case_id: str, by: Person) -> str:
    # Several people may have one known case before them, each once.
    return f"{case_id} {by.id}" if kind is ReadKind.GOLD else case_id


def _task(store: Store, claim: ReadClaim, kind: ReadKind | None = None) -> ReadTask | None:
    kind = kind or ReadKind(claim.kind)
    masked = mask(case_detail(store, claim.case_id), kind)
    if kind is not ReadKind.ADJUDICATION:
        return ReadTask(kind, claim, masked)
    with reading(store) as connection:
        pair = first_and_second(connection, claim.case_id)
    if pair is None:
        return None
    answers = (answer_of(pair[0], "reviewer"), answer_of(pair[1]))
    # Sorted by a hash: the order of the reads would tell who was first.
    ordered = sorted(answers, key=lambda one: draw_number(claim.case_id, one.reader))
    nameless = (ReadAnswer("", one.disposition, one.label) for one in ordered)
    return ReadTask(kind, claim, masked, tuple(nameless))

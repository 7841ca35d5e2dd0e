"""Known answers: cases of which a lead knows what they are, mixed in to measure the readers.

The record is apart from the case's own reviews: neither choosing a case nor reading it as a known
one changes what stands of the case itself, or what a certificate is computed on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from core.errors import ConfigError
from core.records import hash_chain
from core.records.connection import Store, reading, writing
from core.records.tables import CASE_STATUS, CASES, GOLD_ANSWERS, RowLike
from core.records.values import now, plain, stamp
from core.types import Disposition

CHOOSE, WITHDRAW = "choose", "withdraw"


@dataclass(frozen=True, slots=True)
class GoldAnswer:
    """A case with a known answer.

    Attributes:
        id: Of its row.
        case_id: The case.
        key: Its group, or the content of its only file.
        product: Which of the pack's products it is of.
        disposition: What the case is.
        label: What is to be named, or empty.
        chosen_by: Id of who chose it.
        chosen_at: When, in UTC.
    """

    id: str
    case_id: str
    key: str
    product: str
    disposition: Disposition
    label: str
    chosen_by: str
    chosen_at: datetime


def choose_gold(
    store: Store,
    case_id: str,
    disposition: Disposition,
    *,
    by: str,
    label: str = "",
    at: datetime | None = None,
) -> None:
    """Mix a case into the queue, with the answer that is known of it.

    Args:
        store: The store.
        case_id: The case.
        disposition: What it is: negative or positive.
        by: Id of who knows it.
        label: What is to be named, or empty.
        at: When; now, unless given.

    Raises:
        ConfigError: There is no such case, or DEFER was given, which is no known answer.
        StoreError: The database failed.
    """
    if disposition is Disposition.DEFER:
        raise ConfigError(
            "A known answer is negative or positive; got none of both.",
            hint="Choose a case of which you know what it is.",
        )
    with writing(store) as connection:
        _write(connection, case_id, CHOOSE, disposition.value, label, by, at or now())


def withdraw_gold(store: Store, case_id: str, *, by: str, at: datetime | None = None) -> None:
    """Take a case out of the known ones; the answers already given on it stay on record.

    Raises:
        ConfigError: There is no such case.
        StoreError: The database failed.
    """
    with writing(store) as connection:
        if standing_answer(connection, case_id) is not None:
            _write(connection, case_id, WITHDRAW, "", "", by, at or now())


def list_gold(store: Store, pack: str) -> list[GoldAnswer]:
    """Return the known cases of a pack that are mixed in, the one chosen last first.

    Raises:
        StoreError: The database failed.
    """
    with reading(store) as connection:
        return standing_gold(connection, pack)


def standing_gold(connection: Connection, pack: str) -> list[GoldAnswer]:
    """Return the known cases of a pack, in the caller's transaction."""
    later = GOLD_ANSWERS.alias()
    superseded = select(later.c.id).where(later.c.supersedes == GOLD_ANSWERS.c.id)
    query = (
        select(GOLD_ANSWERS, CASES.c.key)
        .join(CASES, CASES.c.id == GOLD_ANSWERS.c.case_id)
        .where(GOLD_ANSWERS.c.pack == pack, GOLD_ANSWERS.c.kind == CHOOSE, ~superseded.exists())
        .order_by(GOLD_ANSWERS.c.chosen_at.desc(), GOLD_ANSWERS.c.id)
    )
    return [_answer(row) for row in connection.execute(query).mappings()]


def standing_answer(connection: Connection, case_id: str) -> RowLike | None:
    """Return the row of a case's known answer; None where it has none."""
    row = _newest(connection, case_id)
    return row if row is not None and row["kind"] == CHOOSE else None


def gold_of(connection: Connection, ids: list[str]) -> dict[str, Disposition]:
    """Return what is known, by the id of the row that a read refers to."""
    query = select(GOLD_ANSWERS.c.id, GOLD_ANSWERS.c.disposition)
    rows = connection.execute(
        query.where(GOLD_ANSWERS.c.id.in_(ids), GOLD_ANSWERS.c.kind == CHOOSE)
    )
    return {name: Disposition(word) for name, word in rows}


def _write(
    connection: Connection,
    case_id: str,
    kind: str,
    disposition: str,
    label: str,
    by: str,
    at: datetime,
) -> None:
    query = select(CASE_STATUS.c.pack, CASE_STATUS.c.product)
    own = connection.execute(query.where(CASE_STATUS.c.case_id == case_id)).first()
    if own is None:
        raise ConfigError(
            f"The store holds no case {case_id!r}.", hint="Take the case from the list of cases."
        )
    before = _newest(connection, case_id)
    counted = select(func.count()).select_from(GOLD_ANSWERS)
    number = connection.execute(counted.where(GOLD_ANSWERS.c.case_id == case_id)).scalar_one()
    row: dict[str, Any] = {
        "id": f"{case_id}-k{number}",
        "case_id": case_id,
        "pack": own.pack,
        "product": own.product,
        "kind": kind,
        "disposition": disposition,
        "label": plain(label),
        "chosen_by": plain(by),
        "chosen_at": stamp(at),
        "supersedes": before["id"] if before else "",
    }
    hash_chain.append_row(
        connection,
        GOLD_ANSWERS,
        row,
        actor=plain(by),
        action=f"{kind} known answer",
        subject=case_id,
        at=at,
    )


def _newest(connection: Connection, case_id: str) -> RowLike | None:
    query = select(GOLD_ANSWERS).where(GOLD_ANSWERS.c.case_id == case_id)
    rows = connection.execute(query).mappings().all()
    superseded = {row["supersedes"] for row in rows}
    return next((row for row in rows if row["id"] not in superseded), None)


def _answer(row: RowLike) -> GoldAnswer:
    return GoldAnswer(
        id=row["id"],
        case_id=row["case_id"],
        key=row["key"],
        product=row["product"],
        disposition=Disposition(row["disposition"]),
        label=row["label"],
        chosen_by=row["chosen_by"],
        chosen_at=datetime.fromisoformat(row["chosen_at"]),
    )

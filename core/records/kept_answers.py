"""Answers that came after their person's sign-in had ended: kept until the person is back.

The last one alone of each person. It is no record yet: whoever signs in as the same person is
asked, and the store takes it only while the case is still as it was shown.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, insert, select

from core.records.case_status import QueueState
from core.records.cases import WorkItem
from core.records.connection import Store, reading, writing
from core.records.tables import KEPT_ANSWERS, RowLike
from core.records.values import now, plain, stamp
from core.types import Disposition


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer that was given and is not on record.

    Attributes:
        item: The case as it was shown.
        disposition: The answer.
        label: As in `core.service.review.review.decide`.
        comment: Free text.
    """

    item: WorkItem
    disposition: Disposition
    label: str = ""
    comment: str = ""


def keep_answer(
    store: Store, person_id: str, answer: KeptAnswer, at: datetime | None = None
) -> None:
    """Keep an answer for a person, in the place of an earlier one.

    Raises:
        StoreError: The database failed.
    """
    row = {
        "person": plain(person_id),
        "item": _item_text(answer.item),
        "disposition": answer.disposition.value,
        "label": plain(answer.label),
        "comment": plain(answer.comment),
        "kept_at": stamp(at or now()),
    }
    with writing(store) as connection:
        connection.execute(delete(KEPT_ANSWERS).where(KEPT_ANSWERS.c.person == row["person"]))
        connection.execute(insert(KEPT_ANSWERS), row)


def kept_answer(store: Store, person_id: str) -> KeptAnswer | None:
    """Return what is kept for a person; None for nothing.

    Raises:
        StoreError: The database failed.
    """
    with reading(store) as connection:
        row = connection.execute(_of(person_id)).mappings().first()
    return _answer(row) if row else None


def take_kept(store: Store, person_id: str) -> KeptAnswer | None:
    """Return what was kept for a person and is kept no longer: one caller alone gets it.

    Raises:
        StoreError: The database failed.
    """
    with writing(store) as connection:
        row = connection.execute(_of(person_id)).mappings().first()
        own = KEPT_ANSWERS.c.person == plain(person_id)
        connection.execute(delete(KEPT_ANSWERS).where(own))
    return _answer(row) if row else None


def _of(person_id: str) -> Select[Any]:
    return select(KEPT_ANSWERS).where(KEPT_ANSWERS.c.person == plain(person_id))


def _answer(row: RowLike) -> KeptAnswer:
    return KeptAnswer(
        _item(row["item"]), Disposition(row["disposition"]), row["label"], row["comment"]
    )


def _item_text(item: WorkItem) -> str:
    values = asdict(item) | {"opened_at": stamp(item.opened_at)}
    return json.dumps(values, sort_keys=True)


def _item(text: str) -> WorkItem:
    values = json.loads(text)
    values["opened_at"] = datetime.fromisoformat(values["opened_at"])
    values["queue_state"] = QueueState(values["queue_state"])
    values["disposition"] = Disposition(values["disposition"])
    return WorkItem(**values)

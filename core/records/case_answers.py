"""Where some cases stand and what people answered on them, for lists that name their cases."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select

from core.records.case_status import QueueState
from core.records.connection import Store, chunks, reading
from core.records.final_reads import final_answer
from core.records.tables import CASE_STATUS, READ_STATUS
from core.types import Disposition


@dataclass(frozen=True, slots=True)
class CaseAnswer:
    """Where a case stands.

    Attributes:
        queue_state: Whether it waits for a person.
        answer: What it is by its reads; None while nobody has answered or they are open.
        reviewer: Id of who answered; empty where there is no answer.
    """

    queue_state: QueueState
    answer: Disposition | None
    reviewer: str


def case_answers(store: Store, case_ids: Collection[str]) -> dict[str, CaseAnswer]:
    """Return by id where cases stand; of those that the store does not hold, nothing.

    Raises:
        StoreError: The database failed.
    """
    status = CASE_STATUS.c
    answer = final_answer(status.answer)
    query = select(
        status.case_id, status.queue_state, answer.label("answer"), status.answer_by
    ).outerjoin(READ_STATUS, READ_STATUS.c.case_id == status.case_id)
    found: dict[str, CaseAnswer] = {}
    with reading(store) as connection:
        for some in chunks(list(case_ids)):
            for row in connection.execute(query.where(status.case_id.in_(some))):
                given = Disposition(row.answer) if row.answer else None
                who = row.answer_by if given else ""
                found[row.case_id] = CaseAnswer(QueueState(row.queue_state), given, who or "")
    return found

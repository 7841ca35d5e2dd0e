"""What a reader is shown of a case that is read blind: its pictures, and nothing of any answer.

What is hidden is taken out here, before a page sees the case: what a page does not have it cannot
send. Second reads, adjudications, known cases and audit draws then look the same.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from core.decision.second_read import ReadState
from core.people import Person
from core.records.case_status import QueueState
from core.records.cases import CaseDetail, CaseImage
from core.records.connection import Store, reading
from core.records.final_reads import read_states
from core.records.read_status import ReadKind, is_same_reader
from core.records.tables import RowLike
from core.records.values import StoredDecision
from core.types import Disposition, Finding, Reason


def mask(detail: CaseDetail, kind: ReadKind) -> CaseDetail:
    """Return a case without its reviews and without whatever was decided on it.

    Its images are in the order received, its verdict and its numbers are blank, and every decision
    carries the finding AUDIT, by which pages know that the case is read blind.

    Args:
        detail: The case.
        kind: What it is read for.
    """
    item = replace(
        detail.item,
        queue_state=QueueState.WAITING,
        disposition=Disposition.DEFER,
        positive_probability=None,
        revision=0,
        read=kind.value,
    )
    return CaseDetail(item, tuple(map(_masked_image, detail.images)), ())


def blind_cases(store: Store, by: Person, case_ids: Collection[str]) -> frozenset[str]:
    """Return which cases a person may see nothing of but the pictures, since their reads are open.

    Whoever has read a case knows their own answer and sees it; nobody else does until the reads
    are agreed or adjudicated.

    Args:
        store: The store.
        by: Who looks.
        case_ids: The cases.

    Raises:
        StoreError: The database failed.
    """
    with reading(store) as connection:
        found = read_states(connection, case_ids)
    return frozenset(name for name, row in found.items() if _is_hidden(row, by))


def _is_hidden(row: RowLike, by: Person) -> bool:
    if ReadState(row["state"]).is_final:
        return False
    return not any(is_same_reader(row[name], by.id) for name in ("first_reader", "second_reader"))


def _masked_image(image: CaseImage) -> CaseImage:
    return replace(image, decision=_masked(image.decision)) if image.decision else image


def _masked(decision: StoredDecision) -> StoredDecision:
    # What names picture and bundle stays: the picture is worked out from it.
    return replace(
        decision,
        disposition=Disposition.DEFER,
        wording="",
        label="",
        probabilities=(),
        positive_probability=None,
        ood_p=None,
        ood_score=None,
        good_p=None,
        findings=(Finding(Reason.AUDIT, ""),),
        features=b"",
        logits=b"",
        message=decision.message if not decision.sha256 else "",
        audit_probability=None,
    )

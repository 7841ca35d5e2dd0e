"""The reads of the queue that are not first ones: second reads, adjudications, known cases.

They stand where the case would stand that the person would read first, drawn by the same page from
a case without any answer (`core.service.review.blind`), so that none looks unlike another.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import streamlit as st

from core.packs import DomainPack
from core.people import Role
from core.records.case_status import QueueState
from core.records.cases import CaseDetail, WorkItem
from core.records.read_claims import ReadClaim, claim_case, claims_of
from core.records.read_status import ReadKind
from core.service.review import second_read
from core.service.review.blind import blind_cases, mask
from core.service.review.review import ReviewSession
from core.service.review.second_read import ReadTask
from dashboard import widgets
from dashboard.open_case import NextCase
from dashboard.present import readers

state = st.session_state


def unclaimed(session: ReviewSession, next_case: NextCase, packs: Sequence[str]) -> NextCase:
    """Return what gives the next case that nobody else has before them.

    Args:
        session: The open store.
        next_case: Gives the next case, whoever has it.
        packs: Names of the packs whose cases it gives.
    """
    others = [
        claim.case_id
        for pack in packs
        for claim in claims_of(session.store, pack)
        if claim.person != widgets.person().id
    ]

    def give(skipped: Sequence[str]) -> WorkItem | None:
        # Behind those put off: when all have been, the one longest ago is to come back.
        item = next_case([*skipped, *others])
        return None if item is None or item.case_id in others else item

    return give


def serve(
    session: ReviewSession,
    packs: Sequence[str],
    detail: CaseDetail | None,
    lanes: Collection[QueueState] = (QueueState.WAITING,),
    *,
    comes_first: bool = False,
) -> CaseDetail | None:
    """Return the case to show: what is to be read before this one, else this one as it may be seen.

    Args:
        session: The open store.
        packs: Names of the packs whose cases may come.
        detail: The case that the person would read first, or has opened by themselves.
        lanes: Where a case stands that nobody has read.
        comes_first: Whether nothing is to be read before this one: a person opened this very case,
            or it is urgent.
    """
    state["read_task"] = None
    by = widgets.person()
    if detail is not None and detail.item.queue_state not in lanes:
        return _opened(session, packs, detail)
    upcoming = detail.item if detail else None
    task = None if comes_first else second_read.next_read(session.store, packs, by, upcoming)
    if task is not None:
        state["read_task"] = task
        return task.detail
    if detail is not None and by.may(Role.REVIEWER):
        item = detail.item
        state["read_claim"] = claim_case(session.store, item.case_id, item.pack, by)
    return detail


def draw_notes(pack: DomainPack, detail: CaseDetail) -> None:
    """Draw who else has a case before them, and the two answers that an adjudication decides on."""
    task: ReadTask | None = state.get("read_task")
    claim: ReadClaim | None = task.claim if task else state.get("read_claim")
    if claim is not None and claim.case_id == detail.item.case_id and _is_others(claim):
        widgets.text(readers.describe_claim(claim), "error")
    if task is not None and task.answers:
        widgets.text("Two people answered differently; you decide.", "heading")
        for answer in task.answers:
            widgets.text(readers.describe_answer(answer, pack))


def _is_others(claim: ReadClaim) -> bool:
    return claim.person != widgets.person().id and not claim.is_passed


def _opened(session: ReviewSession, packs: Sequence[str], detail: CaseDetail) -> CaseDetail:
    """Return a case that was opened by itself; what the person may not know of it is taken out."""
    by, case_id = widgets.person(), detail.item.case_id
    task = second_read.running_read(session.store, packs, by)
    if task is None or task.detail.item.case_id != case_id:
        if case_id not in blind_cases(session.store, by, [case_id]):
            return detail
        task = second_read.open_read(session.store, case_id, by)
    if task is not None:
        state["read_task"] = task
        return task.detail
    return mask(detail, ReadKind.SECOND)

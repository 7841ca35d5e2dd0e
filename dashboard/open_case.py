"""What one page remembers of the case before the person."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.errors import StoreError
from core.packs import DomainPack, installed
from core.records.case_status import QueueState
from core.records.cases import CaseDetail, WorkItem
from core.records.connection import Store
from core.records.worklist import case_detail, is_emptied
from core.service.review.review import ReviewSession
from dashboard import address, skipped
from dashboard.present import escape_markdown

NextCase = Callable[[Sequence[str]], WorkItem | None]
"""Gives the case that comes next, from the ids of those passed over."""

state = st.session_state


@dataclass(frozen=True, slots=True)
class OpenCaseState:
    """The case that a page has open, and the note not yet kept.

    Attributes:
        page: Name of the page; what one page remembers does not concern another.
        pack: Whose cases.
        lanes: Where a case stands that may be shown.
    """

    page: str
    pack: DomainPack
    lanes: tuple[QueueState, ...]

    def current(
        self, session: ReviewSession, next_case: NextCase, packs: Collection[str] = ()
    ) -> CaseDetail | None:
        """Return the case to show: the one already open or named by the address, else the next.

        Args:
            session: The open store.
            next_case: Gives the case that comes next.
            packs: Whose cases may be shown; those of the page's own pack unless given.
        """
        asked = address.requested(self.page, "case")
        if asked:
            self.open_case(asked)
        detail = self._open_detail(session, packs or (self.pack.name,))
        if detail is None:
            item = next_case(skipped.list_skipped(session.store))
            # Kept open from now on, so that a case which arrives meanwhile does not replace it.
            self._put("case", item.case_id if item else "")
            detail = case_detail(session.store, item.case_id) if item else None
        return detail

    def name_in_address(self, detail: CaseDetail | None) -> None:
        """Have the address of the page lead to the case that is drawn."""
        address.write(self.page, "case", detail.item.case_id if detail else "")

    def _open_detail(self, session: ReviewSession, packs: Collection[str]) -> CaseDetail | None:
        case_id: str | None = self._get("case", "")
        if not case_id:
            return None
        try:
            if is_emptied(session.store, case_id):
                return None
            detail = case_detail(session.store, case_id)
        except StoreError as exc:  # an address may name anything
            st.toast(escape_markdown(str(exc)))
            self.leave()
            return None
        item = detail.item
        stays = item.queue_state in self.lanes or self.is_answered(item) or self.is_asked_for(item)
        return detail if stays and item.pack in packs else None

    def following(
        self, session: ReviewSession, next_case: NextCase, current: WorkItem
    ) -> CaseDetail | None:
        """Return the case that comes after the one shown, as things are; None where none does."""
        others = skipped.list_skipped(session.store, but=current.case_id)
        item = next_case([*others, current.case_id])
        if item is None or item.case_id == current.case_id:
            return None
        return case_detail(session.store, item.case_id)

    def open_case(self, case_id: str) -> None:
        """Have a case shown next, wherever it stands."""
        self.leave()
        self._put("case", case_id)
        self._put("asked_for", case_id)

    def keep_open(self, item: WorkItem) -> None:
        """Show the case on although it has its answer now."""
        self._put("case", item.case_id)
        self._put("answered", item.case_id)

    def leave(self) -> None:
        """Forget the case before the person and what was noted about it."""
        for name in ("case", "asked_for", "answered", "asking", "image", "note", "noting"):
            self._drop(name)

    def cancel(self) -> None:
        """Give up what was begun: a note being written, a question being asked."""
        for name in ("asking", "noting"):
            self._drop(name)

    def is_asked_for(self, item: WorkItem) -> bool:
        """Return whether a person opened this very case, so that it is shown wherever it stands."""
        return bool(item.case_id == self._get("asked_for", ""))

    def is_answered(self, item: WorkItem) -> bool:
        """Return whether the case stays open although it has its answer."""
        return item.case_id == self._get("answered", "") and item.queue_state not in self.lanes

    def is_blind(self, item: WorkItem) -> bool:
        """Return whether the person wants to answer first, and has not answered this case yet."""
        return bool(self._get("blind", False)) and not self.is_answered(item)

    def skip(self, store: Store, item: WorkItem) -> None:
        """Pass over a case that waits; it comes back when the others are done."""
        if item.queue_state in self.lanes:
            skipped.skip(store, item)
        self.leave()

    def reopen(self, store: Store, case_id: str) -> None:
        """Have a case shown next whose answer was taken back."""
        self._put("case", case_id)
        skipped.end_skip(store, case_id)

    def image(self) -> str:
        """Return the image that was chosen of the case's images; empty for none."""
        return str(self._get("image", ""))

    def choose_image(self, image_id: str) -> None:
        """Note which of the case's images to show."""
        self._put("image", image_id)

    def note(self, view_id: str) -> str | None:
        """Return the note about the case as it is shown; None where none was written."""
        noted_on, text = self._get("note", ("", ""))
        return str(text) if noted_on == view_id else None

    def keep_note(self, view_id: str, text: str) -> None:
        """Keep the note about the case as it is shown, and close its box."""
        self._put("note", (view_id, text))
        self._drop("noting")

    def _name(self, name: str) -> str:
        return f"{self.page}_{name}"

    def _get(self, name: str, default: Any) -> Any:  # noqa: ANN401
        return state.get(self._name(name), default)

    def _put(self, name: str, value: object) -> None:
        state[self._name(name)] = value

    def _drop(self, name: str) -> None:
        state.pop(self._name(name), None)


def open_in_review(session: ReviewSession, case_id: str) -> bool:
    """Return whether the shared review page shows a case next, wherever the case stands.

    Not if its pack is reviewed on a page of its own, which decides what a reader may see and when.
    """
    item = case_detail(session.store, case_id).item
    pack = installed().get(item.pack)
    if pack is None or pack.has_own_review:
        st.toast(f"Cases of {item.pack} are reviewed on a page of their own.")
        return False
    state["pack"] = pack.name
    OpenCaseState("review", pack, ()).open_case(case_id)
    return True

"""What a press on a case does: the verdict is kept, taken back, passed over or noted.

A press comes with the name of the case and its revision as they were shown
(``review_keys.js``); the store keeps it only while the case is still so.
"""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core.errors import AssayError, PermissionDenied
from core.people import Person
from core.records.cases import CaseDetail, StoredReview, WorkItem
from core.records.kept_answers import KeptAnswer, keep_answer
from core.service.review import review, undo
from core.service.review.review import ReviewSession
from core.types import Disposition
from dashboard import key_bridge, present, sign_in, widgets
from dashboard.key_bridge import accept_press
from dashboard.open_case import OpenCaseState

state = st.session_state


@dataclass(frozen=True, slots=True)
class CasePresses(OpenCaseState):
    """What the presses on one page do to the case that it has open."""

    def note_of(self, detail: CaseDetail) -> str:
        """Return the note of the case as it is shown: what is written by now, else what stood."""
        written = self.note(present.make_view_id(detail.item))
        if written is not None:
            return written
        earlier = undo.taken_back(detail, widgets.person())
        return earlier.comment if earlier else ""

    def press_verdict(
        self, session: ReviewSession, detail: CaseDetail, disposition: Disposition, stays: bool
    ) -> None:
        """Keep a verdict on the case that was shown, and open the next one."""
        item = detail.item
        view_id = present.make_view_id(item)
        if not accept_press(view_id):
            return
        labels = sorted(state.get(f"labels-{view_id}", []))
        by = widgets.person()
        try:
            review.check_labels(session.explainer, self.pack, detail, disposition, labels)
            if self._is_given(detail, disposition, "|".join(labels), by):
                self.leave()
                return
            written = review.decide(
                session.store,
                item,
                disposition,
                by=by,
                label="|".join(labels),
                comment=self.note_of(detail),
            )
        except PermissionDenied as exc:
            self._keep(session, detail, disposition, "|".join(labels))
            st.toast(present.escape_markdown(str(exc)))
            return
        except AssayError as exc:
            st.toast(present.escape_markdown(str(exc)))
            return
        self.leave()
        if not written:
            st.toast(present.escape_markdown(present.describe_not_kept(detail)))
            return
        key_bridge.announce(present.describe_kept(detail, disposition, self.pack))
        if stays:
            self.keep_open(item)

    def _is_given(
        self, detail: CaseDetail, disposition: Disposition, label: str, by: Person
    ) -> bool:
        """Return whether a verdict on an answered case is the person's own that stands already.

        So it is where a case stays open after its answer, and where a page comes back to its case
        after a press whose answer was lost with the connection.
        """
        if not detail.reviews or detail.item.queue_state in self.lanes:
            return False
        last = detail.reviews[-1]
        if self.is_answered(detail.item):
            return disposition is last.disposition
        given = (last.disposition, last.label, last.reviewer)
        return given == (disposition, label, by.id) and self.note_of(detail) in ("", last.comment)

    def _keep(
        self, session: ReviewSession, detail: CaseDetail, disposition: Disposition, label: str
    ) -> None:
        """Keep a verdict whose person's sign-in has ended, for when they are back."""
        found = sign_in.current()
        if found is not None and not widgets.person().id:
            answer = KeptAnswer(detail.item, disposition, label, self.note_of(detail))
            keep_answer(session.store, found.who.id, answer)

    def press_undo(self, session: ReviewSession, last: StoredReview, view_id: str) -> None:
        """Take the person's last verdict back and open its case again."""
        if not accept_press(view_id):
            return
        self.leave()
        try:
            is_undone = undo.undo(session.store, last, widgets.person())
        except AssayError as exc:
            st.toast(present.escape_markdown(str(exc)))
            return
        if is_undone:
            key_bridge.announce("Taken back. The case is open again.")
            self.reopen(session.store, last.case_id)
        else:
            st.toast("That answer is no longer the last on its case. Nothing was taken back.")

    def press_skip(self, session: ReviewSession, item: WorkItem) -> None:
        """Pass the case over."""
        if not accept_press(present.make_view_id(item)):
            return
        try:
            self.skip(session.store, item)
        except AssayError as exc:
            st.toast(present.escape_markdown(str(exc)))

    def press_blindly(self, view_id: str) -> None:
        """Ask whether a picture that nobody can see is to be passed all the same."""
        if accept_press(view_id):
            self._put("asking", view_id)

    def press_note(self, view_id: str) -> None:
        """Open the note of the case."""
        if accept_press(view_id):
            self._put("noting", view_id)

    def press_cancel(self, view_id: str) -> None:
        """Close what the last press opened, with nothing kept."""
        if accept_press(view_id):
            self.cancel()

    def write_note(self, view_id: str) -> None:
        """Keep what stands in the note's field."""
        self.keep_note(view_id, state[self._name("note_text")].strip())

"""What a person can do with the case before them: one key each, on whichever page.

Every button is named after the case and its revision. The browser lets a press through only while
that case, its picture included, is on the screen as a whole (``review_keys.js``); the press comes
here with that name, and the store keeps it only while the case is still as it was shown.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from core.errors import AssayError, PermissionDenied
from core.people import Person, Role
from core.records.cases import CaseDetail, StoredReview, WorkItem
from core.records.kept_answers import KeptAnswer, keep_answer
from core.service.review import review
from core.service.review.review import ReviewSession
from core.types import Disposition
from dashboard import key_bridge, key_settings, present, sign_in, widgets
from dashboard.key_bridge import NOTHING, accept_press
from dashboard.open_case import OpenCaseState
from dashboard.present.keys import KeyMap, list_case_actions

__all__ = ["CHANGED", "NOTHING", "ReviewKeys", "label_ticks"]

CHANGED = "This case has changed since it was shown. Nothing was kept; look again."

_KEY_SIGNS = {"ArrowRight": "→", "ArrowLeft": "←"}

state = st.session_state


@dataclass(frozen=True, slots=True)
class ReviewKeys(OpenCaseState):
    """The keys of one page, which act on the case that it has open.

    Attributes:
        letters: The key of each verdict, unless the person has chosen another.
        skip_button: Label, key and help of the button that passes a case over.
        note_button: Label and key of the button that opens the note.
    """

    letters: Mapping[Disposition, str]
    skip_button: tuple[str, str, str]
    note_button: tuple[str, str]

    def key_map(self, session: ReviewSession) -> KeyMap:
        """Return the keys of this page as the person likes them."""
        label, key, _ = self.skip_button
        actions = list_case_actions(
            self.pack, self.letters, skip=(label, key), note=self.note_button
        )
        return key_settings.key_map(session.store, self._keys_name(), actions)

    def draw(
        self, session: ReviewSession, detail: CaseDetail, *, has_picture: bool, stays: bool = False
    ) -> None:
        """Draw the buttons of a case, and arm them once all of it is on the screen.

        Args:
            session: The open store.
            detail: The case.
            has_picture: Whether the person can see the picture that they would judge.
            stays: Whether the case stays open after its answer, with its verdict uncovered.
        """
        earlier = review.taken_back(detail, widgets.person())
        if earlier is not None:
            widgets.text(present.describe_taken_back(earlier, self.pack), "heading")
        self._draw_verdicts(session, detail, has_picture=has_picture, stays=stays)
        self._draw_retake(session, detail, has_picture=has_picture)
        self._draw_others(session, detail)

    def blind_toggle(self) -> None:
        """Draw the switch by which a person answers before seeing what was decided."""
        box = self._name("blind_box")
        st.toggle(
            "Blind first read",
            key=box,
            value=bool(self._get("blind", False)),
            help="The verdict is uncovered after you have answered; you may then change it.",
            # Kept apart from the widget, whose own state goes while a case is shown without it.
            on_change=lambda: self._put("blind", state[box]),
        )

    def undo_button(
        self, session: ReviewSession, view_id: str, packs: Collection[str] = ()
    ) -> None:
        """Draw the button that takes the person's last verdict back, of the page's packs."""
        last = review.last_review(session.store, packs or (self.pack.name,), widgets.person())
        st.button(
            _with_key("Undo", self.key_map(session).key_of("undo")),
            key=f"case-undo-{view_id}",
            width="stretch",
            disabled=last is None,
            help=present.escape_markdown(present.describe_undo(last, self.pack)),
            on_click=self._undo,
            args=(session, last, view_id),
        )

    def arm(self, session: ReviewSession, detail: CaseDetail | None, pictures: int) -> None:
        """Have the browser show the case and take its keys; the last that a page draws.

        Args:
            session: The open store.
            detail: The case as it was drawn; None where none waits.
            pictures: How many pictures of it were drawn.
        """
        keys = self.key_map(session)
        key_settings.button(session.store, self._keys_name(), keys)
        key_bridge.arm(session, detail, pictures, keys)

    def _draw_verdicts(
        self, session: ReviewSession, detail: CaseDetail, *, has_picture: bool, stays: bool
    ) -> None:
        nameless = not widgets.reviewer()
        view_id, keys = present.make_view_id(detail.item), self.key_map(session)
        row = st.container(key="case-verdicts").columns(len(self.letters))
        for column, disposition in zip(row, self.letters, strict=True):
            asks = not has_picture and disposition is Disposition.NEGATIVE
            column.button(
                _with_key(self.pack.wording[disposition], keys.key_of(disposition.value)),
                key=f"case-{disposition.value}-{view_id}",
                type="primary" if has_picture else "secondary",
                width="stretch",
                disabled=nameless,
                on_click=self._ask if asks else self._decide,
                args=(view_id,) if asks else (session, detail, disposition, stays),
            )
        if nameless:
            widgets.text(widgets.why_not(Role.REVIEWER))

    def _draw_retake(
        self, session: ReviewSession, detail: CaseDetail, *, has_picture: bool
    ) -> None:
        view_id = present.make_view_id(detail.item)
        negative = self.pack.wording[Disposition.NEGATIVE]
        st.button(
            _with_key("Cannot judge, retake", self.key_map(session).key_of("defer")),
            key=f"case-defer-{view_id}",
            type="secondary" if has_picture else "primary",
            width="stretch",
            disabled=not widgets.reviewer(),
            on_click=self._decide,
            args=(session, detail, Disposition.DEFER, False),
        )
        if self._get("asking", "") == view_id:
            widgets.text(f"Nobody can see this picture. {negative} all the same?", "error")
            st.button(
                f"Yes, {present.escape_markdown(negative)} without a picture",
                key=f"case-sure-{view_id}",
                width="stretch",
                on_click=self._decide,
                args=(session, detail, Disposition.NEGATIVE, False),
            )
            self._cancel_button(view_id)

    def _draw_others(self, session: ReviewSession, detail: CaseDetail) -> None:
        view_id, keys = present.make_view_id(detail.item), self.key_map(session)
        label, _, help_ = self.skip_button
        skip, undo, note = st.columns(3)
        skip.button(
            _with_key(label, keys.key_of("skip")),
            key=f"case-skip-{view_id}",
            width="stretch",
            help=help_,
            on_click=self._skip,
            args=(session, detail.item),
        )
        with undo:
            self.undo_button(session, view_id)
        label, _ = self.note_button
        note.button(
            _with_key(label, keys.key_of("note")),
            key=f"case-note-{view_id}",
            width="stretch",
            on_click=self._open_note,
            args=(view_id,),
        )
        self._draw_note(label, detail)

    def _draw_note(self, label: str, detail: CaseDetail) -> None:
        view_id, text = present.make_view_id(detail.item), self._note_of(detail)
        if self._get("noting", "") == view_id:
            key = self._name("note_text")
            st.text_input(
                label,
                value=text,
                key=key,
                max_chars=500,
                placeholder="Enter keeps it with the verdict",
                label_visibility="collapsed",
                on_change=self._keep_note,
                args=(view_id,),
            )
            widgets.focus(key)
            self._cancel_button(view_id)
        elif text:
            widgets.text(text, "quiet")

    def _cancel_button(self, view_id: str) -> None:
        st.button(
            _with_key("Cancel", "Esc"),
            key=f"case-cancel-{view_id}",
            type="tertiary",
            on_click=self._cancel,
            args=(view_id,),
        )

    def _note_of(self, detail: CaseDetail) -> str:
        """Return the note of the case as it is shown: what is written by now, else what stood."""
        written = self.note(present.make_view_id(detail.item))
        if written is not None:
            return written
        earlier = review.taken_back(detail, widgets.person())
        return earlier.comment if earlier else ""

    def _decide(
        self, session: ReviewSession, detail: CaseDetail, disposition: Disposition, stays: bool
    ) -> None:
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
                comment=self._note_of(detail),
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
            st.toast(CHANGED)
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
        return given == (disposition, label, by.id) and self._note_of(detail) in ("", last.comment)

    def _keep(
        self, session: ReviewSession, detail: CaseDetail, disposition: Disposition, label: str
    ) -> None:
        """Keep a verdict whose person's sign-in has ended, for when they are back."""
        found = sign_in.current()
        if found is not None and not widgets.person().id:
            answer = KeptAnswer(detail.item, disposition, label, self._note_of(detail))
            keep_answer(session.store, found.who.id, answer)

    def _undo(self, session: ReviewSession, last: StoredReview, view_id: str) -> None:
        if not accept_press(view_id):
            return
        self.leave()
        try:
            is_undone = review.undo(session.store, last, widgets.person())
        except AssayError as exc:
            st.toast(present.escape_markdown(str(exc)))
            return
        if is_undone:
            key_bridge.announce("Taken back. The case is open again.")
            self.reopen(session.store, last.case_id)
        else:
            st.toast(CHANGED)

    def _skip(self, session: ReviewSession, item: WorkItem) -> None:
        if not accept_press(present.make_view_id(item)):
            return
        try:
            self.skip(session.store, item)
        except AssayError as exc:
            st.toast(present.escape_markdown(str(exc)))

    def _ask(self, view_id: str) -> None:
        if accept_press(view_id):
            self._put("asking", view_id)

    def _open_note(self, view_id: str) -> None:
        if accept_press(view_id):
            self._put("noting", view_id)

    def _cancel(self, view_id: str) -> None:
        if accept_press(view_id):
            self.cancel()

    def _keep_note(self, view_id: str) -> None:
        self.keep_note(view_id, state[self._name("note_text")].strip())

    def _keys_name(self) -> str:
        return f"{self.page} {self.pack.name}"


def label_ticks(detail: CaseDetail, classes: Sequence[str]) -> None:
    """Offer the labels to tick, where they say more than the two verdicts; none has to be."""
    if len(classes) <= 2:
        return
    earlier = review.taken_back(detail, widgets.person())
    ticked = [one for one in (earlier.label.split("|") if earlier else ()) if one in classes]
    with st.expander("Name what you see", expanded=bool(ticked)):
        st.pills(
            "Labels",
            classes,
            selection_mode="multi",
            default=ticked,
            key=f"labels-{present.make_view_id(detail.item)}",
            format_func=present.escape_markdown,
            label_visibility="collapsed",
        )


def _with_key(label: str, key: str) -> str:
    shown = f" `{_KEY_SIGNS.get(key, key)}`" if key else ""
    return f"{present.escape_markdown(label)}{shown}"

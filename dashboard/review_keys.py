"""What a person can do with the case before them: one key each, on whichever page.

Every button is named after the case and its revision. The browser lets a press through only while
that case, its picture included, is on the screen as a whole (``review_keys.js``); the press comes
here with that name, and the store keeps it only while the case is still as it was shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from core.errors import AssayError, PermissionDenied
from core.records.cases import CaseDetail, StoredReview, WorkItem
from core.service.review import review, second_read
from core.service.review.review import ReviewSession
from core.types import Disposition
from dashboard import kept_decisions, present, sign_in, widgets
from dashboard.kept_decisions import KeptDecision
from dashboard.open_case import OpenCaseState

NOTHING = "nothing"
"""View id of the screen on which no case waits."""

CHANGED = "This case has changed since it was shown. Nothing was kept; look again."
LATE = "This press did not count: another case is on the screen by now."

_HERE = Path(__file__).parent
_KEY_SIGNS = {"ArrowRight": "→"}

state = st.session_state


@dataclass(frozen=True, slots=True)
class ReviewKeys(OpenCaseState):
    """The keys of one page, which act on the case that it has open.

    Attributes:
        letters: The key of each verdict.
        skip_button: Label, key and help of the button that passes a case over.
        note_button: Label and key of the button that opens the note.
    """

    letters: Mapping[Disposition, str]
    skip_button: tuple[str, str, str]
    note_button: tuple[str, str]

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
        if not has_picture:
            self._draw_retake(session, detail)
        self._draw_verdicts(session, detail, has_picture=has_picture, stays=stays)
        self._draw_others(session, detail.item)

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

    def undo_button(self, session: ReviewSession, view_id: str) -> None:
        """Draw the button that takes the person's last verdict back."""
        last = review.last_review(session.store, self.pack.name, widgets.person())
        st.button(
            _with_key("Undo", "U"),
            key=f"case-undo-{view_id}",
            width="stretch",
            disabled=last is None,
            help=present.escape_markdown(present.describe_undo(last, self.pack)),
            on_click=self._undo,
            args=(session, last, view_id),
        )

    def arm(self, view_id: str, pictures: int) -> None:
        """Have the browser show the case and take its keys; the last that a page draws.

        Args:
            view_id: Names the case as it was drawn.
            pictures: How many pictures of it were drawn.
        """
        state["runs"] = state.get("runs", 0) + 1
        state["shown"] = view_id
        mount = st.components.v2.component(
            "assay_review_keys", html="<i></i>", js=(_HERE / "review_keys.js").read_text()
        )
        letters = {letter: disposition.value for disposition, letter in self.letters.items()}
        actions = {self.skip_button[1]: "skip", self.note_button[1]: "note", "U": "undo"}
        keys = {
            key.lower() if len(key) == 1 else key: action
            for key, action in {**letters, **actions, "J": "defer"}.items()
        }
        data = {
            "view_id": view_id,
            "pictures": pictures,
            "keys": keys,
            "accepted": state.get("accepted", ""),
            "run": state["runs"],
        }
        mount(key="assay_review_keys", data=data)

    def _draw_verdicts(
        self, session: ReviewSession, detail: CaseDetail, *, has_picture: bool, stays: bool
    ) -> None:
        nameless = not widgets.reviewer()
        view_id = present.make_view_id(detail.item)
        for column, (disposition, letter) in zip(
            st.columns(len(self.letters)), self.letters.items(), strict=True
        ):
            asks = not has_picture and disposition is Disposition.NEGATIVE
            column.button(
                _with_key(self.pack.wording[disposition], letter),
                key=f"case-{disposition.value}-{view_id}",
                type="primary" if has_picture else "secondary",
                width="stretch",
                disabled=nameless,
                on_click=self._ask if asks else self._decide,
                args=(view_id,) if asks else (session, detail, disposition, stays),
            )
        if nameless:
            widgets.text("Write your name in the sidebar first; it stands under every verdict.")

    def _draw_retake(self, session: ReviewSession, detail: CaseDetail) -> None:
        view_id = present.make_view_id(detail.item)
        negative = self.pack.wording[Disposition.NEGATIVE]
        st.button(
            _with_key("Cannot judge, retake", "J"),
            key=f"case-defer-{view_id}",
            type="primary",
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

    def _draw_others(self, session: ReviewSession, item: WorkItem) -> None:
        view_id = present.make_view_id(item)
        label, key, help_ = self.skip_button
        skip, undo, note = st.columns(3)
        skip.button(
            _with_key(label, key),
            key=f"case-skip-{view_id}",
            width="stretch",
            help=help_,
            on_click=self._skip,
            args=(item,),
        )
        with undo:
            self.undo_button(session, view_id)
        label, key = self.note_button
        note.button(
            _with_key(label, key),
            key=f"case-note-{view_id}",
            width="stretch",
            on_click=self._open_note,
            args=(view_id,),
        )
        self._draw_note(label, view_id)

    def _draw_note(self, label: str, view_id: str) -> None:
        if self._get("noting", "") == view_id:
            key = self._name("note_text")
            st.text_input(
                label,
                value=self.note(view_id),
                key=key,
                max_chars=500,
                placeholder="Enter keeps it with the verdict",
                label_visibility="collapsed",
                on_change=self._keep_note,
                args=(view_id,),
            )
            widgets.focus(key)
        elif self.note(view_id):
            widgets.text(self.note(view_id), "quiet")

    def _decide(
        self, session: ReviewSession, detail: CaseDetail, disposition: Disposition, stays: bool
    ) -> None:
        item = detail.item
        view_id = present.make_view_id(item)
        if not _accept_press(view_id):
            return
        labels = sorted(state.get(f"labels-{view_id}", []))
        by = widgets.person()
        try:
            review.check_labels(session.explainer, self.pack, detail, disposition, labels)
            if self.is_answered(item) and disposition is detail.reviews[-1].disposition:
                self.leave()
                return
            written = review.decide(
                session.store,
                item,
                disposition,
                by=by,
                label="|".join(labels),
                comment=self.note(view_id),
            )
        except PermissionDenied as exc:
            self._keep(detail, disposition, "|".join(labels))
            st.toast(present.escape_markdown(str(exc)))
            return
        except AssayError as exc:
            st.toast(present.escape_markdown(str(exc)))
            return
        self.leave()
        if not written:
            st.toast(CHANGED)
        elif stays:
            self.keep_open(item)

    def _keep(self, detail: CaseDetail, disposition: Disposition, label: str) -> None:
        """Keep a verdict whose person's sign-in has ended, for when they are back."""
        found = sign_in.current()
        if found is None or widgets.person().id:
            return
        kept_decisions.keep(
            found.who.id,
            KeptDecision(
                detail.item,
                disposition,
                present.name_case(detail),
                self.pack.wording[disposition],
                label,
                self.note(present.make_view_id(detail.item)),
            ),
        )

    def _undo(self, session: ReviewSession, last: StoredReview, view_id: str) -> None:
        if not _accept_press(view_id):
            return
        self.leave()
        try:
            is_undone = review.undo(session.store, last, widgets.person())
        except AssayError as exc:
            st.toast(present.escape_markdown(str(exc)))
            return
        if is_undone:
            self.reopen(last.case_id)
        else:
            st.toast(CHANGED)

    def _skip(self, item: WorkItem) -> None:
        if _accept_press(present.make_view_id(item)):
            second_read.put_off(widgets.session().store, item, widgets.person())
            self.skip(item)

    def _ask(self, view_id: str) -> None:
        if _accept_press(view_id):
            self._put("asking", view_id)

    def _open_note(self, view_id: str) -> None:
        if _accept_press(view_id):
            self._put("noting", view_id)

    def _keep_note(self, view_id: str) -> None:
        self.keep_note(view_id, state[self._name("note_text")].strip())


def label_ticks(item: WorkItem, classes: Sequence[str]) -> None:
    """Offer the labels to tick, where they say more than the two verdicts; none has to be."""
    if len(classes) > 2:
        with st.expander("Name what you see"):
            st.pills(
                "Labels",
                classes,
                selection_mode="multi",
                key=f"labels-{present.make_view_id(item)}",
                format_func=present.escape_markdown,
                label_visibility="collapsed",
            )


def _with_key(label: str, key: str) -> str:
    return f"{present.escape_markdown(label)} `{_KEY_SIGNS.get(key, key)}`"


def _accept_press(view_id: str) -> bool:
    """Return whether a press was noted; False where its case is no longer the one drawn."""
    if state.get("shown") != view_id:
        st.toast(LATE)
        return False
    state["accepted"] = view_id
    return True

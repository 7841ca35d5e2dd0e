"""What a person can do with the case before them: one key each, on whichever page.

Every button is named after the case and its revision. The browser lets a press through only while
that case, its picture included, is on the screen as a whole (``review_keys.js``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

from core.people import Role
from core.records.cases import CaseDetail
from core.service.review import undo
from core.service.review.review import ReviewSession
from core.types import Disposition
from dashboard import key_bridge, key_settings, present, widgets
from dashboard.case_presses import CasePresses
from dashboard.key_bridge import NOTHING
from dashboard.present.keys import KeyMap, list_case_actions

__all__ = ["NOTHING", "ReviewKeys", "label_ticks"]

_KEY_SIGNS = {"ArrowRight": "→", "ArrowLeft": "←"}

state = st.session_state


@dataclass(frozen=True, slots=True)
class ReviewKeys(CasePresses):
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
        earlier = undo.taken_back(detail, widgets.person())
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
        last = undo.last_review(session.store, packs or (self.pack.name,), widgets.person())
        st.button(
            _with_key("Undo", self.key_map(session).key_of("undo")),
            key=f"case-undo-{view_id}",
            width="stretch",
            disabled=last is None,
            help=present.escape_markdown(present.describe_undo(last, self.pack)),
            on_click=self.press_undo,
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
                on_click=self.press_blindly if asks else self.press_verdict,
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
            on_click=self.press_verdict,
            args=(session, detail, Disposition.DEFER, False),
        )
        if self._get("asking", "") == view_id:
            widgets.text(f"Nobody can see this picture. {negative} all the same?", "error")
            st.button(
                f"Yes, {present.escape_markdown(negative)} without a picture",
                key=f"case-sure-{view_id}",
                width="stretch",
                on_click=self.press_verdict,
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
            on_click=self.press_skip,
            args=(session, detail.item),
        )
        with undo:
            self.undo_button(session, view_id)
        label, _ = self.note_button
        note.button(
            _with_key(label, keys.key_of("note")),
            key=f"case-note-{view_id}",
            width="stretch",
            on_click=self.press_note,
            args=(view_id,),
        )
        self._draw_note(label, detail)

    def _draw_note(self, label: str, detail: CaseDetail) -> None:
        view_id, text = present.make_view_id(detail.item), self.note_of(detail)
        if self._get("noting", "") == view_id:
            key = self._name("note_text")
            st.text_input(
                label,
                value=text,
                key=key,
                max_chars=500,
                placeholder="Enter keeps it with the verdict",
                label_visibility="collapsed",
                on_change=self.write_note,
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
            on_click=self.press_cancel,
            args=(view_id,),
        )

    def _keys_name(self) -> str:
        return f"{self.page} {self.pack.name}"


def label_ticks(detail: CaseDetail, classes: Sequence[str]) -> None:
    """Offer the labels to tick, where they say more than the two verdicts; none has to be."""
    if len(classes) <= 2:
        return
    earlier = undo.taken_back(detail, widgets.person())
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

"""What a person can do with the case before them: one key each, on whichever page.

Every button is named after the case and its revision. The browser lets a press through only while
that case, its picture included, is on the screen as a whole (``review_keys.js``); the press comes
here with that name, and the store keeps it only while the case is still as it was shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import streamlit as st

from core.errors import AssayError
from core.packs import DomainPack
from core.records.case_status import Lane
from core.records.cases import CaseDetail, StoredReview, WorkItem
from core.records.worklist import case_detail, is_emptied
from core.service.review import review
from core.service.review.review import ReviewSession
from core.types import Disposition
from dashboard import present, widgets

NOTHING = "nothing"
"""Names the screen on which no case waits."""

CHANGED = "This case has changed since it was shown. Nothing was kept; look again."
LATE = "This press did not count: another case is on the screen by now."

_HERE = Path(__file__).parent

state = st.session_state


@dataclass(frozen=True, slots=True)
class ReviewKeys:
    """The keys of one page, and what it remembers of the case before the person.

    Attributes:
        page: Name of the page; what one page remembers is nothing to another.
        pack: Whose cases.
        lanes: Where a case stands that may be shown.
        letters: The key of each verdict.
        skip: Label, key and help of the button that passes a case over.
        note: Label and key of the button that opens the note.
    """

    page: str
    pack: DomainPack
    lanes: tuple[Lane, ...]
    letters: Mapping[Disposition, str]
    skip: tuple[str, str, str]
    note: tuple[str, str]

    def current(
        self, session: ReviewSession, following: Callable[[Sequence[str]], str | None]
    ) -> CaseDetail | None:
        """Read the case to show: the one already open while it waits, else the next.

        Args:
            session: The open store.
            following: Gives the id of the case that comes next, from those passed over.
        """
        held = self._get("case", "")
        if held and not is_emptied(session.store, held):
            detail = case_detail(session.store, held)
            waits = detail.item.lane in self.lanes or self.is_answered(detail.item)
            if waits and detail.item.pack == self.pack.name:
                return detail
        case_id = following(self.skipped())
        # Held from now on, so that a case which arrives meanwhile does not take its place.
        self._put("case", case_id or "")
        return case_detail(session.store, case_id) if case_id else None

    def open_case(self, case_id: str) -> None:
        """Have a case shown next."""
        self.leave()
        self._put("case", case_id)

    def leave(self) -> None:
        """Forget the case before the person and what was noted about it."""
        for name in ("case", "answered", "asking", "image", "note", "noting"):
            state.pop(self._name(name), None)

    def skipped(self) -> list[str]:
        """Give the cases passed over, in that order."""
        return list(self._get("skipped", []))

    def image(self) -> str:
        """Give the image that was chosen of the case's images; empty for none."""
        return str(self._get("image", ""))

    def choose_image(self, image_id: str) -> None:
        """Note which of the case's images is wanted."""
        self._put("image", image_id)

    def is_answered(self, seen: WorkItem) -> bool:
        """Say whether the case stays open although it has its answer."""
        return seen.case_id == self._get("answered", "") and seen.lane not in self.lanes

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
        seen = detail.item
        if not has_picture:
            self._unseen_buttons(session, detail)
        self._verdict_buttons(session, detail, has_picture=has_picture, stays=stays)
        self._other_buttons(session, seen)

    def undo_button(self, session: ReviewSession, place: str) -> None:
        """Draw the button that takes the person's last verdict back."""
        last = review.last_review(session.store, self.pack.name, widgets.reviewer())
        st.button(
            _hinted("Undo", "U"),
            key=f"case-undo-{place}",
            width="stretch",
            disabled=last is None,
            help=present.escape_markdown(present.undo_words(last, self.pack)),
            on_click=self._undo,
            args=(session, last, place),
        )

    def arm(self, place: str, pictures: int) -> None:
        """Have the browser show the case and take its keys; the last that a page draws.

        Args:
            place: Names the case as it was drawn.
            pictures: How many pictures of it were drawn.
        """
        state["runs"] = state.get("runs", 0) + 1
        state["shown"] = place
        mount = st.components.v2.component(
            "assay_review_keys", html="<i></i>", js=(_HERE / "review_keys.js").read_text()
        )
        letters = {letter: disposition.value for disposition, letter in self.letters.items()}
        actions = {self.skip[1]: "skip", self.note[1]: "note", "U": "undo", "J": "defer"}
        keys = {
            key.lower() if len(key) == 1 else key: action
            for key, action in {**letters, **actions}.items()
        }
        heard = state.get("heard", "")
        run = state["runs"]
        data = {"place": place, "pictures": pictures, "keys": keys, "heard": heard, "run": run}
        mount(key="assay_review_keys", data=data)

    def _verdict_buttons(
        self, session: ReviewSession, detail: CaseDetail, *, has_picture: bool, stays: bool
    ) -> None:
        nameless = not widgets.reviewer()
        place = present.place(detail.item)
        for column, (disposition, letter) in zip(
            st.columns(len(self.letters)), self.letters.items(), strict=True
        ):
            asks = not has_picture and disposition is Disposition.NEGATIVE
            column.button(
                _hinted(self.pack.wording[disposition], letter),
                key=f"case-{disposition.value}-{place}",
                type="primary" if has_picture else "secondary",
                width="stretch",
                disabled=nameless,
                on_click=self._ask if asks else self._decide,
                args=(place,) if asks else (session, detail, disposition, stays),
            )
        if nameless:
            widgets.words("Write your name in the sidebar first; it stands under every verdict.")

    def _unseen_buttons(self, session: ReviewSession, detail: CaseDetail) -> None:
        place = present.place(detail.item)
        passed = self.pack.wording[Disposition.NEGATIVE]
        st.button(
            _hinted("Cannot judge, retake", "J"),
            key=f"case-defer-{place}",
            type="primary",
            width="stretch",
            disabled=not widgets.reviewer(),
            on_click=self._decide,
            args=(session, detail, Disposition.DEFER, False),
        )
        if self._get("asking", "") == place:
            widgets.words(f"Nobody can see this picture. {passed} all the same?", "trouble")
            st.button(
                f"Yes, {present.escape_markdown(passed)} without a picture",
                key=f"case-sure-{place}",
                width="stretch",
                on_click=self._decide,
                args=(session, detail, Disposition.NEGATIVE, False),
            )

    def _other_buttons(self, session: ReviewSession, seen: WorkItem) -> None:
        place = present.place(seen)
        label, key, help_ = self.skip
        skip, undo, note = st.columns(3)
        skip.button(
            _hinted(label, key),
            key=f"case-skip-{place}",
            width="stretch",
            help=help_,
            on_click=self._skip,
            args=(seen,),
        )
        with undo:
            self.undo_button(session, place)
        word, letter = self.note
        note.button(
            _hinted(word, letter),
            key=f"case-note-{place}",
            width="stretch",
            on_click=self._open_note,
            args=(place,),
        )
        self._note_box(word, place)

    def _note_box(self, word: str, place: str) -> None:
        if self._get("noting", "") == place:
            key = self._name("note_text")
            st.text_input(
                word,
                value=self._noted(place),
                key=key,
                max_chars=500,
                placeholder="Enter keeps it with the verdict",
                label_visibility="collapsed",
                on_change=self._keep_note,
                args=(place,),
            )
            widgets.focus(key)
        elif self._noted(place):
            widgets.words(self._noted(place), "quiet")

    def _decide(
        self, session: ReviewSession, detail: CaseDetail, disposition: Disposition, stays: bool
    ) -> None:
        seen = detail.item
        place = present.place(seen)
        if not _is_heard(place):
            return
        labels = sorted(state.get(f"labels-{place}", []))
        try:
            review.check_labels(session.explainer, self.pack, detail, disposition, labels)
            if self.is_answered(seen) and disposition is detail.reviews[-1].disposition:
                self.leave()
                return
            written = review.decide(
                session.store,
                seen,
                disposition,
                reviewer=widgets.reviewer(),
                label="|".join(labels),
                comment=self._noted(place),
            )
        except AssayError as exc:
            st.toast(present.escape_markdown(str(exc)))
            return
        self.leave()
        if not written:
            st.toast(CHANGED)
        elif stays:
            self._put("case", seen.case_id)
            self._put("answered", seen.case_id)

    def _undo(self, session: ReviewSession, last: StoredReview, place: str) -> None:
        if not _is_heard(place):
            return
        self.leave()
        if review.undo(session.store, last, widgets.reviewer()):
            self._put("case", last.case_id)
            self._put("skipped", [one for one in self.skipped() if one != last.case_id])
        else:
            st.toast(CHANGED)

    def _skip(self, seen: WorkItem) -> None:
        if not _is_heard(present.place(seen)):
            return
        if seen.lane in self.lanes:
            passed = [one for one in self.skipped() if one != seen.case_id]
            self._put("skipped", [*passed, seen.case_id])
        self.leave()

    def _ask(self, place: str) -> None:
        if _is_heard(place):
            self._put("asking", place)

    def _open_note(self, place: str) -> None:
        if _is_heard(place):
            self._put("noting", place)

    def _keep_note(self, place: str) -> None:
        self._put("note", (place, state[self._name("note_text")].strip()))
        state.pop(self._name("noting"), None)

    def _noted(self, place: str) -> str:
        """Give what was noted about the case as it is shown, and nothing of another."""
        noted_at, text = self._get("note", ("", ""))
        return text if noted_at == place else ""

    def _name(self, name: str) -> str:
        return f"{self.page}_{name}"

    def _get(self, name: str, default: Any) -> Any:  # noqa: ANN401
        return state.get(self._name(name), default)

    def _put(self, name: str, value: object) -> None:
        state[self._name(name)] = value


def label_ticks(seen: WorkItem, classes: Sequence[str]) -> None:
    """Offer the labels to tick, where they say more than the two verdicts; none has to be."""
    if len(classes) > 2:
        with st.expander("Name what you see"):
            st.pills(
                "Labels",
                classes,
                selection_mode="multi",
                key=f"labels-{present.place(seen)}",
                format_func=present.escape_markdown,
                label_visibility="collapsed",
            )


def _hinted(label: str, key: str) -> str:
    return f"{present.escape_markdown(label)} `{_KEY_SIGNS.get(key, key)}`"


_KEY_SIGNS = {"ArrowRight": "→"}


def _is_heard(place: str) -> bool:
    """Note a press; False, said on the screen, where its case is no longer the one drawn."""
    if state.get("shown") != place:
        st.toast(LATE)
        return False
    state["heard"] = place
    return True

"""One photo of a gallery: the picture, what was found, and what a person can do about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

import streamlit as st

from core.errors import AssayError
from core.packs import pack_named
from core.records.cases import CaseDetail
from core.records.store import decision
from core.service.review.review import ReviewSession
from core.types import Disposition, Finding, Reason
from dashboard import widgets
from dashboard.present import escape_markdown, verdict_mark
from domains.crops.fields import places
from domains.crops.fields.folder import FieldFolder
from domains.crops.locale import N_, Language, Sentence
from domains.crops.pages import field_map
from domains.crops.pages.case_answer import answer_of, draw_answers, open_case, picture_html
from domains.crops.photos.reasons import PhotoReason, sentence_of
from domains.crops.verdict_reasons import UNFAMILIAR, verdict_sentences

_UNFIT = N_("Cannot be judged")
_YOURS = N_("Your answer: {word}")
_ON_MAP, _CONFIRM = N_("Show on the map"), N_("The place is right")
_FORGET = N_("Take the place back")
_MISSING = N_(
    "The file of this photo is missing. Bring it back from a backup, or take the photo again."
)

Line = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class CardPage:
    """Where cards are drawn.

    Attributes:
        session: The open store.
        field: Whose photos.
        language: Of the page.
        pick: Called with a case that is to be shown on the map.
    """

    session: ReviewSession
    field: FieldFolder
    language: Language
    pick: Callable[[str], None]

    def draw(self, line: Line, place: str, number: int = 0) -> None:
        """Draw a photo.

        Args:
            line: The photo as it was listed.
            place: Names the place on the page, where a photo stands twice.
            number: Of the photo in that place.
        """
        detail = self._detail(line)
        widgets.html(self._figure(line, detail))
        if detail is not None:
            draw_answers(self.session, detail, place, self.language, number)
        self._about_place(line, place, number)

    def _detail(self, line: Line) -> CaseDetail | None:
        """Return the case of a photo; None where it has none, or others still read it blind."""
        verdict = line["verdict"]
        return open_case(self.session, verdict["case_id"]) if verdict else None

    def _figure(self, line: Line, detail: CaseDetail | None) -> str:
        verdict = line["verdict"]
        found = decision(self.session.store, verdict["decision"]) if verdict else None
        missing = self.language.text(_MISSING)
        picture = picture_html(self.session, found, line["file"], missing) if found else ""
        words = list(self._words(line, detail))
        texts = "".join(f"<p>{escape(word)}</p>" for word in words if word)
        kind = kind_of(line) or field_map.UNJUDGED
        return (
            f'<figure class="crops-photo {kind}">{picture}'
            f"<figcaption><b>{escape(line['file'])}</b>{texts}</figcaption></figure>"
        )

    def _words(self, line: Line, detail: CaseDetail | None) -> list[str]:
        """Return what a person should know of a photo, in their language."""
        language = self.language
        words = [heading_of(line, language)]
        if detail is not None and (answer := answer_of(detail)):
            word = pack_named("crops").wording[answer]
            words.append(language.render(Sentence(_YOURS, {"word": word})))
        if line["verdict"] is not None:
            findings = [Finding(Reason(code), "", check) for code, check in _findings(line)]
            if not any(found.reason in UNFAMILIAR for found in findings):
                labels = (label.replace("_", " ") for label in line["verdict"]["labels"])
                words.append(" / ".join(labels))
            sentences = (language.render(one) for one in verdict_sentences(findings))
            words += dict.fromkeys(sentences)
        found = [*line["faults"], *([line["reason"]] if line["reason"] else [])]
        words += [
            language.render(sentence_of(PhotoReason(one["code"]), one["values"])) for one in found
        ]
        return words

    def _about_place(self, line: Line, place: str, number: int) -> None:
        key, text = line["case"], self.language.text
        named = f"{key}-{number}"
        row = st.container(horizontal=True, gap="small")
        if line["place"] and place != "picked":
            row.button(
                text(_ON_MAP),
                key=f"crops-{place}-map-{named}",
                type="tertiary",
                on_click=self.pick,
                args=(key,),
            )
        if line["by_hand"]:
            row.button(
                text(_FORGET),
                key=f"crops-{place}-forget-{named}",
                type="tertiary",
                on_click=_change_place,
                args=(places.forget_place, self.field, key),
            )
        elif line["candidate"] is not None and line["place"] is None:
            row.button(
                text(_CONFIRM),
                key=f"crops-{place}-confirm-{named}",
                on_click=_change_place,
                args=(places.confirm_place, self.field, line),
            )


def _change_place(change: Callable[..., None], *args: object) -> None:
    try:
        change(*args, by=widgets.person_or_account())
    except AssayError as exc:
        st.toast(escape_markdown(str(exc)))


def kind_of(line: Line) -> str:
    """Return the disposition of a listed photo; empty where it was not judged."""
    return str(line["verdict"]["disposition"]) if line["verdict"] else ""


def heading_of(line: Line, language: Language) -> str:
    """Return the verdict on a photo in a word, or that it cannot be judged."""
    verdict = line["verdict"]
    if verdict is None:
        return language.text(_UNFIT)
    return str(verdict_mark(Disposition(verdict["disposition"]), verdict["wording"]))


def _findings(line: Line) -> list[tuple[str, str]]:
    return [(code, check) for code, check in line["verdict"]["findings"]]

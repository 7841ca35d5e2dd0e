"""What a photo and a tile share on the page: the picture, the answer, a button a verdict."""

from __future__ import annotations

from functools import partial
from html import escape

import streamlit as st

from core.errors import AssayError
from core.packs import pack_named
from core.records import blobs, worklist
from core.records.cases import CaseDetail
from core.records.values import StoredDecision
from core.service.review import review
from core.service.review.blind import blind_cases
from core.service.review.review import ReviewSession
from core.types import Disposition
from dashboard import widgets
from dashboard.names import names_of
from dashboard.offered import OFFERS
from dashboard.present import escape_markdown, verdict_mark
from domains.crops.locale import N_, Language, Sentence

_CORRECT = N_("What is it?")
_CHANGED = N_("The photo has changed since it was shown. Look again.")
_WAITS, _CALLED = N_("Waits for a person."), N_("{name} called it {word}.")


def open_case(session: ReviewSession, case_id: str) -> CaseDetail | None:
    """Return a case; None where it is gone, or others still read it blind."""
    if blind_cases(session.store, widgets.person(), [case_id]):
        return None
    try:
        return worklist.case_detail(session.store, case_id)
    except AssayError:  # its pictures were deleted since
        return None


def picture_html(session: ReviewSession, found: StoredDecision, name: str, missing: str) -> str:
    """Return the picture of a decision, which a click enlarges, or why there is none.

    Args:
        session: The open store.
        found: The decision.
        name: What the picture shows, for whoever cannot see it.
        missing: What stands in its place where its file is gone.
    """
    if found.sha256 and not blobs.has(session.store.blobs, found.sha256):
        return f"<p>{escape(missing)}</p>"
    address = OFFERS.put(f"crops {found.id}", partial(widgets.pictures().of, found))
    opens = widgets.enlarge(found).attributes()
    return (
        f'<button type="button" class="assay-enlarge" {opens}>'
        f'<img loading="lazy" src="{address}" alt="{escape(name)}"></button>'
    )


def answer_of(detail: CaseDetail) -> Disposition | None:
    """Return a person's answer that stands; None where nobody has answered."""
    last = detail.reviews[-1] if detail.reviews else None
    return last.disposition if last is not None else None


def state_of(session: ReviewSession, detail: CaseDetail, language: Language) -> str:
    """Return whether a case waits, or who called it what."""
    answer = answer_of(detail)
    if answer is None:
        return language.text(_WAITS)
    reviewer = detail.reviews[-1].reviewer
    name = names_of(session.store, {reviewer}).get(reviewer, reviewer)
    word = pack_named("crops").wording[answer]
    return language.render(Sentence(_CALLED, {"name": name, "word": word}))


def draw_answers(
    session: ReviewSession, detail: CaseDetail, key: str, language: Language, number: int = 0
) -> None:
    """Draw a button a verdict; one tap corrects or confirms, another one changes it.

    Args:
        session: The open store.
        detail: The case as it is shown.
        key: Begins the name of each button, unique on the page.
        language: Of the page.
        number: Of the photo on the page: equal files are one case, and stand there each.
    """
    answer = answer_of(detail)
    named = f"{detail.item.case_id}-{detail.item.revision}-{number}"
    widgets.text(language.text(_CORRECT), "quiet")
    row = st.container(horizontal=True, gap="small")
    for disposition, word in pack_named("crops").wording.items():
        row.button(
            escape_markdown(str(verdict_mark(disposition, word))),
            key=f"crops-{key}-{disposition.value}-{named}",
            type="primary" if answer is disposition else "secondary",
            on_click=_answer,
            args=(session, detail, disposition, language),
        )


def _answer(
    session: ReviewSession, detail: CaseDetail, disposition: Disposition, language: Language
) -> None:
    try:
        written = review.decide(session.store, detail.item, disposition, by=widgets.person())
    except AssayError as exc:
        st.toast(escape_markdown(str(exc)))
        return
    if not written:
        st.toast(language.text(_CHANGED))

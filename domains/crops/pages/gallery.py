"""The photos of a field: on the map, and one after the other, what to look at first on top."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import streamlit as st

from core.errors import AssayError
from core.records.failed_jobs import job_status
from core.service.review.review import ReviewSession
from dashboard import widgets
from dashboard.present import escape_markdown
from domains.crops.exports.layers import Positions
from domains.crops.exports.photo_layer import listed_photo, photo_layer
from domains.crops.exports.photo_pictures import picture_photos
from domains.crops.exports.photo_report import PhotoReport, order_photos, photo_page
from domains.crops.exports.write import PAGES, TABLES, one_file, write_pages, write_tables
from domains.crops.fields.folder import FieldFolder
from domains.crops.fields.photo_job import RESULT, job_id, judge_of_photos, submit
from domains.crops.fields.places import with_places
from domains.crops.locale import N_, Language, Sentence
from domains.crops.pages import downloads, jobs, photo_map
from domains.crops.pages.cards import CardPage, Line, heading_of, kind_of
from domains.crops.pages.sent_files import SentFiles
from domains.crops.survey.answered import read_answers
from domains.crops.survey.values import PersonAnswer

_PAGE = 24
_CARD_PX = 230
_ONE, _MANY = (
    N_("One photo or archive has arrived."),
    N_("{count} photos or archives have arrived."),
)
_LOOK = N_("Look at the photos")
_ALL, _SHOW, _MORE = N_("All"), N_("Show"), N_("More photos")
_NO_BUNDLE = N_("No model is deployed for this crop: the photos were read, not judged.")
_ORDER = {"positive": 0, "defer": 1, "": 2, "negative": 3}


def show(session: ReviewSession, field: FieldFolder, sent: SentFiles, language: Language) -> None:
    """Show the photos that were sent: ask for them to be looked at, or what came of it."""
    if not sent.photos:
        return
    number = 0
    last = None
    while found := job_status(session.store, job_id(field, number + 1)):
        last, number = found, number + 1
    if last is not None and jobs.is_open(last):
        jobs.follow(session, last, language)
        return
    if last is not None and last.problem:
        widgets.text(last.problem, "error")
    widgets.text(language.render(Sentence(_ONE, {"count": sent.photos}, plural=_MANY)))
    st.button(
        language.text(_LOOK),
        key="crops-look",
        type="primary",
        on_click=_submit,
        args=(session, field, number + 1),
    )
    if (field.folder / RESULT).exists():
        file = field.folder / RESULT
        lines = with_places(field, _listed(str(file), file.stat().st_mtime_ns))
        cases = [line["verdict"]["case_id"] for line in lines if line["verdict"]]
        _results(session, field, lines, read_answers(session.store, cases), language)


def _submit(session: ReviewSession, field: FieldFolder, number: int) -> None:
    try:
        submit(session.store, field, number, by=widgets.person_or_account())
    except AssayError as exc:
        st.toast(escape_markdown(f"{exc.message} {exc.hint}"))


@st.cache_resource(max_entries=8, show_spinner=False)
def _listed(file: str, stamp: int) -> list[Line]:  # noqa: ARG001 - the stamp is part of the key
    return list(json.loads(Path(file).read_text(encoding="utf-8")))


def _results(
    session: ReviewSession,
    field: FieldFolder,
    lines: Sequence[Line],
    answers: Mapping[str, PersonAnswer],
    language: Language,
) -> None:
    ordered = sorted(lines, key=lambda line: _ORDER[kind_of(line)])
    if not any(line["verdict"] for line in lines):
        widgets.text(language.text(_NO_BUNDLE), "quiet")
    cards = CardPage(session, field, language, lambda case: photo_map.pick(field, case))
    photo_map.show(field, ordered, answers, language, cards)
    counted = Counter(heading_of(line, language) for line in ordered)
    choices = [language.text(_ALL), *counted]
    chosen = st.radio(
        language.text(_SHOW),
        choices,
        format_func=lambda one: f"{one} ({counted.get(one, len(ordered))})",
        horizontal=True,
        key=f"crops-filter-{field.id}",
    )
    shown = [one for one in ordered if chosen in (choices[0], heading_of(one, language))]
    most = st.session_state.setdefault(f"crops-most-{field.id}", _PAGE)
    row = st.container(horizontal=True, gap="medium", key="crops-gallery")
    for number, line in enumerate(shown[:most]):
        with row.container(width=_CARD_PX, gap="small"):
            cards.draw(line, "gallery", number)
    if len(shown) > most:
        st.button(
            language.text(_MORE),
            key="crops-more",
            on_click=st.session_state.update,
            args=({f"crops-most-{field.id}": most + _PAGE},),
        )
    _files(session, field, ordered, answers, language)


def _files(
    session: ReviewSession,
    field: FieldFolder,
    lines: Sequence[Line],
    answers: Mapping[str, PersonAnswer],
    language: Language,
) -> None:
    def make(name: str, positions: Positions) -> bytes:
        photos = [listed_photo(line) for line in lines]
        if name in PAGES:
            ordered = order_photos(photos, answers)
            pictures = picture_photos(ordered, session.store, session.explainer)
            report = PhotoReport(field.name, ordered, judge_of_photos(field), pictures)
            page = photo_page(report, language, positions)
            return one_file(write_pages(page, (name,)))
        return one_file(write_tables([photo_layer(photos, answers, positions)], (name,)))

    downloads.offer((*PAGES, *TABLES), make, f"{field.id}-photos", _SUFFIXES, language)


_SUFFIXES = {
    "report": ".html",
    "pdf": ".pdf",
    "geojson": ".geojson",
    "gpkg": ".gpkg",
    "shapefile": ".zip",
    "csv": ".csv",
}

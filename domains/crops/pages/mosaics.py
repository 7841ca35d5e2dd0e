"""Mosaics of a field: surveyed as a job, then a map, files and prescriptions."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.errors import AssayError
from core.service.intake.resumable import Upload
from core.service.review.review import ReviewSession
from dashboard import widgets
from dashboard.present import escape_markdown
from domains.crops.fields.folder import FieldFolder
from domains.crops.locale import N_, Language, Sentence
from domains.crops.pages import index_view, jobs, survey_view
from domains.crops.pages.sent_files import SentFiles
from domains.crops.survey.geojson import SUMMARY
from domains.crops.survey.job import SURVEY, submit
from domains.crops.survey.spec import SurveySpec

_MOSAIC = N_("Mosaic {name}")
_TILE = N_("Side of a tile on the ground, in metres")
_SURVEY, _MEASURE = N_("Judge the field"), N_("Only measure, no model")
_AGAIN = N_("Survey it again")


def show(session: ReviewSession, field: FieldFolder, sent: SentFiles, language: Language) -> None:
    """Show every mosaic that was sent: what to do with it, how far it is, or what came of it."""
    for upload in sent.mosaics:
        _mosaic(session, field, upload, language)


def _mosaic(session: ReviewSession, field: FieldFolder, upload: Upload, language: Language) -> None:
    name = Path(upload.announced.name).name
    widgets.text(language.render(Sentence(_MOSAIC, {"name": name})), "heading")
    asked = jobs.asked(session, SURVEY, upload.id)
    status = asked[-1] if asked else None
    if status is not None and jobs.is_open(status):
        jobs.follow(session, status, language)
        return
    if status is not None and status.problem:
        widgets.text(jobs.name_file(status.problem, upload.path, name), "error")
    out = field.survey_of(upload.id)
    if (out / SUMMARY).exists():
        survey_view.show(session, out, field, language)
        with st.expander(language.text(_AGAIN)):
            _ask(session, field, upload, language)
    else:
        _ask(session, field, upload, language)
    index_view.show(session, field, upload, language)


def _ask(session: ReviewSession, field: FieldFolder, upload: Upload, language: Language) -> None:
    with st.form(f"crops-survey-{upload.id}", border=False):
        st.number_input(language.text(_TILE), 0.05, 100.0, 2.0, 0.5, key=f"crops-tile-{upload.id}")
        st.checkbox(language.text(_MEASURE), key=f"crops-measure-{upload.id}")
        st.form_submit_button(
            language.text(_SURVEY), type="primary", on_click=_submit, args=(session, field, upload)
        )


def _submit(session: ReviewSession, field: FieldFolder, upload: Upload) -> None:
    spec = SurveySpec(
        upload.path,
        field.survey_of(upload.id),
        float(st.session_state[f"crops-tile-{upload.id}"]),
        product=field.crop,
        is_measured_only=st.session_state[f"crops-measure-{upload.id}"],
    )
    try:
        key = jobs.key_of(upload.id, len(jobs.asked(session, SURVEY, upload.id)) + 1)
        submit(session.store, spec, by=widgets.person_or_account(), key=key)
    except AssayError as exc:
        st.toast(escape_markdown(f"{exc.message} {exc.hint}"))

"""Mosaics of a field: surveyed as a job, then a map, files and prescriptions."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.errors import AssayError
from core.records.failed_jobs import JobStatus, job_status
from core.records.values import name_of
from core.service.intake.resumable import Batch, Upload
from core.service.review.review import ReviewSession
from dashboard import widgets
from dashboard.present import escape_markdown
from domains.crops.fields.folder import FieldFolder
from domains.crops.fields.photo_job import is_photo
from domains.crops.locale import N_, Language, Sentence
from domains.crops.pages import jobs, survey_view
from domains.crops.survey.geojson import SUMMARY
from domains.crops.survey.job import SURVEY, submit
from domains.crops.survey.spec import SurveySpec

_MOSAIC = N_("Mosaic {name}")
_TILE = N_("Side of a tile on the ground, in metres")
_SURVEY, _MEASURE = N_("Judge the field"), N_("Only measure, no model")
_AGAIN = N_("Survey it again")


def show(session: ReviewSession, field: FieldFolder, batch: Batch, language: Language) -> None:
    """Show every mosaic that was sent: what to do with it, how far it is, or what came of it."""
    for upload in batch.uploads():
        if upload.is_complete and not is_photo(upload):
            _mosaic(session, field, upload, language)


def _mosaic(session: ReviewSession, field: FieldFolder, upload: Upload, language: Language) -> None:
    name = Path(upload.announced.name).name
    widgets.text(language.render(Sentence(_MOSAIC, {"name": name})), "heading")
    asked = _asked(session, upload)
    status = asked[-1] if asked else None
    if status is not None and jobs.is_open(status):
        jobs.follow(session, status, language)
        return
    if status is not None and status.problem:
        widgets.text(name_file(status.problem, upload.path, name), "error")
    out = field.survey_of(upload.id)
    if (out / SUMMARY).exists():
        survey_view.show(session, out, field, language)
        with st.expander(language.text(_AGAIN)):
            _ask(session, field, upload, language)
    else:
        _ask(session, field, upload, language)


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
        key = _key(upload, len(_asked(session, upload)) + 1)
        submit(session.store, spec, by=widgets.person_or_account(), key=key)
    except AssayError as exc:
        st.toast(escape_markdown(f"{exc.message} {exc.hint}"))


def _asked(session: ReviewSession, upload: Upload) -> list[JobStatus]:
    """Return every survey of a mosaic that was asked for, the last one last."""
    found: list[JobStatus] = []
    while status := job_status(session.store, name_of(SURVEY, _key(upload, len(found) + 1))):
        found.append(status)
    return found


def _key(upload: Upload, number: int) -> str:
    return f"{upload.id}/{number}"


def name_file(problem: str, path: Path, name: str) -> str:
    """Return why a survey failed with the file called as its sender calls it."""
    return problem.replace(str(path), name)

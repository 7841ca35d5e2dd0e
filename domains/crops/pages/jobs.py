"""How far a job of a field is."""

from __future__ import annotations

from html import escape
from pathlib import Path

import streamlit as st

from core.errors import AssayError
from core.records.failed_jobs import JobStatus, job_status
from core.records.job import State
from core.records.values import name_of
from core.service.cancel import cancel_job
from core.service.review.review import ReviewSession
from dashboard import widgets
from dashboard.present import escape_markdown
from domains.crops.locale import N_, Language

_EVERY_S = 1.0
_CANCEL = N_("Cancel")
_WAITING = N_("Waiting for a worker (`assay worker`).")


def is_open(status: JobStatus) -> bool:
    """Return whether a job waits or runs."""
    return status.state in {State.WAITING, State.LEASED}


def key_of(name: str, number: int) -> str:
    """Return the key of the job that is asked for about something the n-th time."""
    return f"{name}/{number}"


def asked(session: ReviewSession, kind: str, name: str) -> list[JobStatus]:
    """Return every job of a kind that was asked for about something, the last one last."""
    found: list[JobStatus] = []
    while status := job_status(session.store, name_of(kind, key_of(name, len(found) + 1))):
        found.append(status)
    return found


def name_file(problem: str, path: Path, name: str) -> str:
    """Return why a job failed with the file called as its sender calls it."""
    return problem.replace(str(path), name)


def follow(session: ReviewSession, status: JobStatus, language: Language) -> None:
    """Show how far a job is, until it has ended; then draw the page anew."""

    @st.fragment(run_every=_EVERY_S)
    def progress() -> None:
        now = job_status(session.store, status.job.id)
        if now is None or not is_open(now):
            st.rerun()
        widgets.html(_progress(now, language))

    progress()
    st.button(
        language.text(_CANCEL),
        key=f"crops-cancel-{status.job.id}",
        on_click=_cancel,
        args=(session, status.job.id),
    )


def _cancel(session: ReviewSession, job_id: str) -> None:
    try:
        cancel_job(session.store, job_id, by=widgets.person_or_account())
    except AssayError as exc:
        st.toast(escape_markdown(str(exc)))


def _progress(status: JobStatus, language: Language) -> str:
    found = status.progress
    if status.state is State.WAITING or found is None or not found.total:
        return f'<p role="status">{escape(language.text(_WAITING))}</p>'
    sentence = language.text(found.sentence)
    count = f"{found.done} / {found.total}"
    return (
        f'<p role="status">{escape(sentence)} {count}</p>'
        f'<progress style="width:100%" aria-label="{escape(sentence)}" max="{found.total}" '
        f'value="{found.done}"></progress>'
    )

"""How a job of learning stands, and what came of it."""

from __future__ import annotations

from html import escape

import streamlit as st

from core.errors import AssayError
from core.records.failed_jobs import JobStatus, job_status
from core.records.job import State
from core.service.cancel import cancel_job
from core.service.review.review import ReviewSession
from dashboard import present, widgets
from domains.parts.station.learning.asking import LOOK, Spec, ask

_EVERY_S = 1.0
_WHAT = {True: "Looking at the good parts", False: "Learning"}


def is_open(status: JobStatus) -> bool:
    """Return whether a job waits or runs."""
    return status.state in {State.WAITING, State.LEASED}


def ask_for(session: ReviewSession, spec: Spec) -> None:
    """Ask for a job, and say so where that fails."""
    try:
        ask(session.store, spec, widgets.person())
    except AssayError as exc:
        st.toast(present.escape_markdown(str(exc)))


def follow(session: ReviewSession, status: JobStatus) -> None:
    """Show how far a job is; draw the page anew once it has ended."""
    widgets.text(_WHAT[status.job.kind == LOOK], "title")

    @st.fragment(run_every=_EVERY_S)
    def progress() -> None:
        now = job_status(session.store, status.job.id)
        if now is None or not is_open(now):
            st.rerun()
        st.html(_progress_html(now))

    progress()
    st.button("Cancel", key="learn-cancel", on_click=_cancel, args=(session, status.job.id))


def _cancel(session: ReviewSession, job_id: str) -> None:
    try:
        cancel_job(session.store, job_id, by=widgets.person_or_account())
    except AssayError as exc:
        st.toast(present.escape_markdown(str(exc)))


def show_problem(status: JobStatus | None) -> None:
    """Show why a job came to nothing, if it did."""
    if status is not None and status.problem and not is_open(status):
        widgets.text(status.problem, "error")


def show_result(status: JobStatus | None) -> None:
    """Show what was learned last."""
    if status is None or status.state is not State.DONE:
        return
    result = status.result
    widgets.text("Learned last", "heading")
    widgets.text(
        f"{result['bundle']} judges from now on (deployment {result['deployment']}), learned in "
        f"{result['seconds']:.0f} s."
    )
    for sentence in result["sentences"]:
        widgets.text(sentence)
    for sentence in result["refused"]:
        widgets.text(f"Left out: {sentence}", "error")
    for sentence in result["remarks"]:
        widgets.text(sentence, "quiet")


def _progress_html(status: JobStatus) -> str:
    if status.state is State.WAITING:
        what = "Waiting: the running station does it, or a worker (`assay worker`)."
        if status.problem:
            what = f"{status.problem} It is tried again."
        return f'<div class="learn-progress"><p role="status">{escape(what)}</p></div>'
    found = status.progress
    sentence = escape(found.sentence if found else "Beginning")
    bar = (
        f'<progress aria-label="{sentence}" max="{found.total}" value="{found.done}"></progress>'
        if found and found.total
        else ""
    )
    count = f" ({found.done} of {found.total})" if found and found.total else ""
    return f'<div class="learn-progress"><p role="status">{sentence}{count}</p>{bar}</div>'

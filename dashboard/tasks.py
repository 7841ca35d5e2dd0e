"""Work of a page that takes longer than a person waits without a sign, on a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

import streamlit as st

from core.errors import AssayError
from core.service.progress import Progress
from dashboard import widgets

Result = TypeVar("Result")
Work = Callable[[Progress], Any]

PATIENCE_S = 0.3


class Task(Generic[Result]):
    """Does something from now on; look at it as often as you like.

    Args:
        work: Is called with where it reports how far it is.
    """

    def __init__(self, work: Callable[[Progress], Result]) -> None:
        self._work = work
        self._result: list[Result] = []
        self._step, self._done, self._total = "", 0, 0
        self.error: AssayError | None = None
        self._thread = threading.Thread(target=self._run, name="page task", daemon=True)
        self._thread.start()

    @property
    def is_done(self) -> bool:
        """Whether it has ended, in whatever way."""
        return not self._thread.is_alive()

    @property
    def result(self) -> Result | None:
        """What came out; None before the end and after a failure."""
        return self._result[0] if self._result else None

    @property
    def progress(self) -> tuple[str, float]:
        """What is being done, and which share of it is."""
        share = self._done / self._total if self._total else 0.0
        return self._step or "Beginning", min(1.0, share)

    def wait(self, seconds: float) -> bool:
        """Return whether it has ended, after waiting for that at most so long."""
        self._thread.join(seconds)
        return self.is_done

    def _run(self) -> None:
        try:
            self._result.append(self._work(self._report))
        except AssayError as exc:
            self.error = exc

    def _report(self, step: str, done: int, total: int) -> None:
        self._step, self._done, self._total = step, done, total


def begin_task(key: str, work: Work) -> None:
    """Begin some work for this session unless what bears the same key still goes on."""
    running = st.session_state.get(key)
    if running is None or running.is_done:
        st.session_state[key] = Task(work)


def task_result(key: str) -> Any:  # noqa: ANN401 - what a task gives is its own
    """Return what the work under a key gave; None before its end, while its progress is drawn."""
    task = st.session_state.get(key)
    if task is None:
        return None
    if not task.wait(PATIENCE_S):
        _follow(key)
        return None
    if task.error is not None:
        widgets.error(task.error)
    return task.result


@st.fragment(run_every=0.7)
def _follow(key: str) -> None:
    task = st.session_state.get(key)
    if task is None or task.is_done:
        st.rerun()
    step, share = task.progress
    st.progress(share, text=f"{step} …")

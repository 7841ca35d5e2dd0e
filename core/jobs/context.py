"""What a job's function is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from core.errors import AssayError
from core.records.connection import Store
from core.records.job import Job, JobProgress
from core.settings import Settings

Result = Mapping[str, Any] | None


class JobCancelled(AssayError):
    """Somebody asked that the job ends."""


def _ignore(progress: JobProgress) -> None:
    del progress


def _never() -> bool:
    return False


@dataclass(frozen=True)
class JobContext:
    """A claimed job with what its function may use.

    Attributes:
        job: The job; its key and payload say what is to be done.
        store: The store.
        settings: Where things run.
        report: Passes progress on.
        is_cancelled: Whether the job is to end; after two seconds its process is killed.
    """

    job: Job
    store: Store
    settings: Settings
    report: Callable[[JobProgress], None] = _ignore
    is_cancelled: Callable[[], bool] = _never

    def progress(
        self,
        done: int,
        total: int,
        sentence: str,
        figures: Mapping[str, Any] | None = None,
    ) -> None:
        """Report how far the job is, and end it where somebody asked for that.

        Raises:
            JobCancelled: The job is to end.
        """
        if self.is_cancelled():
            raise JobCancelled("The job was cancelled.")
        self.report(JobProgress(done, total, sentence, dict(figures or {})))

    def step(self, step: str, done: int, total: int) -> None:
        """Report progress in the form of `core.service.progress.Progress`.

        Raises:
            JobCancelled: The job is to end.
        """
        self.progress(done, total, step)

"""A kind of work that workers do, as core and packs declare it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.errors import ConfigError

DEFAULT_LANE = "pack"

_NAME = r"[a-z_]{1,32}(\.[a-z_]{1,32})?"
_LANE = r"[a-z_]{1,32}"


@dataclass(frozen=True, slots=True)
class JobKind:
    """One kind of job.

    Attributes:
        name: What it is called in the queue: ``train``, or a pack's ``xray.answer``.
        run: Import path ``module:function`` of ``(JobContext) -> Mapping | None``: what it returns
            is the job's result, and must be JSON; what it raises is why the job failed. It may be
            killed at any point and called again for the same job.
        deadline_s: Longest time for one try in seconds; then its process is killed.
        max_tries: Given up once it was begun so often; None tries for ever.
        lane: Jobs of one lane wait for each other, those of different lanes run side by side: a
            worker has a process for each.
    """

    name: str
    run: str
    deadline_s: float = 300.0
    max_tries: int | None = 3
    lane: str = DEFAULT_LANE

    def __post_init__(self) -> None:
        """Refuse what no worker could run, naming all of it at once.

        Raises:
            ConfigError: A name has another form, the path names no function, or a limit is not
                positive.
        """
        problems = []
        if not re.fullmatch(_NAME, self.name):
            problems.append(f"its name is not of the form {_NAME}")
        if not re.fullmatch(_LANE, self.lane):
            problems.append(f"lane {self.lane!r} is not of the form {_LANE}")
        if self.run.count(":") != 1:
            problems.append(f"run {self.run!r} is no module:function")
        if not self.deadline_s > 0:
            problems.append(f"deadline_s is {self.deadline_s:g}")
        if self.max_tries is not None and self.max_tries < 1:
            problems.append(f"max_tries is {self.max_tries}")
        if problems:
            raise ConfigError(
                f"The job kind {self.name!r} cannot run: {'; '.join(problems)}.",
                hint="Correct the JobKind where it is declared.",
            )

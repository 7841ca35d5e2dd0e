"""Judging parts: one Assessor that stays open, a file a part."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.batch.output import Summary, VerdictFolder, read_plan, summary_of
from core.batch.plan import name_part
from core.batch.reading import open_locations
from core.batch.rows import row_of
from core.batch.spec import BatchSpec
from core.imaging.junk import Skipped
from core.service.assessment.assessor import Assessor
from core.service.assessment.known_answers import KnownAnswers
from core.service.assessment.paths import is_unread
from core.service.assessment.recording import Recorded, record_many
from core.service.bundles.open import open_bundle, policy_of
from core.service.store import open_store
from core.settings import Settings


@dataclass(frozen=True)
class BatchWork:
    """What judges a batch, on whatever machine.

    Attributes:
        spec: What was asked for.
        output: The folder of the verdicts, with the plan.
        settings: Where things run; the home folder is absolute.
        folder: What relative paths are relative to.
    """

    spec: BatchSpec
    output: VerdictFolder
    settings: Settings
    folder: Path


class PartJudge:
    """Judges parts of a plan, one after another, by one Assessor that is opened once.

    Args:
        work: What to judge, and how.

    Raises:
        AssayError: The bundle, its policy or the store cannot be opened here.
    """

    def __init__(self, work: BatchWork) -> None:
        with suppress(FileNotFoundError):  # then every path is absolute, or is answered for
            os.chdir(work.folder)
        self._work = work
        self._open = ExitStack()
        settings, spec = work.settings, work.spec
        bundle = open_bundle(spec.bundle, settings)
        self._policy = policy_of(bundle, spec.policy)
        self._store = self._open.enter_context(open_store(settings)) if spec.is_recorded else None
        answers = KnownAnswers(self._store, bundle, settings) if self._store else None
        self._assessor = self._open.enter_context(
            Assessor(bundle, self._policy, settings, spec.product, answers)
        )

    def close(self) -> None:
        """End what judging takes."""
        self._open.close()

    def judge(self, number: int) -> Summary:
        """Return the summary of a part of the plan once its verdicts are written.

        A part whose file is there was finished by somebody who did not live to report it.

        Raises:
            AssayError: Judging as such fails, or another run took over.
        """
        output = self._work.output
        locations = read_plan(output, number)
        file = output.folder / name_part(locations)
        if file.exists():
            return summary_of(file)
        skipped = Skipped()
        rows: list[dict[str, Any]] = []
        counts: Counter[str] = Counter()
        unread = 0
        for one in self._verdicts(locations, skipped):
            rows.append(row_of(one, pack=self._assessor.bundle.pack.name, policy=self._policy))
            counts[one.assessment.wording] += 1
            unread += is_unread(one.assessment)
        summary = {
            "locations": len(locations),
            "pictures": len(rows),
            "unread": unread,
            "wordings": dict(counts),
            "skipped": skipped.to_json(),
        }
        output.write_part(locations, rows, summary)
        return summary

    def _verdicts(self, locations: Sequence[bytes], skipped: Skipped) -> Iterator[Recorded]:
        assessor, most = self._assessor, self._work.settings.max_bytes
        incoming = open_locations(locations, most, assessor.bundle.pack.suffixes, skipped)
        if self._store is None:
            for one in assessor.many(incoming):
                yield Recorded("", one.assessment, "")
        else:
            product = self._work.spec.product
            yield from record_many(assessor, self._store, incoming, product=product)

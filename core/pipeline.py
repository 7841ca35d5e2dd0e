"""From a sample to its assessment: exactly one each, in order, whatever happens."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from functools import partial
from itertools import islice
from typing import TypeVar

from core.errors import AssayError, InferenceStalled
from core.judge import Extracted, Judge
from core.model.bundle.bundle import Bundle
from core.ordered_map import WatchedThreads
from core.types import (
    Assessment,
    Policy,
    Reason,
    Sample,
)

log = logging.getLogger(__name__)

FAULTS_IN_A_ROW = 20
BATCH = 16
"""Pictures that are judged one after another once the network is through with them.

It leaves nothing else in the processor's caches: judged right after it, a picture takes twice as
long.
"""

T = TypeVar("T")


def assess(
    samples: Iterable[Sample],
    *,
    bundle: Bundle,
    policy: Policy,
    workers: int = 1,
    timeout_s: float = 60.0,
) -> Iterator[Assessment]:
    """Yield the assessment of each picture.

    Args:
        samples: Any iterable; drawn a few ahead of what is yielded.
        bundle: A verified bundle.
        policy: The thresholds; must have been certified on this bundle.
        workers: Inference threads.
        timeout_s: Watchdog of one network call in seconds.

    Yields:
        One assessment per sample, in the samples' order. What cannot be read is DEFER/UNREADABLE,
        what fails is DEFER/FAULT; nothing is dropped and nothing is negative by omission.

    Raises:
        AssayError: The policy was certified on another bundle, or ``FAULTS_IN_A_ROW`` samples in a
            row failed, which is no longer about the samples.
    """
    judge = Judge.of(bundle, policy)
    pairs = ((None, sample) for sample in samples)
    with (
        WatchedThreads(workers, timeout_s) as threads,
        closing(judge_pairs(judge, pairs, threads)) as judged,
    ):
        for _, _, assessment in judged:
            yield assessment


Check = Callable[[Sequence[tuple[Sample, Assessment]]], list[Assessment]]
"""Returns the assessments of pictures as they may leave, one each, in order."""


def judge_pairs(
    judge: Judge,
    pairs: Iterable[tuple[T, Sample]],
    threads: WatchedThreads,
    check: Check | None = None,
) -> Generator[tuple[T, Sample, Assessment], None, None]:
    """Yield each sample's assessment beside what it stands for; networks run on the threads.

    Args:
        judge: What judges.
        pairs: Anything, and the sample that was made of it; drawn a few ahead of what is yielded.
        threads: Running ones.
        check: What compares up to ``BATCH`` assessments at once with what else is known.

    Yields:
        One assessment for each, in order, with what came in itself.

    Raises:
        AssayError: ``FAULTS_IN_A_ROW`` samples in a row failed.
    """
    faults = FaultRun()
    with closing(threads.map(partial(_extract, judge), pairs, partial(_stalled, judge))) as steps:
        while batch := list(islice(steps, BATCH)):
            judged = [(sample, judge.conclude(sample, step)) for _, sample, step in batch]
            final = [made for _, made in judged] if check is None else check(judged)
            for (item, sample, _), made in zip(batch, final, strict=True):
                yield item, sample, made
                faults.add(made)


def _extract(judge: Judge, pair: tuple[T, Sample]) -> tuple[T, Sample, Extracted | Assessment]:
    item, sample = pair
    return item, sample, judge.extract(sample)


def _stalled(
    judge: Judge, pair: tuple[T, Sample], exc: InferenceStalled
) -> tuple[T, Sample, Extracted | Assessment]:
    item, sample = pair
    return item, sample, judge.stalled(sample, exc)


class FaultRun:
    """Counts pictures in a row that failed."""

    def __init__(self) -> None:
        self._length = 0

    def add(self, assessment: Assessment) -> None:
        """Count one more assessment.

        Raises:
            AssayError: It is the last of ``FAULTS_IN_A_ROW`` that failed.
        """
        is_fault = any(f.reason is Reason.FAULT for f in assessment.verdict.findings)
        self._length = self._length + 1 if is_fault else 0
        if self._length >= FAULTS_IN_A_ROW:
            raise AssayError(
                f"{self._length} pictures in a row failed, the last with: "
                f"{assessment.verdict.message}",
                hint="`assay doctor` checks the installation; --debug shows the trace.",
            )

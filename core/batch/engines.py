"""What runs the parts of a batch: Ray Data on many machines, or threads on this one."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing

from core.batch.judge import BatchWork, PartJudge
from core.batch.on_ray import import_ray, judge_on_ray
from core.batch.output import Summary
from core.batch.spec import BatchSpec, Engine


def run_parts(work: BatchWork, count: int) -> Generator[Summary, None, None]:
    """Yield the summaries of a plan's parts as they are written, in any order.

    Raises:
        ConfigError: Ray is not installed, or no cluster answers at the address.
        AssayError: Judging as such fails, here or on another machine.
    """
    if count:
        yield from (judge_on_ray if work.spec.engine is Engine.RAY else _by_threads)(work, count)


def check_engine(spec: BatchSpec) -> None:
    """Refuse an engine that is not installed, before minutes of listing.

    Raises:
        ConfigError: Ray is not installed.
    """
    if spec.engine is Engine.RAY:
        import_ray(spec.address)


def _by_threads(work: BatchWork, count: int) -> Iterator[Summary]:
    with closing(PartJudge(work)) as judge:
        for number in range(count):
            yield judge.judge(number)

"""A batch from its source to its folder of verdicts; asked for again, what is missing of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from core.batch.engines import check_engine, run_parts
from core.batch.judge import BatchWork
from core.batch.listing import list_source, name_source
from core.batch.output import Summary, VerdictFolder, read_parts, take_over, write_plan
from core.batch.plan import DigestSet, cut
from core.batch.spec import BatchSpec, Engine
from core.errors import DataError
from core.imaging.junk import Skipped, add_skipped
from core.json_output import certificate_json
from core.model.bundle.bundle import Bundle
from core.service.bundles.archive import keep
from core.service.bundles.open import open_bundle, policy_of
from core.service.progress import Progress, silent
from core.settings import Settings
from core.types import Policy


@dataclass(frozen=True)
class BatchResult:
    """What a folder of verdicts holds after a run.

    Attributes:
        pictures: Rows, a picture each.
        earlier: Those that were there before the run.
        unread: Those that could not be read and are deferred for it.
        wordings: Pictures by the pack's word for their disposition.
        skipped: What was not read, by kind, as ``Skipped.to_json``.
    """

    pictures: int
    earlier: int
    unread: int
    wordings: Mapping[str, int]
    skipped: Mapping[str, Mapping[str, Any]]


def run_batch(spec: BatchSpec, settings: Settings, progress: Progress = silent) -> BatchResult:
    """Return what a batch gave, after judging those of its pictures that have no verdict yet.

    Args:
        spec: What is asked for.
        settings: Where things run.
        progress: Called as pictures are listed and judged; what it raises ends the run.

    Raises:
        ConfigError: The engine is missing, or the folder holds another batch.
        DataError: There is nothing at the source, or it holds no picture.
        AssayError: A server cannot be reached, or judging as such fails.
    """
    check_engine(spec)
    bundle = open_bundle(spec.bundle, settings)
    policy = policy_of(bundle, spec.policy)
    if spec.is_recorded:
        keep(bundle, policy, settings)
    skipped = Skipped()
    locations = _locations(spec, bundle.pack.suffixes, skipped)
    output = take_over(spec.out.absolute(), _describe(spec, bundle, policy))
    known, before = read_parts(output.folder)
    count, total = _plan(locations, output, known, spec.part_size, progress)
    work = _work(spec, output, settings, policy)
    after = list(before)
    done = 0
    with closing(run_parts(work, count)) as summaries:
        for summary in summaries:
            after.append(summary)
            done += summary["locations"]
            progress("Assessing", done, total)
    output.plan.unlink(missing_ok=True)
    return _result(before, after, skipped)


def _locations(spec: BatchSpec, suffixes: frozenset[str], skipped: Skipped) -> Iterable[bytes]:
    """Return where the pictures are; the first is found before a folder is taken for verdicts.

    Raises:
        DataError: There is nothing at the source, or it holds no picture.
        AssayError: A server cannot be reached.
    """
    locations = iter(list_source(spec.source, spec.column, suffixes, skipped))
    try:
        first = next(locations)
    except StopIteration:
        raise DataError(
            f"There is no picture in {spec.source}.",
            hint="Name a folder, a zip, a manifest (CSV, Parquet) or a URL that holds pictures.",
        ) from None
    return chain([first], locations)


def _plan(
    locations: Iterable[bytes],
    output: VerdictFolder,
    known: DigestSet,
    part_size: int,
    progress: Progress,
) -> tuple[int, int]:
    listed = 0

    def counted() -> Iterable[bytes]:
        nonlocal listed
        for listed, location in enumerate(locations, 1):
            progress("Listing", listed, 0)
            yield location

    counts = write_plan(output, cut(counted(), known, part_size))
    progress("Listing", listed, listed)
    return counts


def _describe(spec: BatchSpec, bundle: Bundle, policy: Policy) -> dict[str, Any]:
    return {
        "schema": "assay.batch/1",
        "source": name_source(spec.source),
        "column": spec.column,
        "pack": bundle.pack.name,
        "product": spec.product,
        "bundle": bundle.label,
        "bundle_sha256": bundle.sha256,
        "policy": policy.id,
        "is_recorded": spec.is_recorded,
        "certificate": {
            "escape": certificate_json(policy.escape),
            "overkill": certificate_json(policy.overkill),
        },
    }


def _work(spec: BatchSpec, output: VerdictFolder, settings: Settings, policy: Policy) -> BatchWork:
    """Return the work with paths that do not depend on where a process runs."""
    changed: dict[str, object] = {"home": settings.home.absolute()}
    if spec.engine is Engine.RAY:
        changed["workers"] = 1  # an actor has one processor
    fixed = replace(spec, bundle=spec.bundle.absolute(), policy=policy.id)
    return BatchWork(fixed, output, settings.model_copy(update=changed), Path.cwd())


def _result(before: Sequence[Summary], after: Sequence[Summary], skipped: Skipped) -> BatchResult:
    wordings: Counter[str] = Counter()
    for one in after:
        wordings.update(one["wordings"])
    return BatchResult(
        pictures=sum(one["pictures"] for one in after),
        earlier=sum(one["pictures"] for one in before),
        unread=sum(one["unread"] for one in after),
        wordings=dict(sorted(wordings.items())),
        skipped=add_skipped([skipped.to_json(), *(one["skipped"] for one in after)]),
    )

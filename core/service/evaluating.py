"""evaluate: a bundle on labelled pictures that it has not met."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core import evaluation
from core.errors import DataError
from core.imaging.files import open_file
from core.imaging.sandbox import Sandbox
from core.labelled import Row, read_labelled
from core.model.bundle import Bundle
from core.packs import entry_of
from core.pipeline import assess
from core.service.assessing import assess_paths
from core.service.card import met_before
from core.service.progress import Progress, silent
from core.settings import Settings
from core.types import F64, Assessment, Policy


def evaluate(
    bundle: Bundle,
    data: Path,
    *,
    policy: Policy,
    settings: Settings,
    strangers: Mapping[str, Path] | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Compute a bundle's figures on a labelled data set.

    Args:
        bundle: A verified bundle.
        data: The data set; its rows of split ``test`` where it names splits, all rows otherwise.
        policy: The thresholds.
        settings: Where things run.
        strangers: Name to folder of pictures that do not belong, for the OOD gate's figures.
        progress: Told after every picture.

    Returns:
        The object that `assay evaluate --json` prints.

    Raises:
        DataError: A label is unknown to the bundle, or a group or picture was in train or cal.
    """
    rows = _test_rows(bundle, read_labelled(data))
    assessments = list(_assess_rows(bundle, rows, policy, settings, progress))
    met = met_before(bundle.words["seen"], rows, [a.sha256 for a in assessments])
    if met:
        raise DataError(
            f"{len(met)} of the groups or pictures were in the bundle's training or cal data: "
            f"{', '.join(met[:5])}.",
            hint="Evaluate on pictures that the bundle has not met, marked with split 'test'.",
        )
    cases = evaluation.judged(
        assessments,
        [row.label for row in rows],
        [row.group for row in rows],
        bundle.model.classes,
        bundle.model.positive,
    )
    home = _ood_scores(assessments)
    away = {
        name: list(assess_paths(bundle, [folder], policy=policy, settings=settings))
        for name, folder in (strangers or {}).items()
    }
    return {
        "schema": "assay.evaluation/1",
        "bundle": bundle.label,
        "policy": policy.id,
        **evaluation.summarise(cases),
        "ood": {
            name: evaluation.strangers(
                home, _ood_scores(them), [evaluation.is_novel(one) for one in them]
            )
            for name, them in away.items()
        },
        "by": evaluation.by_column(cases, [row.columns for row in rows]),
    }


def _test_rows(bundle: Bundle, rows: Sequence[Row]) -> list[Row]:
    named = any(row.split for row in rows)
    kept = [row for row in rows if row.split == "test"] if named else list(rows)
    if not kept:
        raise DataError(
            "The data set names splits, but no row has split 'test'.",
            hint="Mark the rows to evaluate on with 'test'.",
        )
    unknown = sorted({row.label for row in kept} - set(bundle.model.classes))
    if unknown:
        raise DataError(
            f"The bundle does not know the labels {', '.join(unknown)}; "
            f"it knows {', '.join(bundle.model.classes)}.",
            hint="Rename them, or train a bundle that has them.",
        )
    return kept


def _assess_rows(
    bundle: Bundle, rows: Sequence[Row], policy: Policy, settings: Settings, progress: Progress
) -> Iterator[Assessment]:
    incoming = (open_file(r.file, settings.max_bytes, r.group) for r in rows)
    with Sandbox(entry_of(bundle.pack.name), bundle.backbone.size, settings) as sandbox:
        judged = assess(
            sandbox.samples(incoming),
            bundle=bundle,
            policy=policy,
            workers=settings.workers,
            timeout_s=settings.inference_timeout_s,
        )
        for done, one in enumerate(judged, 1):
            progress("Assessing", done, len(rows))
            yield one


def _ood_scores(assessments: Sequence[Assessment]) -> F64:
    return np.array(
        [a.evidence.ood_score for a in assessments if a.evidence is not None], np.float64
    )

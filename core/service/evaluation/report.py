"""report: an evaluation as one HTML file that a person can keep, print and pass on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np

from core.files import write_atomic
from core.imaging.files import open_file
from core.model.bundle.bundle import Bundle
from core.model.bundle.destination import check_file_destination
from core.model.explain import thumbnail
from core.report.blocks import Picture
from core.report.page import render
from core.report.report_input import Origin, ReportInput
from core.report.worst import KINDS, Pick, pick_worst
from core.service.bundles.attempts import attempts
from core.service.bundles.decoders import decoders_of
from core.service.bundles.open import certifications
from core.service.evaluation.evaluate import Evaluation
from core.service.evaluation.learning_curve import grow
from core.service.progress import Progress, silent
from core.settings import Settings
from core.types import F64, Policy, Prepared, Sample

SIDE = 160
_MARK = b'<meta name="generator" content="Assay">'


def refuse_unwritable(path: Path) -> None:
    """Find out before an hour of work whether the report can be written.

    Raises:
        ConfigError: The folder is missing or closed, or something else stands at the path.
    """
    check_file_destination(path, _MARK)


def write_report(
    found: Evaluation,
    path: Path,
    *,
    bundle: Bundle,
    policy: Policy,
    settings: Settings,
    command: str = "",
    made: str = "",
    progress: Progress = silent,
) -> None:
    """Write the report of an evaluation.

    Args:
        found: The evaluation.
        path: The HTML file; replaced whole, never half written.
        bundle: The bundle that was evaluated.
        policy: The thresholds that judged.
        settings: Where things run.
        command: The command line to print, if there was one.
        made: When, as text; now when empty.
        progress: Called with how far the work is.

    Raises:
        ConfigError: The file cannot be written.
    """
    refuse_unwritable(path)
    growth = grow(bundle, progress)
    page = render(
        ReportInput(
            pack=bundle.pack,
            policy=policy,
            classes=bundle.model.classes,
            cases=found.cases,
            figures=found.figures,
            plain_columns=_plain_columns(found),
            ood_scores=found.ood_scores,
            ood_limit=_ood_limit(bundle.model.gate.reference, policy.targets.ood_alpha),
            steps=growth.steps,
            steps_note=growth.note,
            worst=_pictures(found, pick_worst(found.cases), bundle, settings, progress),
            card=bundle.metadata,
            origin=Origin(
                bundle=bundle.label,
                sha256=bundle.sha256,
                data=str(found.data),
                split=found.split,
                command=command,
                version=version("assay-inspection"),
                made=made or f"Made on {datetime.now(UTC):%d %B %Y, %H:%M} UTC",
            ),
            certifications=max(len(certifications(bundle)), attempts(settings.home, bundle)),
        )
    )
    write_atomic(path, page)


def _plain_columns(found: Evaluation) -> tuple[str, ...]:
    names = {name for row in found.rows for name in row.columns}
    return tuple(sorted(names - set(found.figures["by"])))


def _ood_limit(reference: F64, alpha: float) -> float:
    """Return the score above which ``ood_p <= alpha``; infinity for too short a reference."""
    m = reference.size
    beyond = math.floor(alpha * (m + 1) + 1e-9)
    if beyond > m:
        return -math.inf
    return float(np.sort(reference)[m - beyond]) if beyond else math.inf


def _pictures(
    found: Evaluation,
    picks: Sequence[Pick],
    bundle: Bundle,
    settings: Settings,
    progress: Progress,
) -> dict[str, tuple[Picture, ...]]:
    """Return the few pictures, read again in the sandbox and shrunk."""
    rows = [found.rows[pick.row] for pick in picks]
    incoming = (open_file(row.file, settings.max_bytes, row.group) for row in rows)
    pictures: dict[str, list[Picture]] = {kind: [] for kind in KINDS}
    with decoders_of(bundle, settings) as sandbox:
        for done, (pick, sample) in enumerate(
            zip(picks, sandbox.samples(incoming), strict=True), 1
        ):
            pictures[pick.kind].append(_picture(found, pick, sample, bundle))
            progress("Pictures to look at", done, len(picks))
    return {kind: tuple(them) for kind, them in pictures.items() if them}


def _picture(found: Evaluation, pick: Pick, sample: Sample, bundle: Bundle) -> Picture:
    frame, row, cases = sample.frame, found.rows[pick.row], found.cases
    # A file that changed since it was judged would stand beside a verdict that is not its own.
    same = isinstance(frame, Prepared) and frame.sha256 == found.digests[pick.row]
    jpeg = thumbnail(frame.pixels, SIDE) if same and isinstance(frame, Prepared) else b""
    p = float(cases.positive_probability[pick.row])
    caption = f"truly {row.label}, probability of positive {p:.3f}"
    if pick.kind == "ood":
        caption += f", OOD score {cases.ood_score[pick.row]:.3g}"
    wording = {d.value: word for d, word in bundle.pack.wording.items()}
    return Picture(jpeg, row.file.name, f"{wording[str(cases.disposition[pick.row])]}, {caption}")

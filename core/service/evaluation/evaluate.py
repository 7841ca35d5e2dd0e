"""evaluate: a bundle on labelled pictures that it has not met."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

import numpy as np

from core import evaluation
from core.checking.facts import (
    NO_QUALITY,
    FileFacts,
    PictureFacts,
    ShrunkPicture,
    ShrunkPixels,
    UnreadablePicture,
    facts_of,
)
from core.checking.origins import join_origins
from core.errors import DataError
from core.evaluation import LabelledVerdicts
from core.imaging.files import Incoming, open_file
from core.labelled import Form, Labelled, Row, read_labelled
from core.model.bundle.bundle import Bundle
from core.service.assessment.assessor import Assessor
from core.service.assessment.paths import assess_paths
from core.service.data.copies import find_copies
from core.service.data.labels import refuse_mixed, refuse_multilabel
from core.service.data.leakage import find_leaks, refuse_leaked
from core.service.progress import Progress, silent
from core.service.training import good_only
from core.settings import Settings
from core.types import F64, Assessment, Evidence, Frame, Policy, Prepared, Unreadable

_NO_LIGHT = np.zeros(0)
_NO_EVIDENCE = Evidence(np.zeros(0, np.float32), np.zeros(0), 0.0)
_NOTHING: Mapping[str, Any] = MappingProxyType({})
_NO_FILE = FileFacts("", 0, NO_QUALITY)


@dataclass(frozen=True)
class Evaluation:
    """A data set after it was judged.

    Attributes:
        data: The data set.
        split: The split that was judged; empty for all rows.
        rows: Its rows, those of one origin with one group.
        digests: sha256 of each row's picture as judged; empty where it could not be read.
        cases: Each row's verdict beside its label.
        ood_scores: Name of an OOD set to its scores, float64 ``m``, the unreadable left out.
        figures: What `assay evaluate --json` prints.
    """

    data: Path
    split: str
    rows: tuple[Row, ...]
    digests: tuple[str, ...]
    cases: LabelledVerdicts
    ood_scores: Mapping[str, F64]
    figures: Mapping[str, Any]


def evaluate(
    bundle: Bundle,
    data: Path,
    *,
    policy: Policy,
    settings: Settings,
    split: str = "",
    ood: Mapping[str, Path] | None = None,
    form: Form = Form.AUTO,
    leave_out_copies: bool = False,
    progress: Progress = silent,
) -> Evaluation:
    """Return a bundle's figures on a labelled data set.

    Memory grows by under 2 KB a picture: its row and its verdict. What copies are found by lies in
    temporary files meanwhile, about 60 KB a picture in ``TMPDIR``. Pictures of one
    origin (copies, a patient, tiles of a mosaic, what the files say belongs together) are counted
    as one group.

    Args:
        bundle: A verified bundle.
        data: The data set.
        policy: The thresholds.
        settings: Where things run.
        split: The rows to judge. When empty: those of ``test`` where the data set names splits,
            all of them otherwise.
        ood: Name to folder of out-of-distribution pictures, for the OOD gate's figures.
        form: Which folders are classes, where a person says it.
        leave_out_copies: Whether pictures that the bundle has met are left out instead of refused.
        progress: Called after every picture.

    Raises:
        DataError: A label is unknown to the bundle; or a picture, a copy of it, its group or its
            patient was in train or cal; or nothing is left.
    """
    labelled = _read(bundle, data, form)
    split, rows = _rows(bundle, labelled.rows, split)
    pictures: list[PictureFacts | UnreadablePicture] = []
    found = list(_slim(_assess_rows(bundle, rows, pictures, policy, settings, progress)))
    leaks = find_leaks(bundle, pictures, settings)
    if not leave_out_copies:
        refuse_leaked(rows, leaks)
    if len(leaks) == len(rows):
        raise DataError(
            f"The bundle has met all {len(rows)} pictures.",
            hint="Evaluate on pictures that it has not met.",
        )
    left_out = [rows[at].file.name for at in sorted(leaks)]
    found = [one for at, one in enumerate(found) if at not in leaks]
    pictures = [one for at, one in enumerate(pictures) if at not in leaks]
    digests = tuple(a.sha256 for a in found)
    copies = find_copies(
        pictures, pack=bundle.pack.name, settings=settings, depths=bundle.model.depths
    )
    rows = join_origins(pictures, copies)
    classes = bundle.model.classes
    cases = evaluation.labelled_verdicts(
        found,
        [row.label for row in rows],
        [row.group for row in rows],
        classes,
        bundle.model.positive,
    )
    ood_sets = {
        name: list(_watched(name, bundle, folder, policy, settings, progress))
        for name, folder in (ood or {}).items()
    }
    id_scores = _known(cases.ood_score)
    scores = {name: _known(evaluation.ood_scores(them)) for name, them in ood_sets.items()}
    figures = {
        "schema": "assay.evaluation/1",
        "bundle": bundle.label,
        "policy": policy.id,
        "split": split,
        "read": labelled.to_json(),
        "left_out": left_out,
        **evaluation.summarise(cases),
        "sensitivity": evaluation.sensitivities(cases, classes),
        "labels": evaluation.labels(cases, classes),
        "ood": {
            name: evaluation.measure_ood(
                id_scores,
                scores[name],
                [evaluation.is_novel(one) for one in them],
                [one.group or one.sample_id for one in them],
            )
            for name, them in ood_sets.items()
        },
        "by": evaluation.by_column(cases, [row.columns for row in rows]),
    }
    return Evaluation(data, split, tuple(rows), digests, cases, scores, figures)


def _read(bundle: Bundle, data: Path, form: Form) -> Labelled:
    pack, model = bundle.pack, bundle.model
    good = {name for name, bad in zip(model.classes, model.positive, strict=True) if not bad}
    return read_labelled(
        data,
        pack.group_columns,
        min_labels=1,
        suffixes=pack.suffixes,
        label_column=bundle.metadata.get("label_column", ""),
        negative=pack.negative_labels | good,
        known=model.classes,
        form=form,
    )


def _rows(bundle: Bundle, rows: Sequence[Row], split: str) -> tuple[str, list[Row]]:
    """Return the rows of one split, all of them where nothing names any."""
    named = sorted({row.split for row in rows if row.split})
    split = split or ("test" if named else "")
    kept = [row for row in rows if row.split == split] if split else list(rows)
    if not kept:
        names = ", ".join(named) or "no splits at all"
        raise DataError(
            f"No row has split {split!r}; the data set names {names}.",
            hint="Mark the rows to evaluate on with 'test', or give --split NAME.",
        )
    kept = good_only.relabel_anomalies(kept, bundle.model.classes, bundle.pack.negative_labels)
    unknown = sorted({name for row in kept for name in row.labels} - set(bundle.model.classes))
    if unknown:
        raise DataError(
            f"The bundle does not know the labels {', '.join(unknown)}; "
            f"it knows {', '.join(bundle.model.classes)}.",
            hint="Rename them, or train a bundle that has them.",
        )
    refuse_mixed(kept, bundle.model.classes, bundle.model.positive)
    if not bundle.model.is_multilabel:
        refuse_multilabel(kept)
    return split, kept


def _assess_rows(
    bundle: Bundle,
    rows: Sequence[Row],
    pictures: list[PictureFacts | UnreadablePicture],
    policy: Policy,
    settings: Settings,
    progress: Progress,
) -> Iterator[Assessment]:
    """Yield the assessments of pictures, noting the facts of each on the way."""
    incoming = (_LabelledPicture.open(row, settings.max_bytes) for row in rows)
    shrunk = ShrunkPixels()
    # Whoever labels files answers for them: tiles count as such, as training reads them.
    with Assessor(bundle, policy, settings, reads_tiles=True) as assessor:
        for done, one in enumerate(assessor.many(incoming), 1):
            pictures.append(_facts(one.incoming.row, one.frame, shrunk))
            progress("Assessing", done, len(rows))
            yield one.assessment


@dataclass(frozen=True, slots=True, kw_only=True)
class _LabelledPicture(Incoming):
    """A picture that comes in with the row that names its labels."""

    row: Row

    @classmethod
    def open(cls, row: Row, max_bytes: int) -> Self:
        one = open_file(row.file, max_bytes, row.group)
        return cls(one.id, one.data, one.sha256, one.group, one.problem, one.head, row=row)


def _facts(
    row: Row, frame: Frame | Prepared | Unreadable, shrunk: ShrunkPixels
) -> PictureFacts | UnreadablePicture:
    if isinstance(frame, Frame):
        raise ValueError("expected a prepared picture, got a frame")
    if isinstance(frame, Unreadable):
        return UnreadablePicture(row, frame.message)
    facts = facts_of(frame, ShrunkPicture.of(frame.pixels), row, _NO_FILE, shrunk)
    return replace(facts, light=_NO_LIGHT, belongs=facts.belongs or _NOTHING)


def _watched(
    name: str,
    bundle: Bundle,
    folder: Path,
    policy: Policy,
    settings: Settings,
    progress: Progress,
) -> Iterator[Assessment]:
    judged = assess_paths(bundle, [folder], policy=policy, settings=settings)
    for done, one in enumerate(_slim(judged), 1):
        progress(f"Out-of-distribution set {name}", done, 0)
        yield one


def _slim(assessments: Iterable[Assessment]) -> Iterator[Assessment]:
    """Yield assessments without what no figure needs: several kilobytes a picture."""
    for one in assessments:
        kept = one.evidence and replace(_NO_EVIDENCE, ood_score=one.evidence.ood_score)
        yield replace(
            one,
            sample_id="" if one.group else one.sample_id,
            evidence=kept,
            timing_ms=_NOTHING,
            meta=_NOTHING,
            superclasses=_NOTHING,
            measures=_NOTHING,
        )


def _known(scores: F64) -> F64:
    known: F64 = scores[~np.isnan(scores)]
    return known

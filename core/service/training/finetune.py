"""--effort best: the late stages learn the product before anything else is fitted."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.imaging.sandbox import Sandbox
from core.labelled import Row
from core.model.finetune.maps import cache_maps
from core.model.finetune.plan import FinetunePlan
from core.model.finetune.tuning import FinetuneResult, finetune, split_folds
from core.model.network.tail import save_tails
from core.packs import entry_of
from core.service.data.labels import targets_of
from core.service.data.pictures import PictureFeatures, read_pictures
from core.service.training.precision import TrainingContext
from core.types import F32, F64, U8, Prepared

SOFT = "probability"
"""A column of this name says how sure the person was that something is wrong, 0 to 1."""


@dataclass(frozen=True)
class FinetunedStages:
    """Fine-tuned stages, and their out-of-fold scores of the training pictures.

    Attributes:
        work: The network, with its tails where there are any, and its weight files.
        oof_scores: By file, float64 ``k``, class scores by the tail that never saw the picture's
            group.
        metadata: For the bundle's card: every fold's figures.
        folder: Where the maps and checkpoints lie; of no use once the bundle is written.
    """

    work: TrainingContext
    oof_scores: Mapping[Path, F64] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    folder: Path | None = None

    def without(self) -> FinetunedStages:
        """Return the network without its tails, where their scores are not used."""
        backbone, files = self.work.backbone, self.work.files
        bare = replace(
            self.work, backbone=replace(backbone, tail=""), files=replace(files, tail=None)
        )
        return replace(self, work=bare, oof_scores={})

    def oof(self, readable: Sequence[PictureFeatures]) -> F64:
        """Return the out-of-fold scores of pictures, float64 ``n k``; NaN where there are none."""
        width = len(next(iter(self.oof_scores.values())))
        nothing = np.full(width, np.nan)
        return np.array(
            [self.oof_scores.get(one.row.file, nothing) for one in readable], np.float64
        )


def tune(
    work: TrainingContext,
    classes: tuple[str, ...],
    positive: tuple[bool, ...],
    seed: int,
    say: Callable[[str], None],
    is_worthwhile: Callable[[Mapping[Path, F64]], bool],
) -> FinetunedStages:
    """Return the late stages fine-tuned on training pictures that can be read and judged.

    A run that was stopped goes on where it was: its folder is named by data, network and seed.

    Args:
        work: The frozen network and the rows; those of train alone are looked at.
        classes: Class names.
        positive: Whether each class counts as positive.
        seed: Seed of folds, order and views.
        say: Called with every epoch's figures as a line.
        is_worthwhile: Called once the first fold's tail has learned, with its scores by file; where
            it returns False, no other learns.

    Returns:
        The stages; without tails and scores where learning stopped after the first fold.

    Raises:
        DataError: There are too few groups.
        ConfigError: The backbone cannot be fine-tuned.
    """
    backbone, files, settings = work.backbone, work.files, work.settings
    usable = _usable(work)
    kept, known = [row for row, _ in usable], [sha256 for _, sha256 in usable]
    targets = targets_for(kept, classes, positive)
    groups, plan = np.array([row.group for row in kept], np.str_), FinetunePlan(seed=seed)
    split_folds(targets.argmax(axis=1), groups, plan)  # raises before the maps are made
    own = hashlib.sha256(repr((backbone.key, known, classes, seed)).encode()).hexdigest()[:16]
    folder = settings.cache / "tuning" / own
    maps = cache_maps(
        _pixels(work, kept),
        known,
        backbone=backbone,
        network=work.open_network("f32").network,
        symmetries=work.pack.views,
        folder=folder,
        seed=seed,
        progress=work.progress,
    )

    def by_file(rows: NDArray[np.int64], scores: F64) -> dict[Path, F64]:
        return {kept[i].file: one for i, one in zip(rows, scores, strict=True)}

    tuned = finetune(
        maps,
        targets,
        groups,
        backbone=backbone,
        files=files,
        folder=folder,
        progress=work.progress,
        say=say,
        plan=plan,
        is_worthwhile=lambda rows, scores: is_worthwhile(by_file(rows, scores)),
    )
    metadata = _to_metadata(tuned, classes)
    if len(tuned.folds) < plan.folds:
        return FinetunedStages(work, metadata=metadata, folder=folder)
    path = folder / "tail.safetensors"
    digest = save_tails([fold.weights for fold in tuned.folds], path)
    return FinetunedStages(
        work=replace(
            work, backbone=replace(backbone, tail=digest), files=replace(files, tail=path)
        ),
        oof_scores={row.file: scores for row, scores in zip(kept, tuned.oof, strict=True)},
        metadata=metadata,
        folder=folder,
    )


def _usable(work: TrainingContext) -> list[tuple[Row, str]]:
    """Return the pictures that can be read and that the pack does not refuse, with their sha256."""
    rows = [row for row in work.rows if row.split == "train"]
    usable = []
    for done, (row, frame) in enumerate(_frames(work, rows), 1):
        work.progress("Reading for fine-tuning", done, len(rows))
        if isinstance(frame, Prepared) and not frame.findings:
            usable.append((row, frame.sha256))
    return usable


def _pixels(work: TrainingContext, rows: Sequence[Row]) -> Iterator[U8]:
    for _, frame in _frames(work, rows):
        if isinstance(frame, Prepared):
            yield frame.pixels


def _frames(work: TrainingContext, rows: Sequence[Row]) -> Iterator[tuple[Row, object]]:
    with Sandbox(
        entry_of(work.pack.name), work.backbone.size, work.settings, work.depths
    ) as sandbox:
        yield from ((row, frame) for row, frame, _ in read_pictures(rows, sandbox, work.settings))


def targets_for(rows: Sequence[Row], classes: tuple[str, ...], positive: tuple[bool, ...]) -> F32:
    """Return what each picture shows, float32 ``n k``, soft where the person gave a probability."""
    plain = targets_of(rows, classes).astype(np.float32)
    if len(classes) != 2 or not all(_share(row) is not None for row in rows):
        return plain
    chance = np.array([_share(row) for row in rows], np.float32)
    return np.where(np.array(positive), chance[:, None], 1.0 - chance[:, None]).astype(np.float32)


def _share(row: Row) -> float | None:
    try:
        value = float(row.columns.get(SOFT, ""))
    except ValueError:
        return None
    return value if 0.0 <= value <= 1.0 else None


def _to_metadata(tuned: FinetuneResult, classes: tuple[str, ...]) -> dict[str, Any]:
    return {
        "classes": list(classes),
        "folds": [
            {
                "history": [asdict(epoch) for epoch in fold.history],
                "chosen": fold.chosen,
                "confusion": fold.confusion.tolist(),
            }
            for fold in tuned.folds
        ],
    }

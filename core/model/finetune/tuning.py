"""Fine-tuning as a whole: a tail a fold, and what each says of the pictures it never saw."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from core.decision import splits
from core.errors import DataError
from core.model.finetune.checkpoint import FoldState
from core.model.finetune.figures import Epoch
from core.model.finetune.learning import learn_fold, scores
from core.model.finetune.maps import Maps, ProgressCallback
from core.model.finetune.plan import FinetunePlan, FoldData, Rows
from core.model.network.backbone import Backbone, Files
from core.model.network.tail import Weights, arrays_of, fresh_tail
from core.types import F32, F64

VALIDATION_SHARE = 0.125


@dataclass(frozen=True)
class Fold:
    """How one tail learned.

    Attributes:
        weights: Its chosen weights.
        history: The figures of every epoch, on its inner validation pictures.
        chosen: Number of the epoch whose weights were kept.
        confusion: That epoch's confusion matrix there; see ``figures``.
    """

    weights: Weights
    history: tuple[Epoch, ...]
    chosen: int
    confusion: NDArray[np.int64]


Worthwhile = Callable[[NDArray[np.int64], F64], bool]
"""From the first fold's pictures and what its tail says of them to whether the others learn too."""


@dataclass(frozen=True)
class FinetuneResult:
    """What fine-tuning gives.

    Attributes:
        folds: A tail each; at run time their scores are averaged.
        oof: float64 ``n k``, each picture's scores by the tail that never saw its group, averaged
            over the views that it is judged by at run time.
        fold: int64 ``n``, which tail that was; only the first ones exist where learning was
            stopped, and their pictures alone have scores.
    """

    folds: tuple[Fold, ...]
    oof: F64
    fold: NDArray[np.int64]


def finetune(
    maps: Maps,
    targets: F32,
    groups: NDArray[np.str_],
    *,
    backbone: Backbone,
    files: Files,
    folder: Path,
    progress: ProgressCallback,
    say: Callable[[str], None],
    is_multilabel: bool = False,
    plan: FinetunePlan = FinetunePlan(),
    is_worthwhile: Worthwhile | None = None,
) -> FinetuneResult:
    """Return one fine-tuned tail a fold; a run that was stopped goes on where it was.

    A fold's pictures are neither learned from nor looked at when the epoch is chosen, so its
    tail's scores of them are honest: the epoch is chosen on an eighth of the other groups.

    Args:
        maps: The trunk's maps of ``n`` pictures.
        targets: float32 ``n k``, probabilities of the classes (rows sum to one; uncertain labels
            are welcome), or of each label by itself with ``is_multilabel``.
        groups: ``n``; no group is on two sides.
        backbone: The frozen network.
        files: Its weight files.
        folder: Where the checkpoints lie.
        progress: Called after every epoch of every fold.
        say: Called with every epoch's figures as a line.
        is_multilabel: Whether a picture may have several labels.
        plan: How tails learn.
        is_worthwhile: Called after the first fold; where it returns False, no other learns.

    Raises:
        DataError: There are too few groups.
        ConfigError: Tails of this architecture are not supported, or a checkpoint is damaged.
        ValueError: The arrays differ in length.
    """
    n = maps.values.shape[1]
    if targets.shape[:1] != (n,) or targets.dtype != np.float32 or groups.shape != (n,):
        raise ValueError(f"targets, groups: expected float32 ({n}, k) and ({n},)")
    height, width = maps.values.shape[3:]
    plan = plan.for_pictures(n, height * width)
    fold, parts = split_folds(targets.argmax(axis=1), groups, plan)
    oof, made = np.zeros(targets.shape, np.float64), []
    folder.mkdir(parents=True, exist_ok=True)
    with _one_thread():
        for number, (training, validation) in enumerate(parts):
            fold_data = FoldData(maps, targets, is_multilabel, training, validation, number)
            tail = fresh_tail(backbone, files, targets.shape[1])
            report = _reporter(number, plan, progress, say)
            done = learn_fold(tail, fold_data, plan, folder / f"fold{number}.safetensors", report)
            progress("Fine-tuning", (number + 1) * plan.epochs, plan.folds * plan.epochs)
            tail.load_state_dict(done.part("chosen"))
            left_out = np.flatnonzero(fold == number)
            oof[left_out] = scores(tail, maps, left_out)
            made.append(_fold(tail, done))
            if number == 0 and is_worthwhile and not is_worthwhile(left_out, oof[left_out]):
                break
    return FinetuneResult(tuple(made), oof, fold)


def _fold(tail: torch.nn.Module, done: FoldState) -> Fold:
    return Fold(arrays_of(tail), done.history, done.chosen, done.confusion)


def split_folds(
    labels: NDArray[np.int64], groups: NDArray[np.str_], plan: FinetunePlan
) -> tuple[NDArray[np.int64], list[tuple[Rows, Rows]]]:
    """Return the folds of pictures, and for each what its tail learns from and watches.

    Returns:
        int64 ``n``, the fold of each picture, and by fold the rows to learn from and to watch.

    Raises:
        DataError: There are too few groups.
    """
    fold = splits.folds(labels, groups, plan.folds, plan.seed)
    parts = [_parts(labels, groups, fold == n, plan.seed + n) for n in range(plan.folds)]
    return fold, parts


def _parts(
    labels: NDArray[np.int64], groups: NDArray[np.str_], out: NDArray[np.bool_], seed: int
) -> tuple[Rows, Rows]:
    rows = np.flatnonzero(~out)
    part = splits.split_groups(
        labels[rows], groups[rows], (1 - VALIDATION_SHARE, VALIDATION_SHARE, 0.0), seed
    )
    training, validation = rows[part == "train"], rows[part == "cal"]
    if not len(validation) or len(np.unique(labels[training])) < 2:
        raise DataError(
            f"Fine-tuning needs more groups of every class, got {len(np.unique(groups))} in all.",
            hint="Add pictures of further groups.",
        )
    return training, validation


def _reporter(
    number: int, plan: FinetunePlan, progress: ProgressCallback, say: Callable[[str], None]
) -> Callable[[Epoch], None]:
    def report(epoch: Epoch) -> None:
        say(f"fold {number + 1} of {plan.folds}, {epoch.describe()}")
        progress("Fine-tuning", number * plan.epochs + epoch.number, plan.folds * plan.epochs)

    return report


@contextmanager
def _one_thread() -> Iterator[None]:
    """Yield with one thread: sums split over threads would give other bits in another run."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)

"""From labelled pictures to the table that a model is fitted to, through one network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from core.checking.facts import UnreadablePicture
from core.labelled import Row
from core.model.estimators.bank import Bank
from core.model.fitting.table import FeatureTable
from core.service.data.feature_table import table_of
from core.service.data.pictures import PictureFeatures, extract_features
from core.service.training import good_only
from core.service.training.precision import OpenedNetwork, TrainingContext
from core.service.training.refusals import refuse_all_refused, refuse_mostly_unreadable


@dataclass(frozen=True)
class LearningTask:
    """What is learned, whatever the network.

    Attributes:
        classes: Class names.
        positive: Whether each class counts as positive.
        negative: Labels that mean "nothing wrong".
        is_multilabel: Whether a picture may have several labels.
        remembers: Whether a memory of good pictures is kept.
        seed: Seed of folds and of what is drawn.
    """

    classes: tuple[str, ...]
    positive: tuple[bool, ...]
    negative: frozenset[str]
    is_multilabel: bool
    has_bank: bool
    seed: int


@dataclass(frozen=True)
class Features:
    """The pictures as one network saw them.

    Attributes:
        readable: Those that could be read.
        unreadable: Those that could not.
        table: Of those of train.
        bank: The memory of the good ones among these, if one is kept.
    """

    readable: list[PictureFeatures]
    unreadable: list[UnreadablePicture]
    table: FeatureTable
    bank: Bank | None

    def of(self, split: str) -> list[PictureFeatures]:
        """Return the pictures of a split."""
        return [one for one in self.readable if one.row.split == split]


def features_of(
    rows: Sequence[Row], task: LearningTask, opened: OpenedNetwork, work: TrainingContext
) -> Features:
    """Return the features of labelled pictures by an opened network.

    Args:
        rows: Pictures of train, and of other splits.
        task: What is learned.
        opened: The network.
        work: Pack, settings and progress callback.

    Raises:
        DataError: More than a tenth cannot be read, a side is refused whole, or too few good ones
            are left for a memory.
        InferenceStalled: The network did not answer in time.
    """
    extract = partial(
        extract_features,
        pack=work.pack.name,
        size=opened.backbone.size,
        network=opened.network,
        settings=work.settings,
        progress=work.progress,
        depths=work.depths,
    )
    start = None
    if task.has_bank:
        start = good_only.extract_and_fit_bank(rows, task.negative, extract, task.seed)
    pictures = start.pictures if start else list(extract(rows))
    readable = [one for one in pictures if isinstance(one, PictureFeatures)]
    unreadable = [one for one in pictures if isinstance(one, UnreadablePicture)]
    refuse_mostly_unreadable(unreadable, len(rows))
    train = [one for one in readable if one.row.split == "train"]
    refuse_all_refused(train, task.negative)
    table = table_of(train, task.classes, opened.backbone.gated, is_multilabel=task.is_multilabel)
    if start:
        table = replace(table, log_odds=start.log_odds(train))
    return Features(readable, unreadable, table, start.bank if start else None)

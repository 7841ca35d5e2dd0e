"""The data set of a training run: read, checked, split, with its classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass, replace
from functools import partial

from core.checking.facts import PictureFacts, UnreadablePicture
from core.checking.fingerprints import Fingerprints
from core.checking.origins import Copies, find_split_origins, fingerprints_of, join_origins
from core.checking.result import CheckReport
from core.imaging.depth import Depths, describe_depths
from core.labelled import Labelled, Row, describe_data_set, plain, read_labelled
from core.ordered_map import threaded_map
from core.packs import DomainPack, pack_named
from core.service.data.check import check_pictures, collect_facts, depths_of, peaks_of
from core.service.data.copies import find_copies
from core.service.data.labels import (
    classes_of,
    flag_positive,
    has_multilabel,
    refuse_mixed,
    with_splits,
)
from core.service.progress import Progress
from core.service.training import good_only
from core.service.training.features import LearningTask
from core.service.training.refusals import refuse_all_unreadable
from core.service.training.spec import TrainSpec
from core.service.training.transfer import TransferBundle, open_transfer_bundle
from core.settings import Settings

Say = Callable[[str], None]


@dataclass(frozen=True)
class TrainingSet:
    """A data set, read, checked and split.

    Attributes:
        spec: What was asked.
        pack: The domain.
        labelled: The whole data set as it was read.
        left_out: What is left out of it, being of one origin with some of an earlier split.
        rows: Its rows of train and cal.
        negative: Labels that mean "nothing wrong".
        classes: Class names.
        positive: Whether each class counts as positive.
        few: Whether there are too few defects to fine-tune on.
        has_bank: Whether a memory bank of good pictures is fitted.
        dropped: Why none is fitted, where fewer defects would have left one.
        is_multilabel: Whether a picture may have several labels.
        start: The bundle to start from, if any.
        check: What was found wrong with train and cal.
        fingerprints: Those of the pictures of train and cal, by which copies are recognised.
        depths: Bits that the data of each source use, by the pictures of train.
    """

    spec: TrainSpec
    pack: DomainPack
    labelled: Labelled
    left_out: Sequence[Row]
    rows: Sequence[Row]
    negative: frozenset[str]
    classes: tuple[str, ...]
    positive: tuple[bool, ...]
    few: bool
    has_bank: bool
    dropped: str
    is_multilabel: bool
    start: TransferBundle | None
    check: CheckReport
    fingerprints: Fingerprints
    depths: Depths

    @property
    def kept(self) -> list[Row]:
        """The rows of the data set but for those left out."""
        away = {row.file for row in self.left_out}
        return [row for row in self.labelled.rows if row.file not in away]

    @property
    def task(self) -> LearningTask:
        """What is learned, whatever the network."""
        return LearningTask(
            self.classes,
            self.positive,
            self.negative,
            self.is_multilabel,
            self.has_bank,
            self.spec.seed,
        )


def read_training_set(
    spec: TrainSpec, settings: Settings, progress: Progress, say: Say
) -> TrainingSet:
    """Return the data set, read, checked and split.

    Raises:
        DataError: It cannot be learned from.
        ConfigError: No label means "nothing wrong", or the bundle to start from does not fit.
    """
    pack = pack_named(spec.pack)
    negative = frozenset(map(plain, spec.negative)) or pack.negative_labels
    labelled = read_labelled(
        spec.data,
        pack.group_columns,
        min_labels=1,
        suffixes=pack.suffixes,
        label_column=spec.label_column,
        negative=negative,
        form=spec.form,
    )
    say("\n".join(describe_data_set(labelled.to_json())))
    pictures = collect_facts(labelled.rows, pack=spec.pack, settings=settings, progress=progress)
    if sentences := describe_depths(peaks_of(pictures)):
        say("\n".join(sentences))
    copies = find_copies(pictures, pack=spec.pack, settings=settings, depths=depths_of(pictures))
    away = set(find_split_origins(pictures, copies)) if spec.leave_out_copies else set()
    pictures, copies = _without(pictures, copies, away)
    left_out = [labelled.rows[at] for at in sorted(away)]
    rows = with_splits(join_origins(pictures, copies))
    is_multilabel = has_multilabel(labelled.rows)
    start = None
    if spec.start_from:
        start = open_transfer_bundle(
            spec.start_from, spec.pack, negative, is_multilabel=is_multilabel, settings=settings
        )
        start.refuse_leaked(pictures, settings)
    dealt = not any(row.split for row in labelled.rows)
    few = not is_multilabel and not start and good_only.has_few_defects(rows, negative)
    kept = dealt and not is_multilabel and not start and good_only.needs_bank(rows, negative)
    has_bank = few or kept
    dropped = (
        ""
        if has_bank or is_multilabel or start
        else good_only.describe_dropped_bank(rows, negative)
    )
    if has_bank and dealt:
        rows = good_only.assign_good_groups(rows, negative)
    classes = good_only.add_anomaly_class(classes_of(rows), negative)
    positive = flag_positive(classes, negative)
    refuse_mixed(rows, classes, positive)
    pictures, copies = _taken(pictures, copies, rows)
    refuse_all_unreadable(pictures)
    check = _check(pictures, copies, rows, negative, progress)
    facts = [one for one in pictures if isinstance(one, PictureFacts)]
    fingerprints = fingerprints_of(facts, copies, partial(threaded_map, workers=settings.workers))
    if start:
        fingerprints = fingerprints.with_those_of(start.fingerprints)
    depths = _depths(pictures, rows)
    return TrainingSet(
        spec,
        pack,
        labelled,
        left_out,
        rows,
        negative,
        classes,
        positive,
        few,
        has_bank,
        dropped,
        is_multilabel,
        start,
        check,
        fingerprints,
        depths,
    )


def _check(
    pictures: Sequence[PictureFacts | UnreadablePicture],
    copies: Copies,
    rows: Sequence[Row],
    negative: frozenset[str],
    progress: Progress,
) -> CheckReport:
    """Return what is wrong with train and cal, by the groups and splits that they were given."""
    taken = {row.file: row for row in rows}
    given = [replace(one, row=taken[one.row.file]) for one in pictures]
    return check_pictures(given, negative, progress, copies)


def _taken(
    pictures: Sequence[PictureFacts | UnreadablePicture], copies: Copies, rows: Sequence[Row]
) -> tuple[list[PictureFacts | UnreadablePicture], Copies]:
    """Return what belongs to the pictures of train and cal."""
    taken = {row.file for row in rows}
    away = {at for at, one in enumerate(pictures) if one.row.file not in taken}
    return _without(pictures, copies, away)


def _without(
    pictures: Sequence[PictureFacts | UnreadablePicture], copies: Copies, away: Set[int]
) -> tuple[list[PictureFacts | UnreadablePicture], Copies]:
    """Return what is left without the pictures at some places."""
    facts = [at for at, one in enumerate(pictures) if isinstance(one, PictureFacts)]
    kept = copies.subset([number for number, at in enumerate(facts) if at not in away])
    return [one for at, one in enumerate(pictures) if at not in away], kept


def _depths(
    pictures: Sequence[PictureFacts | UnreadablePicture], rows: Sequence[Row]
) -> dict[str, int]:
    """Return where white is, by train alone: cal must be as new to it as others."""
    train = {row.file for row in rows if row.split == "train"}
    return depths_of([one for one in pictures if one.row.file in train])

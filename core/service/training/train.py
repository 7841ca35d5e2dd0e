"""train: from labelled pictures to a bundle that can be certified."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from core.checking.facts import PictureFacts, UnreadablePicture
from core.checking.fingerprints import Fingerprints
from core.checking.origins import Copies, find_split_origins, fingerprints_of, join_origins
from core.checking.result import CheckReport
from core.decision.cases import subsample_groups
from core.imaging.depth import Depths, depth_words
from core.labelled import Form, Labelled, Row, describe_data_set, plain, read_labelled
from core.model.bundle.destination import check_bundle_destination, check_parent
from core.model.bundle.parity import Probe
from core.model.bundle.writer import Draft, write_bundle
from core.model.estimators.model import one_thread
from core.model.fitting.fit import Fit, fit
from core.model.network import backbone as backbones
from core.model.network.backbone import Backbone, Files
from core.packs import DomainPack, pack_named
from core.service.data import leakage
from core.service.data.check import check_pictures, collect_facts, depths_of, peaks_of
from core.service.data.feature_table import cases_of
from core.service.data.labels import (
    classes_of,
    flag_positive,
    has_multilabel,
    refuse_mixed,
    with_splits,
)
from core.service.data.pictures import PictureFeatures
from core.service.progress import Progress, silent
from core.service.training import good_only
from core.service.training.corruptions import Studio, alter
from core.service.training.features import Task, features_of
from core.service.training.finetune import Stages
from core.service.training.model_card import card, remarks
from core.service.training.precision import Opened, Precise, Work, fit_in
from core.service.training.reference_set import known_cases, made_probes, probes
from core.service.training.refusals import refuse_all_unreadable
from core.service.training.selection import select
from core.service.training.transfer import Elsewhere, elsewhere
from core.settings import Settings

QUICK, BEST = "quick", "best"

Say = Callable[[str], None]


OOF_CASES = 20_000  # the grid of limits takes 1,000, and a review budget is told no better by more


@dataclass(frozen=True)
class TrainSpec:
    """What a person asks of ``train``.

    Attributes:
        pack: Name of the domain pack.
        data: Folder per class, CSV, or folder with a manifest.
        out: The bundle's folder.
        negative: Labels that mean "nothing wrong"; the pack's own when empty.
        backbone: Architecture; the packaged one by default.
        weights: Its safetensors file, when no package carries it.
        seed: Seed of folds and of what is drawn in training; cal does not follow it.
        precision: One of ``precise.CHOICES``.
        size: Side of the network's square input in pixels; the architecture's own when 0.
        effort: ``quick``, or ``best``: more is tried (all sides, closer, fine-tuned stages), and
            kept where it is clearly better out of fold.
        population: Numbers that files state about their subject (``age_years``), each with the
            (low, high) that the bundle is for.
        start_from: A bundle trained elsewhere, whose network and pictures are used again where that
            predicts better here.
        label_column: Column of a table that holds the labels instead of ``label``.
        pictures: Whether the bundle keeps thumbnails and probes of the training pictures.
        form: Which folders are classes, where a person says it.
        leave_out_copies: Whether pictures of one origin with some of an earlier split are left out
            instead of refused.
    """

    pack: str
    data: Path
    out: Path
    negative: frozenset[str] = frozenset()
    backbone: str = backbones.LITE0
    weights: Path | None = None
    seed: int = 0
    precision: str = "f32"
    size: int = 0
    effort: str = QUICK
    population: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    start_from: Path | None = None
    label_column: str = ""
    pictures: bool = True
    form: Form = Form.AUTO
    leave_out_copies: bool = False


@dataclass(frozen=True)
class _Lesson:
    """What there is to learn.

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
        remembers: Whether a memory of good pictures is kept.
        dropped: Why none is kept, where fewer defects would have left one.
        several: Whether a picture may have several labels.
        start: The bundle to start from, if any.
        check: What was found wrong with train and cal.
        fingerprints: What copies of the pictures of train and cal are known again by.
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
    remembers: bool
    dropped: str
    several: bool
    start: Elsewhere | None
    check: CheckReport
    fingerprints: Fingerprints
    depths: Depths

    @property
    def kept(self) -> list[Row]:
        """The rows of the data set but for those left out."""
        away = {row.file for row in self.left_out}
        return [row for row in self.labelled.rows if row.file not in away]

    @property
    def task(self) -> Task:
        """What is learned, whatever the network."""
        return Task(
            self.classes,
            self.positive,
            self.negative,
            self.several,
            self.remembers,
            self.spec.seed,
        )


@dataclass(frozen=True)
class _Attempt:
    """The pictures as one network saw them, and what was fitted to that."""

    seen: list[PictureFeatures]
    unseen: list[UnreadablePicture]
    fitted: Fit

    def of(self, split: str) -> list[PictureFeatures]:
        """Pick the pictures of a split."""
        return [one for one in self.seen if one.row.split == split]


def train(
    spec: TrainSpec,
    settings: Settings,
    progress: Progress = silent,
    say: Say = lambda _line: None,
) -> Path:
    """Fit a model and write it as a bundle; certifying it is the next step.

    Args:
        spec: What is asked.
        settings: Where things run.
        progress: Told how far the work is.
        say: Told how the data set was read, and the figures of fine-tuning, a line an epoch.

    Returns:
        The bundle's folder.

    Raises:
        DataError: The data set is faulty, or one side has no pictures.
        ConfigError: No label means "nothing wrong", the backbone is unknown, or no bundle can be
            made at its destination.
        BundleError: Something a person may keep stands at the destination.
    """
    check_bundle_destination(spec.out)
    check_parent(settings.cache / "network")
    one_thread()
    lesson = _lesson(spec, settings, progress, say)
    work = Work(*_network(lesson), lesson.rows, lesson.pack, settings, progress, lesson.depths)
    stages = _stages(lesson, work, say)
    write_bundle(_draft(lesson, stages, _fit(lesson, stages)), spec.out)
    if stages.folder:
        shutil.rmtree(stages.folder)
    return spec.out


def _network(lesson: _Lesson) -> tuple[Backbone, Files]:
    spec = lesson.spec
    if lesson.start:
        return lesson.start.backbone, lesson.start.files
    backbone = replace(
        backbones.describe(spec.backbone, spec.weights, spec.size),
        patches=lesson.remembers,
        asymmetry=bool(lesson.pack.wrong_ways),
    )
    return backbone, Files(own=spec.weights)


def _lesson(spec: TrainSpec, settings: Settings, progress: Progress, say: Say) -> _Lesson:
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
    looked = collect_facts(labelled.rows, pack=spec.pack, settings=settings, progress=progress)
    if words := depth_words(peaks_of(looked)):
        say("\n".join(words))
    copies = Copies.among([one for one in looked if isinstance(one, PictureFacts)])
    away = set(find_split_origins(looked, copies)) if spec.leave_out_copies else set()
    looked, copies = _without(looked, copies, away)
    left_out = [labelled.rows[at] for at in sorted(away)]
    rows = with_splits(join_origins(looked, copies))
    several = has_multilabel(labelled.rows)
    start = None
    if spec.start_from:
        start = elsewhere(spec.start_from, spec.pack, negative, several=several, settings=settings)
        start.refuse_leaked(looked)
    dealt = not any(row.split for row in labelled.rows)
    few = not several and not start and good_only.has_few_defects(rows, negative)
    kept = dealt and not several and not start and good_only.is_worth_keeping(rows, negative)
    remembers = few or kept
    dropped = "" if remembers or several or start else good_only.dropped_words(rows, negative)
    if remembers and dealt:
        rows = good_only.settled(rows, negative)
    classes = good_only.with_anomaly(classes_of(rows), negative)
    positive = flag_positive(classes, negative)
    refuse_mixed(rows, classes, positive)
    looked, copies = _taken(looked, copies, rows)
    refuse_all_unreadable(looked)
    check = _check(looked, copies, rows, negative, progress)
    facts = [one for one in looked if isinstance(one, PictureFacts)]
    fingerprints = fingerprints_of(facts, copies)
    if start:
        fingerprints = fingerprints.with_those_of(start.fingerprints)
    depths = _depths(looked, rows)
    return _Lesson(
        spec,
        pack,
        labelled,
        left_out,
        rows,
        negative,
        classes,
        positive,
        few,
        remembers,
        dropped,
        several,
        start,
        check,
        fingerprints,
        depths,
    )


def _check(
    looked: Sequence[PictureFacts | UnreadablePicture],
    copies: Copies,
    rows: Sequence[Row],
    negative: frozenset[str],
    progress: Progress,
) -> CheckReport:
    """Check the pictures of train and cal, with the groups and splits that they were given."""
    taken = {row.file: row for row in rows}
    given = [replace(one, row=taken[one.row.file]) for one in looked]
    return check_pictures(given, negative, progress, copies)


def _taken(
    looked: Sequence[PictureFacts | UnreadablePicture], copies: Copies, rows: Sequence[Row]
) -> tuple[list[PictureFacts | UnreadablePicture], Copies]:
    """Return what belongs to the pictures of train and cal."""
    taken = {row.file for row in rows}
    away = {at for at, one in enumerate(looked) if one.row.file not in taken}
    return _without(looked, copies, away)


def _without(
    looked: Sequence[PictureFacts | UnreadablePicture], copies: Copies, away: Set[int]
) -> tuple[list[PictureFacts | UnreadablePicture], Copies]:
    """Return what is left without the pictures at some places."""
    facts = [at for at, one in enumerate(looked) if isinstance(one, PictureFacts)]
    kept = copies.kept([number for number, at in enumerate(facts) if at not in away])
    return [one for at, one in enumerate(looked) if at not in away], kept


def _depths(
    looked: Sequence[PictureFacts | UnreadablePicture], rows: Sequence[Row]
) -> dict[str, int]:
    """Measure where white is by the pictures of train alone: cal must be as new to it as others."""
    train = {row.file for row in rows if row.split == "train"}
    return depths_of([one for one in looked if one.row.file in train])


def _stages(lesson: _Lesson, work: Work, say: Say) -> Stages:
    """Try more than the default where that is asked for and there is enough to choose by."""
    if lesson.spec.effort != BEST:
        return Stages(work)
    if lesson.start:
        return _kept(work, "a start elsewhere nothing else is tried", say)
    if not all(_side_known(lesson, side) for side in (True, False)):
        return _kept(work, "good pictures alone nothing tells which candidate is better", say)
    if lesson.few or lesson.several:
        say(f"With {'few defects' if lesson.few else 'several labels'} nothing is fine-tuned.")
    tails = not (lesson.few or lesson.several)
    began = time.monotonic()
    stages = select(work, lesson.task, say, sizes=not lesson.spec.size, tails=tails)
    say(f"{stages.words['said']} This took {time.monotonic() - began:.0f} s.")
    return stages


def _kept(work: Work, why: str, say: Say) -> Stages:
    said = f"With {why}: the default is kept."
    say(said)
    return Stages(work, words={"said": said})


def _side_known(lesson: _Lesson, side: bool) -> bool:
    names = {name for row in lesson.rows if row.split == "train" for name in row.labels}
    flags = dict(zip(lesson.classes, lesson.positive, strict=True))
    return any(flags[name] == side for name in names)


def _fit(lesson: _Lesson, stages: Stages) -> Precise[_Attempt]:
    """Look at the pictures and fit, in the precision asked for; drop stages that are not heard."""
    attempt = partial(_attempt, lesson=lesson, stages=stages)
    chosen = fit_in(lesson.spec.precision, stages.work, attempt)
    if stages.said and not chosen.result.fitted.model.voices[-1]:
        return _fit(lesson, stages.without())
    return chosen


def _attempt(opened: Opened, *, lesson: _Lesson, stages: Stages) -> _Attempt:
    work = stages.work
    features = features_of(lesson.rows, lesson.task, opened, work)
    for_train, table = features.of("train"), features.table
    work.progress("Fitting", 0, 1)
    if stages.said:
        table = replace(table, tail=stages.oof(for_train))
    begun = lesson.start.start(lesson.classes) if lesson.start else None
    studio = Studio(
        lesson.pack,
        opened.network,
        opened.backbone.size,
        work.settings,
        work.progress,
        lesson.depths,
    )
    seed = lesson.spec.seed
    altered = alter([one.row for one in for_train], studio, seed)
    fitted = fit(
        table,
        lesson.classes,
        lesson.positive,
        seed,
        bank=features.bank,
        wrong=altered.wrong,
        faulty=altered.faulty,
        start=begun,
        benign=altered.benign,
    )
    model = replace(fitted.model, population=dict(lesson.spec.population), depths=lesson.depths)
    work.progress("Fitting", 1, 1)
    return _Attempt(features.seen, features.unseen, replace(fitted, model=model))


def _draft(lesson: _Lesson, stages: Stages, chosen: Precise[_Attempt]) -> Draft:
    spec, result, fitted = lesson.spec, chosen.result, chosen.result.fitted
    for_train = result.of("train")
    format_labels = card(
        spec.data,
        spec.seed,
        lesson.rows,
        result.seen,
        result.unseen,
        fitted,
        _met(lesson, result.seen),
        remarks(lesson.kept, lesson.pack.group_columns, lesson.left_out),
    )
    return Draft(
        name=spec.out.resolve().name,
        pack=spec.pack,
        backbone=chosen.opened.backbone,
        files=chosen.opened.files,
        model=fitted.model,
        known=known_cases(fitted.model, for_train, spec.seed, pictures=spec.pictures),
        cal=cases_of(fitted.model, result.of("cal")),
        oof=subsample_groups(fitted.oof, OOF_CASES),
        fingerprints=lesson.fingerprints.to_arrays(),
        probes=_probes(lesson, chosen, stages.work.settings),
        card={
            **format_labels,
            "effort": spec.effort,
            "precision": chosen.words,
            "check": lesson.check.to_json(),
            "tuning": stages.words,
            "start": lesson.start.words(fitted.head) if lesson.start else {},
            "label_column": spec.label_column,
            "memory": lesson.dropped,
            "read": _without_names(lesson.labelled),
        },
    )


def _without_names(labelled: Labelled) -> dict[str, Any]:
    """Return how the data set was read, without the names of files that were skipped."""
    read = labelled.to_json()
    counts = {kind: {**said, "first": []} for kind, said in read["skipped"].items()}
    return {**read, "skipped": counts}


def _met(lesson: _Lesson, seen: Sequence[PictureFeatures]) -> dict[str, list[str]]:
    """Return what evaluation must not meet again, the pictures of a start among them."""
    taken = {row.file for row in lesson.rows}
    words = leakage.hash_origins([row for row in lesson.kept if row.file in taken], seen)
    if lesson.start:
        words["pictures"] = sorted({*words["pictures"], *lesson.start.pictures})
    return words


def _probes(lesson: _Lesson, chosen: Precise[_Attempt], settings: Settings) -> list[Probe]:
    model, opened = chosen.result.fitted.model, chosen.opened
    seen = chosen.result.of("cal") or chosen.result.of("train")
    if lesson.spec.pictures:
        return probes(model, seen)
    size = opened.backbone.size
    return made_probes(model, seen, lesson.pack, opened.network, size, settings.max_pixels)

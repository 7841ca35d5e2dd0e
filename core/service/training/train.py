"""train: from labelled pictures to a bundle that can be certified."""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from core.checking.facts import UnreadablePicture
from core.checking.split_membership import SplitMembership
from core.decision.cases import subsample_groups
from core.labelled import Labelled
from core.model.bundle.destination import check_bundle_destination, check_parent
from core.model.bundle.parity import Probe
from core.model.bundle.writer import BundleDraft, write_bundle
from core.model.estimators.model import one_thread
from core.model.fitting.fit import Fit, fit
from core.model.network import backbone as backbones
from core.model.network.backbone import Backbone, Files
from core.service.bundles.attempts import sketch
from core.service.data import leakage
from core.service.data.feature_table import cases_of, label_reference_of
from core.service.data.pictures import PictureFeatures
from core.service.progress import Progress, silent
from core.service.training.corrupted_samples import Extraction
from core.service.training.corruptions import extract_corrupted
from core.service.training.features import features_of
from core.service.training.finetune import FinetunedStages
from core.service.training.model_card import list_data_remarks, make_card
from core.service.training.precision import (
    OpenedNetwork,
    PrecisionChoice,
    TrainingContext,
    fit_in_precision,
)
from core.service.training.reference_set import known_cases, made_probes, probes
from core.service.training.selection import select
from core.service.training.shift import shift_head_of
from core.service.training.spec import BEST as BEST
from core.service.training.spec import QUICK as QUICK
from core.service.training.spec import TrainSpec as TrainSpec
from core.service.training.training_set import Say, TrainingSet, read_training_set
from core.settings import Settings

OOF_CASES = 20_000  # the grid of limits takes 1,000, and more do not improve a review budget


@dataclass(frozen=True)
class _FittedNetwork:
    """The pictures as one network saw them, and what was fitted to that."""

    readable: list[PictureFeatures]
    unreadable: list[UnreadablePicture]
    fitted: Fit

    def of(self, split: str) -> list[PictureFeatures]:
        """Return the pictures of a split."""
        return [one for one in self.readable if one.row.split == split]


def train(
    spec: TrainSpec,
    settings: Settings,
    progress: Progress = silent,
    say: Say = lambda _line: None,
) -> Path:
    """Return the folder of a bundle with the model fitted; certifying it is the next step.

    Args:
        spec: What is asked.
        settings: Where things run.
        progress: Called as work goes on.
        say: Called with how the data set was read, and figures of fine-tuning, a line an epoch.

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
    training_set = read_training_set(spec, settings, progress, say)
    work = TrainingContext(
        *_network(training_set),
        training_set.rows,
        training_set.pack,
        settings,
        progress,
        training_set.depths,
    )
    stages = _stages(training_set, work, say)
    write_bundle(_draft(training_set, stages, _fit(training_set, stages)), spec.out)
    if stages.folder:
        shutil.rmtree(stages.folder)
    return spec.out


def _network(training_set: TrainingSet) -> tuple[Backbone, Files]:
    spec = training_set.spec
    if training_set.start:
        return training_set.start.backbone, training_set.start.files
    backbone = replace(
        backbones.describe(spec.backbone, spec.weights, spec.size),
        patches=training_set.has_bank,
        asymmetry=bool(training_set.pack.wrong_presentations),
        foreground=training_set.pack.subjects is not None,
    )
    return backbone, Files(own=spec.weights)


def _stages(training_set: TrainingSet, work: TrainingContext, say: Say) -> FinetunedStages:
    """Return more than the default stages where that is asked for and can be chosen."""
    if training_set.spec.effort != BEST:
        return FinetunedStages(work)
    if training_set.start:
        return _keep_default(work, "a start elsewhere nothing else is tried", say)
    if not all(_side_known(training_set, side) for side in (True, False)):
        return _keep_default(
            work, "good pictures alone nothing tells which candidate is better", say
        )
    if training_set.few or training_set.is_multilabel:
        say(
            f"With {'few defects' if training_set.few else 'several labels'} nothing is fine-tuned."
        )
    tails = not (training_set.few or training_set.is_multilabel)
    began = time.monotonic()
    stages = select(work, training_set.task, say, sizes=not training_set.spec.size, tails=tails)
    say(f"{stages.metadata['summary']} This took {time.monotonic() - began:.0f} s.")
    return stages


def _keep_default(work: TrainingContext, why: str, say: Say) -> FinetunedStages:
    summary = f"With {why}: the default is kept."
    say(summary)
    return FinetunedStages(work, metadata={"summary": summary})


def _side_known(training_set: TrainingSet, side: bool) -> bool:
    names = {name for row in training_set.rows if row.split == "train" for name in row.labels}
    flags = dict(zip(training_set.classes, training_set.positive, strict=True))
    return any(flags[name] == side for name in names)


def _fit(training_set: TrainingSet, stages: FinetunedStages) -> PrecisionChoice[_FittedNetwork]:
    """Return the fit in the precision asked for, without stages that have no weight."""
    attempt = partial(_attempt, training_set=training_set, stages=stages)
    chosen = fit_in_precision(training_set.spec.precision, stages.work, attempt)
    if stages.oof_scores and not chosen.result.fitted.model.expert_weights[-1]:
        return _fit(training_set, stages.without())
    return chosen


def _attempt(
    opened: OpenedNetwork, *, training_set: TrainingSet, stages: FinetunedStages
) -> _FittedNetwork:
    work = stages.work
    features = features_of(training_set.rows, training_set.task, opened, work)
    for_train, table = features.of("train"), features.table
    work.progress("Fitting", 0, 1)
    if stages.oof_scores:
        table = replace(table, tail=stages.oof(for_train))
    source = training_set.start.source(training_set.classes) if training_set.start else None
    extraction = Extraction(
        training_set.pack,
        opened.network,
        opened.backbone.size,
        work.settings,
        work.progress,
        training_set.depths,
    )
    seed = training_set.spec.seed
    corrupted = extract_corrupted([one.row for one in for_train], extraction, seed)
    fitted = fit(
        table,
        training_set.classes,
        training_set.positive,
        seed,
        bank=features.bank,
        presentations=corrupted.presentations,
        corruptions=corrupted.corruptions,
        source=source,
        variations=corrupted.variations,
    )
    model = replace(
        fitted.model,
        population=dict(training_set.spec.population),
        depths=training_set.depths,
        shift=shift_head_of(training_set, table, corrupted.painted),
    )
    work.progress("Fitting", 1, 1)
    return _FittedNetwork(features.readable, features.unreadable, replace(fitted, model=model))


def _draft(
    training_set: TrainingSet, stages: FinetunedStages, chosen: PrecisionChoice[_FittedNetwork]
) -> BundleDraft:
    spec, result, fitted = training_set.spec, chosen.result, chosen.result.fitted
    for_train, for_cal = result.of("train"), result.of("cal")
    model = replace(
        fitted.model,
        label_reference=label_reference_of(fitted.model, for_cal, training_set.pack),
    )
    membership = _membership(training_set, result.readable)
    format_labels = make_card(
        spec.data,
        spec.seed,
        training_set.rows,
        result.readable,
        result.unreadable,
        fitted,
        _picture_hashes(training_set, result.readable),
        list_data_remarks(
            training_set.kept, training_set.pack.group_columns, training_set.left_out
        ),
    )
    return BundleDraft(
        name=spec.out.resolve().name,
        pack=spec.pack,
        backbone=chosen.opened.backbone,
        files=chosen.opened.files,
        model=model,
        known=known_cases(fitted.model, for_train, spec.seed, pictures=spec.pictures),
        cal=leakage.hash_groups(cases_of(fitted.model, for_cal), membership),
        oof=leakage.hash_groups(subsample_groups(fitted.oof, OOF_CASES), membership),
        fingerprints=training_set.fingerprints.to_arrays(),
        membership=membership.to_arrays(),
        probes=_probes(training_set, chosen, stages.work.settings),
        card={
            **format_labels,
            "effort": spec.effort,
            "precision": chosen.metadata,
            "check": training_set.check.without_paths().to_json(),
            "finetuning": stages.metadata,
            "transfer": training_set.start.to_json(fitted.head) if training_set.start else {},
            "label_column": spec.label_column,
            "no_bank_reason": training_set.dropped,
            "read": _without_names(training_set.labelled),
        },
    )


def _without_names(labelled: Labelled) -> dict[str, Any]:
    """Return how the data set was read, without the names of files that were skipped."""
    read = labelled.to_json()
    counts = {kind: {**files, "first": []} for kind, files in read["skipped"].items()}
    return {**read, "skipped": counts}


def _membership(training_set: TrainingSet, readable: Sequence[PictureFeatures]) -> SplitMembership:
    taken = {row.file for row in training_set.rows}
    given = [row for row in training_set.kept if row.file in taken]
    start = training_set.start.pictures if training_set.start else ()
    return leakage.membership_of(given, training_set.rows, readable, start)


def _picture_hashes(
    training_set: TrainingSet, readable: Sequence[PictureFeatures]
) -> dict[str, list[str]]:
    """Return what training was on, the pictures of a start among it, and a sketch of cal."""
    start = training_set.start.pictures if training_set.start else ()
    return {
        "pictures": sorted({*(one.prepared.sha256 for one in readable), *start}),
        "cal": sketch(one.prepared.sha256 for one in readable if one.row.split == "cal"),
    }


def _probes(
    training_set: TrainingSet, chosen: PrecisionChoice[_FittedNetwork], settings: Settings
) -> list[Probe]:
    model, opened = chosen.result.fitted.model, chosen.opened
    readable = chosen.result.of("cal") or chosen.result.of("train")
    if training_set.spec.pictures:
        return probes(model, readable)
    size = opened.backbone.size
    return made_probes(
        model, readable, training_set.pack, opened.network, size, settings.max_pixels
    )

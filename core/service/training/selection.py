"""--effort best: dearer looks and fine-tuned stages, kept only where they are clearly better.

The candidates are tried in a fixed order, after the default; each is compared with the one kept
so far by the out-of-fold losses of the same pictures (``core.decision.candidates``). One deal into
folds tells whether more deals may show a gain; only then are they made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core.decision import candidates, fusion
from core.errors import DataError
from core.model.finetune.plan import FinetunePlan
from core.model.fitting.head_choice import HeadSearch, choose_head
from core.model.fitting.table import FeatureTable
from core.model.network.backbone import Backbone, with_marks, with_two_scales
from core.model.network.tail import finetuning_unsupported_reason
from core.service.training.features import Features, LearningTask, features_of
from core.service.training.finetune import FinetunedStages, tune
from core.service.training.precision import TrainingContext
from core.service.training.trials import (
    CandidateTrial,
    describe_trial,
    describe_trials,
    trials_to_json,
)
from core.types import F64

MARKS, TWO_SCALES = "searched for small marks at twice the size", "seen at twice the size too"
ALL_VIEWS, TUNED = "seen from all sides", "fine-tuned"
WEIGHTS = {MARKS: 3.0, TWO_SCALES: 3.0, ALL_VIEWS: 1.0, TUNED: 1.0}
"""In the order of trying. A closer look alone brings what the default has not seen."""
OTHER_LAYERS = "not tried, since stages learn at the network's own size, and marks need twice that"
PERFECT = "not tried, since even a perfect one would not be clearly better"


@dataclass(frozen=True)
class _Candidate:
    """What a network reaches on the training pictures that are sound.

    Attributes:
        features: What it sees.
        task: What is learned.
        tail: float64 ``n k``, scores of fine-tuned stages out of fold, where there are any.
        losses: Negative log likelihoods out of fold, float64 ``r n``, a row a deal into folds.
        scores: float64 ``n k``, class scores of the head chosen in the first deal.
    """

    features: Features
    task: LearningTask
    losses: F64
    scores: F64
    tail: F64 | None = None

    @property
    def table(self) -> FeatureTable:
        return replace(self.features.table, tail=self.tail).pick(self.features.table.sound)

    @property
    def nll(self) -> float:
        return float(self.losses.mean())

    @property
    def repeats(self) -> int:
        return len(self.losses)

    def repeated(self, repeats: int) -> _Candidate:
        """Return this with so many deals."""
        seeds = range(self.task.seed + self.repeats, self.task.seed + repeats)
        more = [_heads(self.table, self.task, seed).losses for seed in seeds]
        return replace(self, losses=np.stack([*self.losses, *more]))

    @property
    def files(self) -> list[Path]:
        sound = self.features.table.sound
        train = self.features.of("train")
        return [one.row.file for one, is_sound in zip(train, sound, strict=True) if is_sound]


def select(
    work: TrainingContext,
    task: LearningTask,
    say: Callable[[str], None],
    *,
    sizes: bool,
    tails: bool,
) -> FinetunedStages:
    """Return the stages that are clearly better out of fold than the cheaper default.

    Args:
        work: The default network, and the rows; those of train alone are looked at.
        task: What is learned.
        say: Called with what came of each candidate and the figures of every epoch, a line each.
        sizes: Whether pictures may be seen closer.
        tails: Whether late stages may be fine-tuned.

    Returns:
        The stages kept, with ``trials`` and the sentence ``scores_by_file`` among their words.

    Raises:
        ConfigError: The checkpoint of an unfinished fine-tuning is damaged.
    """
    kept, candidate = work, _evaluate(work, task)
    changes = _changes(work, sizes=sizes)
    asked = {*changes, *([TUNED] if tails else [])}
    weights = [weight for name, weight in WEIGHTS.items() if name in asked]
    if not _can_improve(candidate, _level([], weights)):
        return FinetunedStages(work, metadata=trials_to_json([], _describe_no_room(candidate)))
    trials: list[CandidateTrial] = []
    for name, change in changes.items():
        if not _can_improve(candidate, _level(trials, weights)):
            trials.append(_untried(name, candidate, PERFECT))
            continue
        other = replace(kept, backbone=change(kept.backbone))
        found = _evaluate(other, task)
        trial, found, candidate = _compared(name, found, candidate, _level(trials, weights))
        say(describe_trial(trial))
        trials.append(trial)
        if trial.kept:
            kept, candidate = other, found
    stages = FinetunedStages(kept)
    if tails:
        stages, trial = _tuned(work.backbone, kept, candidate, _level(trials, weights), say)
        say(describe_trial(trial))
        trials.append(trial)
    return replace(
        stages, metadata={**stages.metadata, **trials_to_json(trials, describe_trials(trials))}
    )


def _changes(work: TrainingContext, *, sizes: bool) -> dict[str, Callable[[Backbone], Backbone]]:
    """Return by name what each candidate makes of the network kept so far, the cheaper first."""
    marks, both = with_marks(work.backbone), with_two_scales(work.backbone)
    changes: dict[str, Callable[[Backbone], Backbone]] = {}
    if sizes and marks:
        changes[MARKS] = lambda _kept: marks
    if sizes:
        changes[TWO_SCALES] = lambda _kept: both
    changes[ALL_VIEWS] = lambda kept: replace(kept, views=work.pack.views)
    return changes


def _evaluate(work: TrainingContext, task: LearningTask) -> _Candidate:
    rows = [row for row in work.rows if row.split == "train"]
    features = features_of(rows, task, work.open_network("f32"), work)
    return _first_repeat(features, task)


def _first_repeat(features: Features, task: LearningTask, tail: F64 | None = None) -> _Candidate:
    sound = features.table.sound
    heads = _heads(replace(features.table, tail=tail).pick(sound), task, task.seed)
    return _Candidate(features, task, heads.losses[None], heads.scores[heads.best], tail)


def _heads(table: FeatureTable, task: LearningTask, seed: int) -> HeadSearch:
    return choose_head(table, task.classes, task.positive, seed)


def _level(trials: list[CandidateTrial], weights: list[float]) -> float:
    return candidates.next_level([trial.kept for trial in trials], weights)


def _compared(
    name: str, found: _Candidate, than: _Candidate, level: float, folds: int = candidates.FOLDS
) -> tuple[CandidateTrial, _Candidate, _Candidate]:
    """Return two candidates compared, on more than one deal where the first leaves it open.

    Args:
        name: What the candidate does differently.
        found: The candidate.
        than: The one kept so far.
        level: The chance of a mistake that is allowed.
        folds: Into how many folds the pictures were dealt of which the candidate learned.

    Returns:
        What came of it, and both with the deals that were made.
    """
    at, its = _common(found, than)
    members = np.unique(than.table.groups[its], return_inverse=True)[1]
    is_undecided = candidates.is_undecided(found.losses[0, at], than.losses[0, its], members, level)
    if is_undecided:
        found, than = found.repeated(candidates.REPEATS), than.repeated(candidates.REPEATS)
    repeats = min(found.repeats, than.repeats)
    now, before = found.losses[:repeats, at], than.losses[:repeats, its]
    kept = is_undecided and candidates.is_better(now, before, members, level, folds)
    trial = CandidateTrial(
        name, float(now.mean()), float(before.mean()), int(members.max()) + 1, kept
    )
    return trial, found, than


def _common(found: _Candidate, than: _Candidate) -> tuple[list[int], list[int]]:
    """Return the places of the pictures that both could judge, in either."""
    place = {file: at for at, file in enumerate(found.files)}
    its = [at for at, file in enumerate(than.files) if file in place]
    return [place[than.files[at]] for at in its], its


def _tuned(
    own: Backbone,
    kept: TrainingContext,
    candidate: _Candidate,
    level: float,
    say: Callable[[str], None],
) -> tuple[FinetunedStages, CandidateTrial]:
    """Return the late stages fine-tuned beside the head, where that is clearly better.

    The stages learn at the network's own size even where pictures are seen closer: a closer look is
    about small marks, which are in the stages before.
    """
    task = candidate.task
    if kept.backbone.taps != own.taps:
        return FinetunedStages(kept), _untried(TUNED, candidate, OTHER_LAYERS)
    if not _can_improve(candidate, level, FinetunePlan().folds):
        return FinetunedStages(kept), _untried(TUNED, candidate, PERFECT)
    at_own_size = replace(kept.backbone, size=own.size, two_scales=own.two_scales)
    reason = finetuning_unsupported_reason(at_own_size)
    if reason:
        return FinetunedStages(kept), _untried(TUNED, candidate, reason)
    try:
        stages = tune(
            replace(kept, backbone=at_own_size),
            task.classes,
            task.positive,
            task.seed,
            say,
            lambda scores_by_file: _improves_first_fold(scores_by_file, candidate, task.seed),
        )
    except DataError as exc:
        return FinetunedStages(kept), _untried(TUNED, candidate, exc.message.removesuffix("."))
    if not stages.oof_scores:
        why = "no gain on the first fold's pictures, given up"
        return replace(stages, work=kept), _untried(TUNED, candidate, why)
    backbone = replace(
        stages.work.backbone, size=kept.backbone.size, two_scales=kept.backbone.two_scales
    )
    stages = replace(stages, work=replace(stages.work, backbone=backbone))
    tail = stages.oof(candidate.features.of("train"))
    found = _first_repeat(candidate.features, task, tail)
    trial = _compared(TUNED, found, candidate, level, FinetunePlan().folds)[0]
    return (stages if trial.kept else stages.without()), trial


def _can_improve(candidate: _Candidate, level: float, folds: int = candidates.FOLDS) -> bool:
    members = np.unique(candidate.table.groups, return_inverse=True)[1]
    return candidates.can_be_improved(candidate.losses, members, level, folds)


def _untried(name: str, candidate: _Candidate, why: str) -> CandidateTrial:
    groups = np.unique(candidate.table.groups).size
    return CandidateTrial(name, None, candidate.nll, groups, kept=False, why=why)


def _improves_first_fold(
    scores_by_file: Mapping[Path, F64], candidate: _Candidate, seed: int
) -> bool:
    """Return whether the first fold's pictures are predicted better with its tail's scores."""
    files, table = candidate.files, candidate.table
    rows = [i for i, file in enumerate(files) if file in scores_by_file]
    experts = np.stack([candidate.scores[rows], np.array([scores_by_file[files[i]] for i in rows])])
    weights = fusion.choose_weights(experts, table.labels[rows], table.groups[rows], seed)
    return bool(weights[-1] > 0.0)


def _describe_no_room(candidate: _Candidate) -> str:
    groups = np.unique(candidate.table.groups).size
    return (
        f"The default is kept: it predicts {groups} groups with an NLL of "
        f"{candidate.nll:.3f} out of fold, and even a perfect candidate would not be "
        f"clearly better."
    )

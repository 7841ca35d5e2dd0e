"""--effort best: dearer looks and fine-tuned stages, kept only where they are clearly better.

The candidates are tried from simple to dear, the default first; each is compared with the one kept
so far by the out-of-fold losses of the same pictures (``core.decision.candidates``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.decision import candidates, fusion
from core.errors import DataError
from core.model.backbone import Backbone, closer
from core.model.finetune.tail import why_not_tuned
from core.model.fitting import Fit, Table, fit
from core.service.features import Features, Task, features_of
from core.service.precise import Work
from core.service.tuning import Stages, tune
from core.types import F64

ALL_SIDES, CLOSER, TUNED = "seen from all sides", "seen at twice the size too", "fine-tuned"


@dataclass(frozen=True)
class Trial:
    """One candidate against the one kept so far.

    Attributes:
        name: What is done differently.
        nll: Its mean negative log likelihood out of fold, in nats; None where there is none.
        than: That of the one kept so far.
        groups: How many groups they were compared on.
        kept: Whether it is clearly better.
        why: Why there is no figure, where there is none.
    """

    name: str
    nll: float | None
    than: float
    groups: int
    kept: bool
    why: str = ""

    def in_words(self) -> str:
        """Say what came of it."""
        if self.nll is None:
            return f"{self.name}: {self.why}"
        end = "clearly better, kept" if self.kept else "not clearly better"
        return f"{self.name}: NLL {self.than:.3f} → {self.nll:.3f} on {self.groups} groups, {end}"


@dataclass(frozen=True)
class _Judged:
    """What a network reaches on the training pictures."""

    features: Features
    fitted: Fit

    @property
    def table(self) -> Table:
        return self.features.table.pick(self.features.table.sound)

    @property
    def files(self) -> list[Path]:
        sound = self.features.table.sound
        train = self.features.of("train")
        return [one.row.file for one, is_sound in zip(train, sound, strict=True) if is_sound]


@dataclass(frozen=True)
class _Losses:
    """Losses of two candidates on the pictures that both could judge, with their groups."""

    now: F64
    than: F64
    members: NDArray[np.intp]


def select(
    work: Work, task: Task, say: Callable[[str], None], *, sizes: bool, tails: bool
) -> Stages:
    """Try what is dearer than the default, and keep what is clearly better out of fold.

    Args:
        work: The default network, and the rows; those of train alone are looked at.
        task: What is learned.
        say: Told what came of each candidate and the figures of every epoch, a line each.
        sizes: Whether pictures may be seen closer.
        tails: Whether late stages may be fine-tuned.

    Returns:
        The stages kept, with ``trials`` and the sentence ``said`` among their words.

    Raises:
        ConfigError: The checkpoint of an unfinished fine-tuning is damaged.
    """
    kept, judged = work, _judge(work, task)
    count = 1 + sizes + tails
    members = np.unique(judged.table.groups, return_inverse=True)[1]
    if not candidates.can_be_bettered(judged.fitted.losses, members, count):
        return Stages(work, words=_words([], _no_room(judged)))
    looks = [(ALL_SIDES, _from_all_sides(work)), *([(CLOSER, closer)] if sizes else [])]
    trials = []
    for name, change in looks:
        other = replace(kept, backbone=change(kept.backbone))
        found = _judge(other, task)
        trial = _compared(name, found, judged, count)
        say(_sentence(trial))
        trials.append(trial)
        if trial.kept:
            kept, judged = other, found
    stages = Stages(kept)
    if tails:
        stages, trial = _tuned(work.backbone, kept, task, judged, count, say)
        say(_sentence(trial))
        trials.append(trial)
    return replace(stages, words={**stages.words, **_words(trials, _conclusion(trials))})


def _from_all_sides(work: Work) -> Callable[[Backbone], Backbone]:
    return lambda backbone: replace(backbone, views=work.pack.views)


def _judge(work: Work, task: Task) -> _Judged:
    rows = [row for row in work.rows if row.split == "train"]
    features = features_of(rows, task, work.opened("f32"), work)
    return _Judged(features, _fit(features.table, task, features))


def _fit(table: Table, task: Task, features: Features) -> Fit:
    return fit(table, task.classes, task.positive, task.seed, bank=features.bank)


def _compared(name: str, found: _Judged, than: _Judged, count: int) -> Trial:
    losses = _paired(found, than)
    return Trial(
        name,
        float(losses.now.mean()),
        float(losses.than.mean()),
        int(losses.members.max()) + 1,
        candidates.is_better(losses.now, losses.than, losses.members, count),
    )


def _paired(found: _Judged, than: _Judged) -> _Losses:
    now = dict(zip(found.files, found.fitted.losses, strict=True))
    rows = [i for i, file in enumerate(than.files) if file in now]
    return _Losses(
        np.array([now[than.files[i]] for i in rows], np.float64),
        than.fitted.losses[rows],
        np.unique(than.table.groups[rows], return_inverse=True)[1],
    )


def _tuned(
    own: Backbone,
    kept: Work,
    task: Task,
    judged: _Judged,
    count: int,
    say: Callable[[str], None],
) -> tuple[Stages, Trial]:
    """Fine-tune the late stages and hear them beside the head, where that is clearly better.

    The stages learn at the network's own size even where pictures are seen closer: a closer look is
    about small marks, which are in the stages before.
    """
    at_own_size = replace(kept.backbone, size=own.size, halved=own.halved)
    hindrance = why_not_tuned(at_own_size)
    if hindrance:
        return Stages(kept), _untold(judged, hindrance)
    try:
        stages = tune(
            replace(kept, backbone=at_own_size),
            task.classes,
            task.positive,
            task.seed,
            say,
            lambda said: _is_heard(said, judged, task.seed),
        )
    except DataError as exc:
        return Stages(kept), _untold(judged, exc.message.removesuffix("."))
    if not stages.said:
        why = "no gain on the first fold's pictures, given up"
        return replace(stages, work=kept), _untold(judged, why)
    backbone = replace(stages.work.backbone, size=kept.backbone.size, halved=kept.backbone.halved)
    stages = replace(stages, work=replace(stages.work, backbone=backbone))
    tail = stages.oof(judged.features.of("train"))
    fitted = _fit(replace(judged.features.table, tail=tail), task, judged.features)
    trial = _compared(TUNED, replace(judged, fitted=fitted), judged, count)
    return (stages if trial.kept else stages.without()), trial


def _untold(judged: _Judged, why: str) -> Trial:
    groups = np.unique(judged.table.groups).size
    return Trial(TUNED, None, float(judged.fitted.losses.mean()), groups, kept=False, why=why)


def _is_heard(said: Mapping[Path, F64], judged: _Judged, seed: int) -> bool:
    """Return whether the first fold's pictures are predicted better with its tail's scores."""
    files, table = judged.files, judged.table
    rows = [i for i, file in enumerate(files) if file in said]
    experts = np.stack([judged.fitted.scores[rows], np.array([said[files[i]] for i in rows])])
    weights = fusion.choose_weights(experts, table.labels[rows], table.groups[rows], seed)
    return bool(weights[-1] > 0.0)


def _no_room(judged: _Judged) -> str:
    groups = np.unique(judged.table.groups).size
    return (
        f"The default is kept: it predicts {groups} groups with an NLL of "
        f"{judged.fitted.losses.mean():.3f} out of fold, and even a perfect candidate would not be "
        f"clearly better."
    )


def _sentence(trial: Trial) -> str:
    words = trial.in_words()
    return f"{words[0].upper()}{words[1:]}."


def _conclusion(trials: list[Trial]) -> str:
    tried = "; ".join(trial.in_words() for trial in trials)
    if not any(trial.kept for trial in trials):
        return f"Nothing tried is clearly better out of fold, so the default is kept ({tried})."
    return f"More than the default is kept, since it is clearly better out of fold ({tried})."


def _words(trials: list[Trial], said: str) -> dict[str, object]:
    return {"trials": [asdict(trial) for trial in trials], "said": said}

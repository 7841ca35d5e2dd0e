"""One fold's tail, epoch by epoch."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from core.model.finetune import checkpoint, steps
from core.model.finetune.checkpoint import Standing
from core.model.finetune.figures import Epoch, figures
from core.model.finetune.maps import Maps
from core.model.finetune.plan import Lesson, Plan, Rows
from core.model.fitting.head_fitting import fit_logistic
from core.model.network.tail import Tail, scored, tensor_of
from core.types import F64

_CHUNK = 64


def learn_fold(
    tail: Tail, lesson: Lesson, plan: Plan, path: Path, say: Callable[[Epoch], None]
) -> Standing:
    """Let a fresh tail learn, going on from its checkpoint where there is one.

    The head starts as logistic regression on the untouched stages, so that these are not torn
    by a head that knows nothing yet (Kumar et al. 2022, arXiv 2202.10054). Steps are AdamW under
    a cosine; what is watched and kept is the running average of the weights.

    Args:
        tail: A fresh tail; it is changed.
        lesson: What it learns from.
        plan: How.
        path: The checkpoint's file.
        say: Told the figures of every epoch.

    Returns:
        Where the fold stands when it is done; its chosen weights are ``part("chosen")``.
    """
    key = _key(lesson, plan)
    optimiser = steps.new_optimiser(tail, plan)
    standing = checkpoint.read(path, key)
    if standing is None:
        standing = _start(tail, lesson)
        average = _weights(tail)
    else:
        tail.load_state_dict(standing.part("live"))
        average = standing.part("average")
        steps.restore(optimiser, standing.part("moments"))
    while _goes_on(standing, plan):
        learning = steps.one_epoch(tail, average, optimiser, lesson, plan, len(standing.history))
        judged = _after(tail, average, lesson, learning, standing)
        standing = replace(
            judged,
            tensors={
                **checkpoint.named("chosen", judged.part("chosen")),
                **checkpoint.named("live", tail.state_dict()),
                **checkpoint.named("average", average),
                **checkpoint.named("moments", steps.moments(optimiser)),
            },
        )
        checkpoint.write(standing, path, key)
        say(standing.history[-1])
    return standing


def scores(tail: Tail, maps: Maps, rows: Rows) -> F64:
    """Score pictures as at run time, averaged over the views that they are judged by: ``n k``."""
    chunks = np.array_split(rows, max(1, math.ceil(len(rows) / _CHUNK)))
    tail.eval()
    total = [
        sum(scored(tail, maps.batch(np.full(len(c), v), c)) for v in range(maps.sight))
        for c in chunks
    ]
    return np.concatenate(total).astype(np.float64) / maps.sight


def _start(tail: Tail, lesson: Lesson) -> Standing:
    """Fit the head to the untouched stages; this is epoch 0, and may stay the best."""
    chunks = np.array_split(lesson.learn, max(1, math.ceil(len(lesson.learn) / _CHUNK)))
    with torch.inference_mode():
        upright = [lesson.maps.batch(np.zeros(len(c), np.int64), c) for c in chunks]
        pooled = np.concatenate([tail.features(tensor_of(maps)).numpy() for maps in upright])
    centre, scale = pooled.mean(axis=0), pooled.std(axis=0) + np.float32(1e-3)
    targets = lesson.targets[lesson.learn]
    answers = targets > 0.5 if lesson.several else targets.argmax(axis=1)
    z = (pooled - centre) / scale
    head = fit_logistic(z, answers, targets.shape[1], 0.003)
    with torch.no_grad():
        tail.centre.copy_(torch.from_numpy(centre))
        tail.scale.copy_(torch.from_numpy(scale))
        tail.head.weight.copy_(torch.from_numpy(head.weights))
        tail.head.bias.copy_(torch.from_numpy(head.bias))
    knows = z @ head.weights.T + head.bias
    learning = figures(0, 0.0, knows, targets.astype(np.float64), several=lesson.several)[0].loss
    return _watched(tail, lesson, 0, learning)


def _after(
    tail: Tail,
    average: dict[str, torch.Tensor],
    lesson: Lesson,
    learning: float,
    before: Standing,
) -> Standing:
    """Look at the watched pictures with the averaged weights, and keep the better ones."""
    live = _weights(tail)
    tail.load_state_dict(average)
    now = _watched(tail, lesson, len(before.history), learning)
    tail.load_state_dict(live)
    history = (*before.history, *now.history)
    worse = before.history[before.chosen].loss <= now.history[0].loss
    return replace(before if worse else now, history=history)


def _watched(tail: Tail, lesson: Lesson, number: int, learning: float) -> Standing:
    said = scores(tail, lesson.maps, lesson.watch)
    targets = lesson.targets[lesson.watch].astype(np.float64)
    epoch, confusion = figures(number, learning, said, targets, several=lesson.several)
    return Standing((epoch,), number, confusion, checkpoint.named("chosen", tail.state_dict()))


def _weights(tail: Tail) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in tail.state_dict().items()}


def _goes_on(standing: Standing, plan: Plan) -> bool:
    done = len(standing.history) - 1
    return done < plan.epochs and done - standing.chosen < plan.patience


def _key(lesson: Lesson, plan: Plan) -> str:
    whole = hashlib.sha256(repr((lesson.maps.key, plan, lesson.several, lesson.number)).encode())
    for array in (lesson.targets, lesson.learn, lesson.watch):
        whole.update(np.ascontiguousarray(array).tobytes())
    return whole.hexdigest()

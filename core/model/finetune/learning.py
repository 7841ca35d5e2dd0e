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
from core.model.finetune.checkpoint import FoldState
from core.model.finetune.figures import Epoch, figures
from core.model.finetune.maps import Maps
from core.model.finetune.plan import FinetunePlan, FoldData, Rows
from core.model.fitting.head_fitting import fit_logistic
from core.model.network.tail import Tail, score_maps, tensor_of
from core.types import F64

_CHUNK = 64


def learn_fold(
    tail: Tail, fold_data: FoldData, plan: FinetunePlan, path: Path, say: Callable[[Epoch], None]
) -> FoldState:
    """Return where a fold stands after its tail has learned, from its checkpoint if it has one.

    The head starts as logistic regression on the untouched stages, so that these are not torn
    by a head that knows nothing yet (Kumar et al. 2022, arXiv 2202.10054). Steps are AdamW under
    a cosine; what is watched and kept is the running average of the weights.

    Args:
        tail: A fresh tail; it is changed.
        fold_data: What it learns from.
        plan: How.
        path: The checkpoint's file.
        say: Called with the figures of every epoch.

    Returns:
        Where the fold stands when it is done; its chosen weights are ``part("chosen")``.
    """
    key = _key(fold_data, plan)
    optimiser = steps.new_optimiser(tail, plan)
    state = checkpoint.read(path, key)
    if state is None:
        state = _start(tail, fold_data)
        average = _weights(tail)
    else:
        tail.load_state_dict(state.part("live"))
        average = state.part("average")
        steps.restore(optimiser, state.part("moments"))
    while _should_continue(state, plan):
        learning = steps.run_epoch(tail, average, optimiser, fold_data, plan, len(state.history))
        judged = _keep_better(tail, average, fold_data, learning, state)
        state = replace(
            judged,
            tensors={
                **checkpoint.prefix_names("chosen", judged.part("chosen")),
                **checkpoint.prefix_names("live", tail.state_dict()),
                **checkpoint.prefix_names("average", average),
                **checkpoint.prefix_names("moments", steps.moments(optimiser)),
            },
        )
        checkpoint.write(state, path, key)
        say(state.history[-1])
    return state


def scores(tail: Tail, maps: Maps, rows: Rows) -> F64:
    """Return scores ``n k`` as at run time, averaged over the views that judge a picture."""
    chunks = np.array_split(rows, max(1, math.ceil(len(rows) / _CHUNK)))
    tail.eval()
    total = [
        sum(score_maps(tail, maps.batch(np.full(len(c), v), c)) for v in range(maps.test_views))
        for c in chunks
    ]
    return np.concatenate(total).astype(np.float64) / maps.test_views


def _start(tail: Tail, fold_data: FoldData) -> FoldState:
    """Return epoch 0: the head fitted to the untouched stages, which may stay the best."""
    chunks = np.array_split(fold_data.training, max(1, math.ceil(len(fold_data.training) / _CHUNK)))
    with torch.inference_mode():
        upright = [fold_data.maps.batch(np.zeros(len(c), np.int64), c) for c in chunks]
        pooled = np.concatenate([tail.features(tensor_of(maps)).numpy() for maps in upright])
    centre, scale = pooled.mean(axis=0), pooled.std(axis=0) + np.float32(1e-3)
    targets = fold_data.targets[fold_data.training]
    answers = targets > 0.5 if fold_data.is_multilabel else targets.argmax(axis=1)
    z = (pooled - centre) / scale
    head = fit_logistic(z, answers, targets.shape[1], 0.003)
    with torch.no_grad():
        tail.centre.copy_(torch.from_numpy(centre))
        tail.scale.copy_(torch.from_numpy(scale))
        tail.head.weight.copy_(torch.from_numpy(head.weights))
        tail.head.bias.copy_(torch.from_numpy(head.bias))
    knows = z @ head.weights.T + head.bias
    learning = figures(
        0, 0.0, knows, targets.astype(np.float64), is_multilabel=fold_data.is_multilabel
    )[0].loss
    return _validate(tail, fold_data, 0, learning)


def _keep_better(
    tail: Tail,
    average: dict[str, torch.Tensor],
    fold_data: FoldData,
    learning: float,
    before: FoldState,
) -> FoldState:
    """Return the state with the averaged weights where they do better on the watched pictures."""
    live = _weights(tail)
    tail.load_state_dict(average)
    now = _validate(tail, fold_data, len(before.history), learning)
    tail.load_state_dict(live)
    history = (*before.history, *now.history)
    worse = before.history[before.chosen].loss <= now.history[0].loss
    return replace(before if worse else now, history=history)


def _validate(tail: Tail, fold_data: FoldData, number: int, learning: float) -> FoldState:
    logits = scores(tail, fold_data.maps, fold_data.validation)
    targets = fold_data.targets[fold_data.validation].astype(np.float64)
    epoch, confusion = figures(
        number, learning, logits, targets, is_multilabel=fold_data.is_multilabel
    )
    return FoldState(
        (epoch,), number, confusion, checkpoint.prefix_names("chosen", tail.state_dict())
    )


def _weights(tail: Tail) -> dict[str, torch.Tensor]:
    return {name: value.detach().clone() for name, value in tail.state_dict().items()}


def _should_continue(state: FoldState, plan: FinetunePlan) -> bool:
    done = len(state.history) - 1
    return done < plan.epochs and done - state.chosen < plan.patience


def _key(fold_data: FoldData, plan: FinetunePlan) -> str:
    whole = hashlib.sha256(
        repr((fold_data.maps.key, plan, fold_data.is_multilabel, fold_data.number)).encode()
    )
    for array in (fold_data.targets, fold_data.training, fold_data.validation):
        whole.update(np.ascontiguousarray(array).tobytes())
    return whole.hexdigest()

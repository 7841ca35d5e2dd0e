"""The steps of one epoch, and what they leave for the next."""

from __future__ import annotations

import math

import numpy as np
import torch

from core.model.finetune.plan import FinetunePlan, FoldData
from core.model.network.tail import Tail, tensor_of

_WARM_UP = 50  # steps


def new_optimiser(tail: Tail, plan: FinetunePlan) -> torch.optim.AdamW:
    """Return AdamW with the two peak rates of the plan."""
    head = list(tail.head.parameters())
    mine = {id(p) for p in head}
    stage = [p for p in tail.parameters() if id(p) not in mine]
    return torch.optim.AdamW(
        [{"params": stage, "peak": plan.rate}, {"params": head, "peak": plan.head_rate}],
        weight_decay=plan.decay,
    )


def run_epoch(
    tail: Tail,
    average: dict[str, torch.Tensor],
    optimiser: torch.optim.AdamW,
    fold_data: FoldData,
    plan: FinetunePlan,
    behind: int,
) -> float:
    """Return the mean loss of one pass over the pictures, each under a view drawn anew."""
    draw = np.random.default_rng([plan.seed, fold_data.number, behind])
    rows = draw.permutation(fold_data.training)
    views = draw.integers(0, fold_data.maps.views, len(rows))
    per_epoch = math.ceil(len(rows) / plan.batch)
    total = 0.0
    tail.train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(draw.integers(2**31)))
        for place in range(per_epoch):
            step = behind * per_epoch + place
            _set_rate(optimiser, step, plan.epochs * per_epoch)
            part = slice(place * plan.batch, (place + 1) * plan.batch)
            maps = tensor_of(fold_data.maps.batch(views[part], rows[part]))
            loss = _loss(
                tail(maps), torch.from_numpy(fold_data.targets[rows[part]]), fold_data.is_multilabel
            )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += float(loss.detach()) * len(rows[part])
            _update_average(average, tail, min(plan.average_decay, (1 + step) / (10 + step)))
    return total / len(rows)


def _set_rate(optimiser: torch.optim.AdamW, step: int, steps: int) -> None:
    """Warm up, then follow a cosine to zero.

    AdamW's steps have the size of the rate, whatever the gradient, until it has seen many: a
    small data set, of a few steps an epoch, would be torn by the first of them.
    """
    warm = min(1.0, step / max(_WARM_UP, 0.1 * steps))
    share = warm * 0.5 * (1.0 + math.cos(math.pi * step / steps))
    for group in optimiser.param_groups:
        group["lr"] = group["peak"] * share


def _update_average(average: dict[str, torch.Tensor], tail: Tail, average_decay: float) -> None:
    for name, value in tail.named_parameters():
        average[name].lerp_(value.detach(), 1.0 - average_decay)


def _loss(logits: torch.Tensor, targets: torch.Tensor, is_multilabel: bool) -> torch.Tensor:
    if is_multilabel:
        return torch.nn.functional.binary_cross_entropy_with_logits(logits, targets)
    return torch.nn.functional.cross_entropy(logits, targets)


def moments(optimiser: torch.optim.AdamW) -> dict[str, torch.Tensor]:
    """Return what the optimiser remembers of the steps behind it."""
    states = optimiser.state_dict()["state"]
    return {f"{place}.{k}": v for place, state in states.items() for k, v in state.items()}


def restore(optimiser: torch.optim.AdamW, moments: dict[str, torch.Tensor]) -> None:
    """Give an optimiser back what ``moments`` named."""
    whole = optimiser.state_dict()
    states: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in moments.items():
        place, _, key = name.partition(".")
        states.setdefault(int(place), {})[key] = value
    optimiser.load_state_dict({**whole, "state": states})

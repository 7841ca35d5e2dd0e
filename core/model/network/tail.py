"""The trainable late stages: from the map of a frozen trunk to class scores.

Texture shows in the deviations of a map and parts in its means, so the scores are linear in both,
taken before, inside and after the stages that learn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray

from core.errors import BundleError, ConfigError
from core.files import sha256_of
from core.model.network import backbone as backbones
from core.model.network.backbone import Backbone, Files
from core.types import F32

CUT = "blocks.4"  # the trunk ends here
STAGES = ("blocks.5", "blocks.6")  # these learn
WORKING = ("tf_efficientnet_lite0", "tf_efficientnet_lite2")
DROPOUT = 0.3
_EPS = 1e-5  # keeps the deviation's slope finite on a flat map

Weights = Mapping[str, NDArray[np.generic]]


class Tail(torch.nn.Module):
    """From a map ``n c h w`` at ``CUT`` to class scores ``n k``."""

    def __init__(self, stage: Sequence[torch.nn.Module], last: torch.nn.Module, k: int) -> None:
        """Take the modules of two stages over; the head starts at zero.

        Args:
            stage: Inverted residual blocks; the first halves the grid.
            last: The stage after it.
            k: Number of scores.
        """
        super().__init__()
        parts = dict(stage[0].named_children())
        self.widen = torch.nn.Sequential(*(parts[n] for n in ("conv_pw", "bn1", "conv_dw", "bn2")))
        self.narrow = torch.nn.Sequential(parts["conv_pwl"], parts["bn3"])
        self.later = torch.nn.Sequential(*stage[1:])
        self.last = last
        channels = cast("torch.Tensor", parts["conv_pw"].weight).shape[1]
        with torch.inference_mode():
            width = self.features(torch.zeros(1, channels, 4, 4)).shape[1]
        self.centre: torch.Tensor
        self.scale: torch.Tensor
        self.register_buffer("centre", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))
        self.dropout = torch.nn.Dropout(DROPOUT)
        self.head = torch.nn.Linear(width, k)
        torch.nn.init.zeros_(self.head.weight)
        torch.nn.init.zeros_(self.head.bias)

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Return scores of maps; dropout acts in training alone."""
        scores: torch.Tensor = self.head(
            self.dropout((self.features(maps) - self.centre) / self.scale)
        )
        return scores

    def features(self, maps: torch.Tensor) -> torch.Tensor:
        """Return what the stages make of maps, pooled but not standardised: ``n d``."""
        wide = self.widen(maps)
        narrow = self.narrow(wide)
        out = self.later(narrow)
        parts = [
            *_mean_and_deviation(maps),
            _mean_and_deviation(wide)[1],
            narrow.flatten(2).mean(2),
            *_mean_and_deviation(out),
            self.last(out).flatten(2).mean(2),
        ]
        return torch.cat(parts, dim=1)

    def train(self, mode: bool = True) -> Tail:
        """Return itself, dropout switched alone: batch statistics stay those of the trunk.

        A few hundred pictures of one product shift them, and the tail must see the same ones
        when it judges one picture as when it learned from many.
        """
        super().train(mode)
        for module in self.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.eval()
        return self


def cut_index(backbone: Backbone) -> int:
    """Return which of ``Network.maps`` a tail takes.

    Raises:
        ConfigError: Tails of this architecture are not supported.
    """
    why = finetuning_unsupported_reason(backbone)
    if why:
        raise ConfigError(f"{why}.", hint="Take one of them.")
    return [tap.module for tap in backbone.taps].index(CUT)


def finetuning_unsupported_reason(backbone: Backbone) -> str:
    """Return why tails of this architecture are not supported; nothing where they are."""
    taps = [tap.module for tap in backbone.taps]
    if backbone.name.removeprefix("timm:") in WORKING and CUT in taps:
        return ""
    return f"{backbone.name} cannot be fine-tuned; these can: {', '.join(WORKING)}"


def fresh_tail(backbone: Backbone, files: Files, k: int) -> Tail:
    """Return a tail cut from the backbone's own weights.

    Args:
        backbone: The frozen network.
        files: Its weight files.
        k: Number of scores.

    Raises:
        ConfigError: Tails of this architecture are not supported.
        BundleError: The weights are not the ones named.
    """
    cut_index(backbone)
    network = backbones.load(backbone, files)
    stage, last = (network.get_submodule(name) for name in STAGES)
    return Tail(list(stage.children()), last, k).to(memory_format=torch.channels_last).eval()


def arrays_of(tail: torch.nn.Module) -> dict[str, NDArray[np.generic]]:
    """Return copies of weights as arrays."""
    return {name: value.numpy().copy() for name, value in tail.state_dict().items()}


def fill(tail: torch.nn.Module, weights: Weights) -> None:
    """Copy arrays into a tail of the same shape, strictly."""
    tail.load_state_dict({name: torch.from_numpy(value.copy()) for name, value in weights.items()})


def save_tails(tails: Sequence[Weights], path: Path) -> str:
    """Return the sha256 of one safetensors file, written with the tails of all folds.

    Returns:
        Its sha256, for ``Backbone.tail``.
    """
    from safetensors.numpy import save_file

    named = {f"{number}.{k}": v for number, tail in enumerate(tails) for k, v in tail.items()}
    save_file(named, path)
    return sha256_of(path)


def load_tails(backbone: Backbone, files: Files) -> list[Tail]:
    """Return the tails that a backbone names, in the order of their folds.

    Raises:
        BundleError: The file is missing, altered, or does not fit the backbone.
    """
    from safetensors.numpy import load_file

    path = files.tail
    if path is None or not path.is_file() or sha256_of(path) != backbone.tail:
        raise BundleError(
            f"The fine-tuned stages at {path} are not the ones named: "
            f"expected sha256 {backbone.tail[:12]}.",
            hint="Train again, or take the bundle from where it was made.",
        )
    folds: dict[int, dict[str, NDArray[np.generic]]] = {}
    for name, value in load_file(path).items():
        number, _, key = name.partition(".")
        folds.setdefault(int(number), {})[key] = value
    try:
        return [_tail_of(backbone, files, folds[number]) for number in sorted(folds)]
    except (KeyError, RuntimeError) as exc:
        raise BundleError(
            f"{path.name} does not fit {backbone.name}: {str(exc)[:200]}.",
            hint="Train again with this backbone.",
        ) from exc


def _tail_of(backbone: Backbone, files: Files, weights: Weights) -> Tail:
    tail = fresh_tail(backbone, files, len(weights["head.bias"]))
    fill(tail, weights)
    return tail.eval()


def _mean_and_deviation(maps: torch.Tensor) -> list[torch.Tensor]:
    flat = maps.flatten(2)
    mean = flat.mean(2)
    spread = (flat - mean[:, :, None]).square().mean(2)
    return [mean, (spread + _EPS).sqrt()]


def score_maps(tail: Tail, batch: F32) -> F32:
    """Return scores of maps ``n c h w`` without learning."""
    with torch.inference_mode():
        out: F32 = tail(tensor_of(batch)).numpy()
    return out


def tensor_of(batch: F32) -> torch.Tensor:
    """Return maps in the memory layout that convolutions on a CPU run fastest on."""
    return torch.from_numpy(batch).contiguous(memory_format=torch.channels_last)

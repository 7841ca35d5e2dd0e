"""A network run by torch itself, on the CPU or on CUDA, in plain float32 either way."""

from __future__ import annotations

import numpy as np
import torch

from core.errors import ConfigError
from core.model.network import backbone as backbones
from core.model.network.backbone import Backbone, Files
from core.model.network.graph import FeatureGraph, MapGraph
from core.model.network.tail import load_tails
from core.types import F32, U8, NetworkOutput


def choose_device(asked: str, *, has_cuda: bool) -> str:
    """Return ``cpu`` or ``cuda``: the one asked for, else CUDA where there is one.

    Args:
        asked: One of ``runtime.DEVICES``; empty for whichever there is.
        has_cuda: Whether torch finds a CUDA device.

    Raises:
        ConfigError: CUDA is asked for and there is none. The CPU in its place would be slower by
            far, and a certificate belongs to the device that it was made on.
    """
    if asked == "cuda" and not has_cuda:
        raise ConfigError(
            "ASSAY_RUNTIME=torch:cuda: expected a CUDA device, torch finds none.",
            hint="Check `nvidia-smi` and that torch was installed for CUDA, or set "
            "ASSAY_RUNTIME=torch:cpu or onnx.",
        )
    return asked or ("cuda" if has_cuda else "cpu")


def open_torch_network(backbone: Backbone, files: Files, device: str = "") -> TorchNetwork:
    """Return a backbone that torch runs.

    Raises:
        ConfigError: CUDA is asked for and there is none.
        BundleError: The weights are not the ones named.
    """
    place = choose_device(device, has_cuda=torch.cuda.is_available())
    if place == "cuda":
        keep_float32()
    return TorchNetwork(backbone, files, place)


def keep_float32() -> None:
    """Make CUDA compute in IEEE float32 by the same kernels every time.

    cuDNN's convolutions round to TF32 unless set otherwise, ten bits in place of 23, by which the
    parity probe would not hold; and it may choose another algorithm at each start.
    """
    torch.backends.cuda.matmul.fp32_precision = "ieee"
    torch.backends.cudnn.conv.fp32_precision = "ieee"  # type: ignore[attr-defined]
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.deterministic = True


class TorchNetwork:
    """A network run by torch; pictures go to the device and results come back one at a time.

    Args:
        backbone: The network.
        files: The weight files that no package carries.
        place: torch's name of the device; the weights are moved there once.
    """

    def __init__(self, backbone: Backbone, files: Files, place: str = "cpu") -> None:
        self.device = f"{place}/torch/f32"
        self._place = torch.device(place)
        network = backbones.load(backbone, files)
        self._backbone = backbone
        self._maps = MapGraph(backbone, network).eval().to(self._place)
        tails = load_tails(backbone, files) if backbone.tail else []
        self._features = FeatureGraph(backbone, network, tails).eval().to(self._place)

    def extract(self, pixels: U8) -> NetworkOutput:
        """Return the features, as ``Network.extract``."""
        return self._backbone.to_output(self._run(self._features, pixels))

    def maps(self, pixels: U8) -> list[F32]:
        """Return the maps, as ``Network.maps``."""
        return self._run(self._maps, pixels)

    def _run(self, graph: FeatureGraph, pixels: U8) -> list[F32]:
        batch = torch.from_numpy(np.ascontiguousarray(pixels[None])).to(self._place)
        with torch.inference_mode():
            return [out[0].float().cpu().numpy() for out in graph(batch)]

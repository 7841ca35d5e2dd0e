"""The torch side of a network: normalisation, stages and pooling as one module, and its export."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from core.model import backbone as backbones
from core.model.backbone import Backbone
from core.types import F32, U8


class FeatureGraph(torch.nn.Module):
    """From uint8 ``n h w c`` to the pooled taps, or to their maps.

    Normalisation is the first step of the module, so that it travels inside every export. The
    taps are read by hooks; whatever the network computes after the last one is left out of an
    export, since nothing depends on it.
    """

    def __init__(self, backbone: Backbone, network: torch.nn.Module, *, pooled: bool) -> None:
        super().__init__()
        self.network = network
        self.pooled = pooled
        self.taps = backbone.taps
        self._seen: dict[str, torch.Tensor] = {}
        for tap in backbone.taps:
            network.get_submodule(tap.module).register_forward_hook(self._note(tap.module))
        self.shift: torch.Tensor
        self.scale: torch.Tensor
        self.register_buffer("shift", 255.0 * torch.tensor(backbone.mean).view(1, 3, 1, 1))
        self.register_buffer("scale", 255.0 * torch.tensor(backbone.std).view(1, 3, 1, 1))

    def forward(self, pixels: torch.Tensor) -> list[torch.Tensor]:
        """Run the network; pooled, the single output holds every tap's features in order."""
        self.network((pixels.permute(0, 3, 1, 2).float() - self.shift) / self.scale)
        maps = [_grid(self._seen[tap.module]) for tap in self.taps]
        self._seen.clear()
        if not self.pooled:
            return maps
        parts = []
        for tap, flat in zip(self.taps, (m.flatten(2) for m in maps), strict=True):
            parts += [flat.mean(2)] if tap.mean else []
            parts += [flat.std(2, unbiased=False)] if tap.deviation else []
        return [torch.cat(parts, dim=1)]

    def _note(self, name: str) -> Callable[[torch.nn.Module, object, torch.Tensor], None]:
        def hook(_module: torch.nn.Module, _args: object, output: torch.Tensor) -> None:
            self._seen[name] = output

        return hook


def _grid(output: torch.Tensor) -> torch.Tensor:
    """Bring a transformer's tokens ``n t c`` into ``n c h w``, without those of no place."""
    if output.ndim == 4:
        return output
    side = math.isqrt(output.shape[1])
    tokens = output[:, output.shape[1] - side * side :]
    grid: torch.Tensor = tokens.transpose(1, 2).unflatten(2, (side, side))
    return grid


class TorchNetwork:
    """A network run by torch itself, on CUDA when there is one."""

    def __init__(self, backbone: Backbone, weights: Path | None) -> None:
        place = "cuda" if torch.cuda.is_available() else "cpu"
        self.device = f"{place}/torch/f32"
        self._place = torch.device(place)
        network = backbones.load(backbone, weights)
        self._maps = FeatureGraph(backbone, network, pooled=False).eval().to(self._place)
        self._pooled = FeatureGraph(backbone, network, pooled=True).eval().to(self._place)

    def pooled(self, pixels: U8) -> F32:
        """See ``Network.pooled``."""
        return self._run(self._pooled, pixels)[0]

    def maps(self, pixels: U8) -> list[F32]:
        """See ``Network.maps``."""
        return self._run(self._maps, pixels)

    def _run(self, graph: FeatureGraph, pixels: U8) -> list[F32]:
        batch = torch.from_numpy(np.ascontiguousarray(pixels[None])).to(self._place)
        with torch.inference_mode():
            return [out[0].cpu().numpy() for out in graph(batch)]


def export(backbone: Backbone, weights: Path | None, path: Path, *, pooled: bool) -> None:
    """Write the network as ONNX with the input ``pixels``, uint8 ``1 h w c``.

    Raises:
        BundleError: The weights are not the ones named.
    """
    graph = FeatureGraph(backbone, backbones.load(backbone, weights), pooled=pooled).eval()
    names = ["pooled"] if pooled else [f"map{place}" for place in range(len(backbone.taps))]
    example = torch.zeros(1, backbone.size, backbone.size, 3, dtype=torch.uint8)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        # The exporter warns about its own internals; what it wrote is checked by the parity tests.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph,
            (example,),
            path,
            input_names=["pixels"],
            output_names=names,
            dynamo=True,
            external_data=False,
            verbose=False,
        )

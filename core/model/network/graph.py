"""The torch side of a network: normalisation, stages and pooling as one module, and its export."""

from __future__ import annotations

import logging
import math
import warnings
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from pathlib import Path

import torch

from core.model.network import backbone as backbones
from core.model.network.backbone import Backbone, Files
from core.model.network.foreground import pool_foreground
from core.model.network.tail import cut_index, load_tails

CELLS = 16
_GREY_LEVEL = 1 / 64  # about one, after normalisation; an even picture has no sides
_OUTPUTS: ContextVar[dict[str, torch.Tensor]] = ContextVar("outputs")
_MIRRORED = {"identity": (), "mirror": (3,), "flip": (2,), "rotate180": (2, 3)}


class FeatureGraph(torch.nn.Module):
    """From uint8 ``1 h w c`` to what a ``NetworkOutput`` holds.

    Normalisation is the first step of the module, so that it travels inside every export. The
    taps are read by hooks, which hand their outputs to the call under way and keep nothing on
    the module, so that threads may share it; whatever the network computes after the last one is
    left out of an export, since nothing depends on it.
    """

    def __init__(
        self,
        backbone: Backbone,
        network: torch.nn.Module,
        tails: Sequence[torch.nn.Module] = (),
    ) -> None:
        super().__init__()
        self.network = network
        self.tails = torch.nn.ModuleList(tails)
        self.cut = cut_index(backbone) if tails else 0
        self.taps = backbone.taps
        self.pooled_taps = backbone.pooled_taps
        self.views = backbone.views
        self.patches = backbone.patches
        self.two_scales = backbone.two_scales
        self.asymmetry = backbone.asymmetry
        self.foreground = backbone.foreground
        for tap in backbone.taps:
            network.get_submodule(tap.module).register_forward_hook(_note(tap.module))
        self.shift: torch.Tensor
        self.scale: torch.Tensor
        self.register_buffer("shift", 255.0 * torch.tensor(backbone.mean).view(1, 3, 1, 1))
        self.register_buffer("scale", 255.0 * torch.tensor(backbone.std).view(1, 3, 1, 1))

    def forward(self, pixels: torch.Tensor) -> list[torch.Tensor]:
        """Return what ``Backbone.outputs`` names, each with a leading axis of one picture."""
        plain = (pixels.permute(0, 3, 1, 2).float() - self.shift) / self.scale
        views = [plain.flip(_MIRRORED[view]) if _MIRRORED[view] else plain for view in self.views]
        maps = self.maps(torch.cat(views) if len(views) > 1 else views[0])
        pooled = self._pooled(maps)
        tail = [self._tail(maps[self.cut])] if len(self.tails) else []
        patches = [self._patches(maps)] if self.patches else []
        sides = [_measure_asymmetry(plain)] if self.asymmetry else []
        foreground = [pool_foreground(pixels, maps[-1][:1])] if self.foreground else []
        return [pooled, *tail, *patches, *sides, *foreground]

    def maps(self, plain: torch.Tensor) -> list[torch.Tensor]:
        """Return a map ``n c h w`` of each pooled tap for normalised pictures ``n 3 h w``."""
        if not self.two_scales:
            return self._maps(plain)
        return [*self._maps(torch.nn.functional.avg_pool2d(plain, 2)), *self._maps(plain)]

    def _maps(self, plain: torch.Tensor) -> list[torch.Tensor]:
        outputs: dict[str, torch.Tensor] = {}
        call = _OUTPUTS.set(outputs)
        try:
            self.network(plain)
        finally:
            _OUTPUTS.reset(call)
        return [_grid(outputs[tap.module], tap.channels) for tap in self.taps]

    def _pooled(self, maps: list[torch.Tensor]) -> torch.Tensor:
        """Return the taps' statistics ``1 d``: averaged over the views, maxima the largest."""
        parts = []
        for tap, flat in zip(self.pooled_taps, (m.flatten(2) for m in maps), strict=True):
            parts += [flat.mean(2).mean(0)] if tap.mean else []
            parts += [flat.std(2, unbiased=False).mean(0)] if tap.deviation else []
            parts += [flat.amax((0, 2))] if tap.maximum else []
        return torch.cat(parts)[None]

    def _tail(self, cut: torch.Tensor) -> torch.Tensor:
        """Return the fine-tuned stages' scores, averaged over tails and views."""
        scores = torch.stack([tail(cut) for tail in self.tails])
        return scores.mean(0).mean(0, keepdim=True)

    def _patches(self, maps: list[torch.Tensor]) -> torch.Tensor:
        """Return the gate's taps of the upright view on their coarsest grid, as ``1 p c``.

        Every place looks at its 3 x 3 neighbourhood, as in PatchCore (Roth et al. 2022,
        arXiv 2106.08265).
        """
        chosen = [m[:1] for tap, m in zip(self.pooled_taps, maps, strict=True) if tap.gate]
        side = min(int(m.shape[2]) for m in chosen)
        smooth = [torch.nn.functional.avg_pool2d(m, 3, 1, 1) for m in chosen]
        even = [torch.nn.functional.adaptive_avg_pool2d(m, side) for m in smooth]
        return torch.cat(even, dim=1).flatten(2).transpose(1, 2)


class MapGraph(FeatureGraph):
    """From uint8 ``1 h w c`` to the map ``1 c h w`` of the upright picture at every tap seen."""

    def forward(self, pixels: torch.Tensor) -> list[torch.Tensor]:
        """Return one map a tap seen."""
        return self.maps((pixels.permute(0, 3, 1, 2).float() - self.shift) / self.scale)


def _note(name: str) -> Callable[[torch.nn.Module, object, torch.Tensor], None]:
    def hook(_module: torch.nn.Module, _args: object, output: torch.Tensor) -> None:
        # A context is a thread's own: what another thread's call gives cannot arrive here.
        _OUTPUTS.get()[name] = output

    return hook


def _measure_asymmetry(plain: torch.Tensor) -> torch.Tensor:
    """Return how the left of a normalised picture ``1 3 h w`` differs from its right, ``1 q``.

    On ``CELLS`` by ``CELLS`` cells, in units of their deviation; a mirrored picture gives the same
    numbers with the other sign.
    """
    cell = int(plain.shape[2]) // CELLS
    edge = (int(plain.shape[2]) - CELLS * cell) // 2
    inside = slice(edge, edge + CELLS * cell)
    grey = plain.mean(1, keepdim=True)[:, :, inside, inside]
    cells = torch.nn.functional.avg_pool2d(grey, cell)
    apart = (cells - cells.flip(3)) / (2 * (cells.std(unbiased=False) + _GREY_LEVEL))
    return apart[:, :, :, : CELLS // 2].flatten(1)


def _grid(output: torch.Tensor, channels: int) -> torch.Tensor:
    """Return ``n h w c`` or a transformer's tokens ``n t c`` as ``n c h w``.

    Tokens of no place (class, registers) come first and are left out.
    """
    if output.ndim == 4:
        return output if output.shape[1] == channels else output.permute(0, 3, 1, 2)
    side = math.isqrt(output.shape[1])
    tokens = output[:, output.shape[1] - side * side :]
    grid: torch.Tensor = tokens.transpose(1, 2).unflatten(2, (side, side))
    return grid


def export(backbone: Backbone, files: Files, path: Path, *, maps: bool) -> None:
    """Write the network as ONNX with the input ``pixels``, uint8 ``1 h w c``.

    Raises:
        BundleError: The weights are not the ones named.
    """
    network = backbones.load(backbone, files)
    tails = load_tails(backbone, files) if backbone.tail and not maps else []
    graph = (MapGraph if maps else FeatureGraph)(backbone, network, tails).eval()
    taps = [f"map{place}" for place in range(len(backbone.pooled_taps))]
    names = taps if maps else backbone.outputs
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

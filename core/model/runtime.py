"""Networks at work: one picture in, pooled features out, the same bits every time.

ONNX Runtime is the default, OpenVINO and torch stand behind the same interface. Pictures go in one
at a time: batches are no faster on a CPU, and a verdict then cannot depend on its neighbours.
Every network is exported once and kept in a cache that may be deleted at any time.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from core.errors import ConfigError
from core.model.backbone import Backbone, Files
from core.types import F32, U8, Look

RUNTIMES = ("onnx", "openvino", "torch")


class Network(Protocol):
    """A feature network that is ready to run; calls are safe from several threads."""

    device: str

    def look(self, pixels: U8) -> Look:
        """Turn uint8 ``h w c`` into features."""

    def maps(self, pixels: U8) -> list[F32]:
        """Turn uint8 ``h w c`` into the float32 ``c h w`` maps that the pooling is taken of."""


def open_network(
    backbone: Backbone, *, runtime: str, cache: Path, files: Files = Files()
) -> Network:
    """Make a backbone ready to run, exporting it on first use.

    Args:
        backbone: The network.
        runtime: ``onnx``, ``openvino`` or ``torch`` (on CUDA where there is one).
        cache: Folder of exported networks.
        files: The weight files that no package carries.

    Raises:
        ConfigError: The runtime is unknown or not installed.
        BundleError: The weights are not the ones named.
    """
    if runtime not in RUNTIMES:
        raise ConfigError(
            f"No runtime is called {runtime!r}; there are {', '.join(RUNTIMES)}.",
            hint="Set ASSAY_RUNTIME to one of them.",
        )
    if runtime == "torch":
        from core.model.graph import TorchNetwork

        return TorchNetwork(backbone, files)
    exported = partial(_exported, backbone, cache, files)
    kind = OnnxNetwork if runtime == "onnx" else OpenVinoNetwork
    return kind(backbone, exported)


class OnnxNetwork:
    """ONNX Runtime on the CPU in float32, one thread a call."""

    device = "cpu/onnxruntime/f32"

    def __init__(self, backbone: Backbone, exported: Callable[[str], Path]) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._options = options
        self._backbone = backbone
        self._look = self._session(exported("look"))
        self._exported = exported

    def look(self, pixels: U8) -> Look:
        """See ``Network.look``."""
        values = self._look.run(self._backbone.outputs, {"pixels": pixels[None]})
        return self._backbone.look([value[0] for value in values])

    def maps(self, pixels: U8) -> list[F32]:
        """See ``Network.maps``; opened on first use, since only explanations ask for it."""
        return [m[0] for m in self._maps.run(None, {"pixels": pixels[None]})]

    @cached_property
    def _maps(self) -> Any:  # noqa: ANN401
        return self._session(self._exported("maps"))

    def _session(self, path: Path) -> Any:  # noqa: ANN401
        import onnxruntime

        return onnxruntime.InferenceSession(
            str(path), self._options, providers=["CPUExecutionProvider"]
        )


class OpenVinoNetwork:
    """OpenVINO on the CPU, told to use float32: its own default is bf16 on some machines."""

    device = "cpu/openvino/f32"

    def __init__(self, backbone: Backbone, exported: Callable[[str], Path]) -> None:
        try:
            import openvino
        except ImportError as exc:
            raise ConfigError("OpenVINO is not installed.", hint="pip install openvino") from exc
        self._core = openvino.Core()
        self._backbone = backbone
        self._look = self._compile(exported("look"))
        self._exported = exported

    def look(self, pixels: U8) -> Look:
        """See ``Network.look``; a request of its own per call keeps threads apart."""
        out = self._look.create_infer_request().infer({"pixels": pixels[None]})
        values = [np.array(out[name][0], dtype=np.float32) for name in self._backbone.outputs]
        return self._backbone.look(values)

    def maps(self, pixels: U8) -> list[F32]:
        """See ``Network.maps``."""
        out = self._maps.create_infer_request().infer({"pixels": pixels[None]})
        return [np.array(m[0], dtype=np.float32) for m in out.values()]

    @cached_property
    def _maps(self) -> Any:  # noqa: ANN401
        return self._compile(self._exported("maps"))

    def _compile(self, path: Path) -> Any:  # noqa: ANN401
        options = {
            "INFERENCE_PRECISION_HINT": "f32",
            "INFERENCE_NUM_THREADS": "1",
            "NUM_STREAMS": "1",
        }
        return self._core.compile_model(str(path), "CPU", options)


def _exported(backbone: Backbone, cache: Path, files: Files, kind: str) -> Path:
    path = cache / f"{backbone.name.replace(':', '_')}-{backbone.key}-{kind}.onnx"
    if not path.exists():
        from core.model import graph

        cache.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}.part")
        graph.export(backbone, files, draft, maps=kind == "maps")
        draft.replace(path)
    return path

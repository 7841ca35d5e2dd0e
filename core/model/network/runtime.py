"""Networks at work: one picture in, pooled features out, the same bits every time.

ONNX Runtime is the default, OpenVINO and torch stand behind the same interface. Pictures go in one
at a time: batches are no faster on a CPU, and a verdict then cannot depend on its neighbours.
Every network is exported once and kept in a cache that may be deleted at any time.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

import numpy as np

from core.errors import BundleError, ConfigError
from core.files import replacing
from core.model.network.backbone import PRECISIONS, Backbone, Files
from core.types import F32, U8, NetworkOutput

RUNTIMES = ("onnx", "openvino", "torch")
DEVICES = ("cpu", "cuda")
"""Where torch runs, written after a colon (``torch:cuda``); without one on CUDA if there is any."""

_exporting = Lock()  # the exporter patches torch while it works


class Network(Protocol):
    """A feature network that is ready to run; calls are safe from several threads."""

    device: str

    def extract(self, pixels: U8) -> NetworkOutput:
        """Return the features of uint8 ``h w c``."""

    def maps(self, pixels: U8) -> list[F32]:
        """Return the float32 ``c h w`` maps of uint8 ``h w c`` that the pooling is taken of."""


def open_network(
    backbone: Backbone, *, runtime: str, cache: Path, files: Files = Files()
) -> Network:
    """Return a backbone that is ready to run, exported on first use.

    Args:
        backbone: The network.
        runtime: One of ``RUNTIMES``; torch with one of ``DEVICES`` after a colon, or without.
        cache: Folder of exported networks.
        files: The weight files that no package carries.

    Raises:
        ConfigError: The runtime is unknown or not installed, has not the network's precision, or
            names a device that is not there.
        BundleError: The weights are not the ones named, or the quantised network is missing.
    """
    missing = unsupported_reason(backbone.precision, runtime)
    if missing:
        raise ConfigError(
            f"The precision {backbone.precision} does not run here: {missing}.",
            hint="Train again with --precision f32, or go to a machine that has it.",
        )
    name, device = split_runtime(runtime)
    if name == "torch":
        from core.model.network.torch_network import open_torch_network

        return open_torch_network(backbone, files, device)
    exported = partial(_network_file, backbone, cache, files)
    by_openvino = name == "openvino" or backbone.precision == "bf16"
    kind = OpenVinoNetwork if by_openvino else OnnxNetwork
    return kind(backbone, exported)


def split_runtime(runtime: str) -> tuple[str, str]:
    """Return one of ``RUNTIMES`` and the device behind its colon, empty where none is given.

    Raises:
        ConfigError: Either is unknown, or another runtime than torch is given a device.
    """
    name, colon, device = runtime.partition(":")
    is_known = name in RUNTIMES and (not colon or (name == "torch" and device in DEVICES))
    if not is_known:
        known = ", ".join([*RUNTIMES, *(f"torch:{one}" for one in DEVICES)])
        raise ConfigError(
            f"No runtime is called {runtime!r}; there are {known}.",
            hint="Set ASSAY_RUNTIME to a runtime of these.",
        )
    return name, device


def unsupported_reason(precision: str, runtime: str) -> str:
    """Return why a precision cannot run here; empty where it can.

    bf16 is OpenVINO's whatever CPU runtime is set, since ONNX Runtime has none there; int8 is a
    quantised ONNX graph, which torch does not read.

    Args:
        precision: One of ``PRECISIONS``.
        runtime: As for ``open_network``.

    Raises:
        ConfigError: The runtime or the precision is unknown.
    """
    name, _ = split_runtime(runtime)
    if precision not in PRECISIONS:
        raise ConfigError(
            f"No precision is called {precision!r}; there are {', '.join(PRECISIONS)}.",
            hint="Set --precision to one of these.",
        )
    if precision == "f32":
        return ""
    if name == "torch":
        return "the runtime torch is f32 alone; ASSAY_RUNTIME is to be onnx or openvino"
    return "" if precision == "int8" else _bf16_unsupported_reason()


def _bf16_unsupported_reason() -> str:
    try:
        import openvino
    except ImportError:
        return "it needs OpenVINO (pip install openvino)"
    able = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return "" if "BF16" in able else f"this processor has none, it has {', '.join(able)}"


class OnnxNetwork:
    """ONNX Runtime on the CPU, one thread a call; explanations are always drawn in float32."""

    def __init__(self, backbone: Backbone, exported: Callable[[str], Path]) -> None:
        import onnxruntime

        self.device = f"cpu/onnxruntime/{backbone.precision}"

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._options = options
        self._backbone = backbone
        self._features = self._session(exported("features"))
        self._exported = exported

    def extract(self, pixels: U8) -> NetworkOutput:
        """Return the features, as ``Network.extract``."""
        values = self._features.run(self._backbone.outputs, {"pixels": pixels[None]})
        return self._backbone.to_output([value[0] for value in values])

    def maps(self, pixels: U8) -> list[F32]:
        """Return the maps; opened on first use, since only explanations ask for them."""
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
    """OpenVINO on the CPU, with the precision set: its own default is bf16 on some machines."""

    def __init__(self, backbone: Backbone, exported: Callable[[str], Path]) -> None:
        try:
            import openvino
        except ImportError as exc:
            raise ConfigError("OpenVINO is not installed.", hint="pip install openvino") from exc
        self.device = f"cpu/openvino/{backbone.precision}"
        self._core = openvino.Core()
        self._backbone = backbone
        self._features = self._compile(exported("features"))
        self._exported = exported

    def extract(self, pixels: U8) -> NetworkOutput:
        """Return the features; a request of its own per call keeps threads apart."""
        out = self._features.create_infer_request().infer({"pixels": pixels[None]})
        values = [np.array(out[name][0], dtype=np.float32) for name in self._backbone.outputs]
        return self._backbone.to_output(values)

    def maps(self, pixels: U8) -> list[F32]:
        """Return the maps, as ``Network.maps``."""
        out = self._maps.create_infer_request().infer({"pixels": pixels[None]})
        return [np.array(m[0], dtype=np.float32) for m in out.values()]

    @cached_property
    def _maps(self) -> Any:  # noqa: ANN401
        return self._compile(self._exported("maps"))

    def _compile(self, path: Path) -> Any:  # noqa: ANN401
        options = {
            # It is about floating point; what a graph holds in integers stays so.
            "INFERENCE_PRECISION_HINT": "bf16" if self._backbone.precision == "bf16" else "f32",
            "INFERENCE_NUM_THREADS": "1",
            "NUM_STREAMS": "1",
        }
        return self._core.compile_model(str(path), "CPU", options)


def _network_file(backbone: Backbone, cache: Path, files: Files, kind: str) -> Path:
    if kind == "maps" or backbone.precision != "int8":
        return export_network(backbone, cache, files, kind)
    if files.int8 is None:
        raise BundleError(
            f"The quantised network of {backbone.name} is missing.", hint="Train it again."
        )
    return files.int8


def export_network(backbone: Backbone, cache: Path, files: Files, kind: str = "features") -> Path:
    """Return the network as ONNX in float32, exporting it on first use.

    Args:
        backbone: The network, in whatever precision.
        cache: Folder of exported networks.
        files: The weight files that no package carries.
        kind: ``features`` for what ``Network.extract`` gives, ``maps`` for ``Network.maps``.

    Raises:
        BundleError: The weights are not the ones named.
        ConfigError: The cache's folder cannot be written.
    """
    plain = replace(backbone, precision="f32")
    # The name comes out of a bundle and must not lead out of the folder.
    path = cache / f"{re.sub(r'[^A-Za-z0-9_.-]', '_', plain.name)}-{plain.key}-{kind}.onnx"
    with _exporting:
        if not path.exists():
            from core.model.network import graph

            with _writing(cache), replacing(path) as temporary:
                graph.export(plain, files, temporary, maps=kind == "maps")
    return path


@contextmanager
def _writing(cache: Path) -> Iterator[None]:
    """Yield once the folder is there; what cannot be written in it is no fault of the bundle."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        yield
    except FileNotFoundError:  # a weight file that the bundle names
        raise
    except OSError as exc:
        raise ConfigError(
            f"The folder {cache} cannot be written: {exc.strerror or exc}.",
            hint="Make room on its disk, or set ASSAY_HOME to a folder that is yours.",
        ) from exc

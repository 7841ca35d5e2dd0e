"""export: a bundle as one graph for other programs, written only after it has proved itself."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import ConfigError, InputError
from core.files import replace_folder, write_atomic
from core.imaging.files import Incoming
from core.imaging.zip_archive import incoming
from core.model.bundle.bundle import Bundle, weights_in
from core.model.bundle.destination import (
    check_export_destination,
    check_file_destination,
)
from core.model.network.runtime import export_network
from core.model.onnx import export
from core.model.onnx.rule import OUTPUTS
from core.service.export.monai.layout import lay_out
from core.service.export.monai.writer import GRAPH, file_names
from core.service.export.parity import ExportParity, Run, compare
from core.settings import Settings
from core.types import Frame, Policy

TARGETS = ("onnx", "openvino", "monai")
XML, BIN = "assay.xml", "assay.bin"
_FOLDERS = ("openvino", "monai")


def export_bundle(
    bundle: Bundle,
    policy: Policy,
    to: str,
    out: Path,
    settings: Settings,
    check: Path | None = None,
) -> ExportParity:
    """Return how one graph agrees with its bundle, written once their verdicts do.

    The pictures compared are the bundle's probes and those in a folder; they are decoded in this
    process, so the folder should be one's own.

    Args:
        bundle: What to export.
        policy: The limits that go along.
        to: ``onnx`` for one file, ``openvino`` for a folder with ``assay.xml`` and ``assay.bin``,
            ``monai`` for the folder that MONAI calls a bundle, judged by MONAI's own runner.
        out: The file or folder to write.
        settings: Where things run.
        check: Folder of further pictures to compare.

    Raises:
        ConfigError: The target is unknown, not installed, or the destination is taken.
        BundleError: The bundle has parts that a graph does not carry.
        ParityError: The graph judges a picture otherwise than the bundle does.
    """
    if to not in TARGETS:
        raise ConfigError(
            f"No export is called {to!r}; there are {', '.join(TARGETS)}.",
            hint="Give --to one of them.",
        )
    _check_destination(to, out)
    files = weights_in(bundle.path)
    network = files.int8 if bundle.backbone.precision == "int8" else None
    network = network or export_network(bundle.backbone, settings.cache, files)
    model = export.build(bundle, policy, network, sizes=to in _FOLDERS)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as name:
        folder = Path(name) / "export"
        folder.mkdir()
        draft = folder / "assay.onnx"
        draft.write_bytes(model.SerializeToString())
        pictures = _pictures(bundle, settings, check)
        if to == "monai":
            agreement = lay_out(draft, bundle, policy, pictures)
        else:
            run = run_onnx(draft) if to == "onnx" else _to_openvino(draft, read_metadata(model))
            agreement = compare(run, bundle, policy, ((one.id, frame) for one, frame in pictures))
        if to == "onnx":
            write_atomic(out, draft.read_bytes())
            return agreement
        draft.unlink(missing_ok=True)
        replace_folder(folder, out)
    return agreement


def _check_destination(to: str, out: Path) -> None:
    if to == "onnx":
        check_file_destination(out, export.MARK)
    elif to == "monai":
        check_export_destination(out, file_names(), GRAPH, export.MARK)
    else:
        check_export_destination(out, frozenset({XML, BIN}), XML, export.MARK)


def read_metadata(model: Any) -> dict[str, str]:  # noqa: ANN401
    """Return what an ONNX model states of itself."""
    return {entry.key: entry.value for entry in model.metadata_props}


def run_onnx(path: Path) -> Run:
    """Return what runs an exported ONNX graph, one thread a call."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda inputs: dict(zip(OUTPUTS, session.run(list(OUTPUTS), dict(inputs)), strict=True))


def run_openvino(path: Path) -> Run:
    """Return what runs an exported OpenVINO graph, in float32."""
    import openvino

    options = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": "1"}
    compiled = openvino.Core().compile_model(str(path), "CPU", options)

    def run(inputs: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        found = compiled(dict(inputs))
        return {name: np.asarray(found[name]) for name in OUTPUTS}

    return run


def _to_openvino(graph: Path, words: Mapping[str, str]) -> Run:
    try:
        import openvino
    except ImportError as exc:
        raise ConfigError("OpenVINO is not installed.", hint="pip install openvino") from exc
    model = openvino.convert_model(str(graph))
    for name, value in words.items():
        model.set_rt_info(value, ["assay", name])
    path = graph.with_name(XML)
    openvino.save_model(model, str(path), compress_to_fp16=False)
    return run_openvino(path)


def _pictures(
    bundle: Bundle, settings: Settings, check: Path | None
) -> Iterator[tuple[Incoming, Frame]]:
    for item in incoming([bundle.path / "probe", *([check] if check else [])], settings.max_bytes):
        if item.data is None:
            continue
        try:
            frame = bundle.pack.read(item.data, settings.max_pixels, bundle.backbone.size)
        except InputError:
            continue  # What does not decode never reaches the graph.
        yield item, frame

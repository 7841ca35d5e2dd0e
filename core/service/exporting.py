"""export: a bundle as one graph for other programs, written only after it has proved itself."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.decision.policy import decide
from core.errors import ConfigError, InputError, ParityError
from core.imaging.archive import incoming
from core.model import portable
from core.model.bundle import Bundle, weights_in
from core.model.judge_graph import DISPOSITIONS, OUTPUTS
from core.model.parity import TOLERANCE
from core.model.runtime import exported
from core.settings import Settings
from core.types import Disposition, Frame, Policy, Prediction

TARGETS = ("onnx", "openvino")
XML = "assay.xml"

Run = Callable[[Mapping[str, NDArray[Any]]], Mapping[str, NDArray[Any]]]


@dataclass(frozen=True)
class Agreement:
    """How an exported graph compares with the bundle.

    Attributes:
        compared: How many pictures were judged by both.
        left_out: How many of the pictures given are none that the graph takes.
        apart: Largest difference of a probability.
    """

    compared: int
    left_out: int
    apart: float


def export_bundle(
    bundle: Bundle,
    policy: Policy,
    to: str,
    out: Path,
    settings: Settings,
    check: Path | None = None,
) -> Agreement:
    """Write a bundle as one graph, after its verdicts were compared with the bundle's own.

    The pictures compared are the bundle's probes and those in a folder; they are decoded in this
    process, so the folder should be one's own.

    Args:
        bundle: What to export.
        policy: The limits that go along.
        to: ``onnx`` for one file, ``openvino`` for a folder with ``assay.xml`` and ``assay.bin``.
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
    if to == "openvino" and out.exists() and not (out / XML).is_file():
        raise ConfigError(f"{out} exists and is no export.", hint="Choose another -o.")
    files = weights_in(bundle.path)
    look = files.int8 if bundle.backbone.precision == "int8" else None
    look = look or exported(bundle.backbone, settings.cache, files)
    model = portable.build(bundle, policy, look, sizes=to == "openvino")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as folder:
        draft = Path(folder) / "assay.onnx"
        draft.write_bytes(model.SerializeToString())
        run = run_onnx(draft) if to == "onnx" else _to_openvino(draft, portable_words(model))
        agreement = compare(run, bundle, policy, _frames(bundle, settings, check))
        if to == "onnx":
            draft.replace(out)
            return agreement
        draft.unlink()
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(folder, out)
    return agreement


def portable_words(model: Any) -> dict[str, str]:  # noqa: ANN401
    """Read what an ONNX model says of itself."""
    return {entry.key: entry.value for entry in model.metadata_props}


def compare(
    run: Run, bundle: Bundle, policy: Policy, frames: Iterable[tuple[str, Frame]]
) -> Agreement:
    """Judge pictures by a graph and by the bundle.

    A probability may differ by ``TOLERANCE``, the OOD p-value by a step of its reference besides,
    and a verdict not at all.

    Args:
        run: The graph: arrays by name in, arrays by name out.
        bundle: The bundle.
        policy: The limits that the graph holds.
        frames: Names and decoded pictures.

    Raises:
        ParityError: They differ, or there was nothing to compare.
    """
    compared, left_out, apart = 0, 0, 0.0
    step = TOLERANCE + 1.0 / (len(bundle.model.gate.reference) + 1)
    for name, frame in frames:
        if frame.bit_depth != 8 or frame.pixels.dtype != np.uint8:
            left_out += 1
            continue
        expected, verdict = _known_good(bundle, policy, frame)
        pixels = np.ascontiguousarray(np.broadcast_to(frame.pixels, (*frame.pixels.shape[:2], 3)))
        got = run({"pixels": pixels, "source_size": np.array(frame.source_size, np.int64)})
        moved = float(np.abs(got["probabilities"] - expected.probabilities).max())
        p = float(got["positive_probability"])
        moved = max(moved, abs(p - expected.positive_probability))
        if not moved <= TOLERANCE:
            raise _refuse(f"{name} moved by {moved:.2g}, at most {TOLERANCE:g} is accepted")
        if not abs(float(got["ood_p"]) - expected.ood_p) <= step:
            raise _refuse(
                f"the OOD p-value of {name} is {float(got['ood_p']):.3g}, "
                f"expected {expected.ood_p:.3g}"
            )
        made = DISPOSITIONS[int(got["disposition"])]
        if made is not verdict:
            raise _refuse(f"{name} is {made.value}, the bundle says {verdict.value}")
        compared, apart = compared + 1, max(apart, moved)
    if not compared:
        raise ParityError("No picture could be compared.", hint="Give --check FOLDER.")
    return Agreement(compared, left_out, apart)


def run_onnx(path: Path) -> Run:
    """Open an exported ONNX graph, one thread a call."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda inputs: dict(zip(OUTPUTS, session.run(list(OUTPUTS), dict(inputs)), strict=True))


def run_openvino(path: Path) -> Run:
    """Open an exported OpenVINO graph, told to use float32."""
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


def _known_good(bundle: Bundle, policy: Policy, frame: Frame) -> tuple[Prediction, Disposition]:
    prepared = bundle.pack.prepare(frame, bundle.backbone.size)
    look = bundle.network.look(prepared.pixels)
    prediction = bundle.model.predict(bundle.model.evidence(look), prepared)
    classes, positive = bundle.model.classes, bundle.model.positive
    return prediction, decide(prediction, policy, classes, positive).disposition


def _frames(bundle: Bundle, settings: Settings, check: Path | None) -> Iterator[tuple[str, Frame]]:
    for item in incoming([bundle.path / "probe", *([check] if check else [])], settings.max_bytes):
        if item.data is None:
            continue
        try:
            frame = bundle.pack.read(item.data, settings.max_pixels, bundle.backbone.size)
        except InputError:
            continue  # What does not decode never reaches the graph.
        yield item.id, frame


def _refuse(what: str) -> ParityError:
    return ParityError(
        f"The exported graph does not judge as the bundle does: {what}.",
        hint="Nothing was written. A pack that prepares pictures in its own way cannot be "
        "exported; use `assay assess` there.",
    )

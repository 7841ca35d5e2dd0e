"""The network in 8 bits: weights and activations as integers, whatever is pooled in float32.

Static quantisation by ONNX Runtime: the ranges of the activations are those of a few training
pictures, weights have a scale a channel and 7 of their 8 bits, since processors without VNNI add
products up in 16 bits and would saturate: so the bits are the same on every processor.
"""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from core.types import U8

PICTURES = 96
FIRST = 3  # in EfficientNet-Lite: the stem and the block that has no expansion
_WEIGHTED = ("Conv", "MatMul", "Gemm")
_QUANTISED = (*_WEIGHTED, "Add", "Clip", "Relu")


def quantise(exported: Path, pictures: Sequence[U8], path: Path) -> None:
    """Write an exported network with its inner layers in 8 bits.

    The first layers and those whose maps are pooled stay in float32: nothing behind makes up for
    steps in the first, and the deviation over a channel that is flat next to others would measure
    the steps of their common scale.

    Args:
        exported: ONNX, from uint8 ``pixels`` ``1 h w c`` to the fields of ``NetworkOutput``.
        pictures: Training pictures, uint8 ``h w c``, that show what ranges the activations have.
        path: The ONNX file to write.

    Raises:
        ValueError: There is no picture.
    """
    import onnx
    from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    if not pictures:
        raise ValueError("pictures: expected at least one to find the activations' ranges by")
    with tempfile.TemporaryDirectory() as folder, _quiet():
        plain, draft = Path(folder) / "plain.onnx", Path(folder) / "draft.onnx"
        quant_pre_process(exported, plain, skip_symbolic_shape=True)
        kept = _kept(onnx.load(plain).graph)
        quantize_static(
            plain,
            draft,
            _Pictures(pictures),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(_QUANTISED),
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=sorted(kept),
            calibrate_method=CalibrationMethod.MinMax,
            extra_options={"CalibMovingAverage": True},
        )
        model = onnx.load(draft)
        _unround(model.graph, kept)
        onnx.save(model, path)


class _Pictures:
    """Feeds the calibration, in the form that ONNX Runtime asks for."""

    def __init__(self, pictures: Sequence[U8]) -> None:
        self._left: Iterator[U8] = iter(pictures)

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        picture = next(self._left, None)
        return None if picture is None else {"pixels": picture[None]}


def _kept(graph: Any) -> set[str]:  # noqa: ANN401
    """Return the nodes that stay in float32: the first weighted ones, and all behind the last."""
    maker = {name: node for node in graph.node for name in node.output}
    weighted = [node.name for node in graph.node if node.op_type in _WEIGHTED]
    kept, waiting = set(weighted[:FIRST]), [name.name for name in graph.output]
    while waiting:
        node = maker.get(waiting.pop())
        if node is None or node.name in kept:
            continue
        kept.add(node.name)
        if node.op_type not in _WEIGHTED:
            waiting += node.input
    return kept


def _unround(graph: Any, kept: set[str]) -> None:  # noqa: ANN401
    """Give what a float32 node makes to other float32 nodes as it is.

    The quantiser rounds it for all who read it as soon as one of them works in 8 bits.
    """
    maker = {name: node for node in graph.node for name in node.output}
    for node in graph.node:
        if node.name not in kept:
            continue
        for place, name in enumerate(node.input):
            rounded = maker.get(name)
            if rounded is None or rounded.op_type != "DequantizeLinear":
                continue
            source = maker.get(rounded.input[0])
            if source is not None and maker.get(source.input[0], source).name in kept:
                node.input[place] = source.input[0]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Yield while the quantiser, which advises through the root logger and stdout, is silent."""
    level = logging.getLogger().level
    logging.getLogger().setLevel(logging.ERROR)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.getLogger().setLevel(level)

"""ONNX nodes put one after the other, arrays among their inputs becoming constants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from core.types import F32

OPSET = 20

Value = str | NDArray[Any] | np.generic

_KINDS = {"f32": TensorProto.FLOAT, "i32": TensorProto.INT32, "i64": TensorProto.INT64}
_BYTES = TensorProto.UINT8


class Nodes:
    """A graph as it grows; tensors are known by their names."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def add(
        self, kind: str, *inputs: Value, attributes: Mapping[str, Any] | None = None, outs: int = 1
    ) -> str:
        """Return the name of the first output of a node that is added.

        Args:
            kind: Name of an ONNX operator.
            inputs: Names of tensors, or constants.
            attributes: The operator's attributes.
            outs: How many outputs it has; they are called ``NAME``, ``NAME.1``, ...

        Returns:
            Name of its first output.
        """
        names = [one if isinstance(one, str) else self._constant(np.asarray(one)) for one in inputs]
        name = f"{kind}_{len(self.nodes)}"
        outputs = [name, *(f"{name}.{place}" for place in range(1, outs))]
        node = helper.make_node(kind, names, outputs, name=name, **dict(attributes or {}))
        self.nodes.append(node)
        return name

    def name(self, tensor: str, output: str) -> None:
        """Call a tensor by a further name."""
        self.nodes.append(helper.make_node("Identity", [tensor], [output], name=output))

    def cast(self, tensor: str, to: str) -> str:
        """Return a cast to ``f32``, ``i32``, ``i64`` or ``u8``."""
        return self.add("Cast", tensor, attributes={"to": _KINDS.get(to, _BYTES)})

    def mean(self, tensor: str) -> str:
        """Return the average over everything, a scalar."""
        return self.add("ReduceMean", tensor, attributes={"keepdims": 0})

    def total(self, tensor: str) -> str:
        """Return the sum over everything, a scalar."""
        return self.add("ReduceSum", tensor, attributes={"keepdims": 0})

    def conv(self, tensor: str, kernel: F32) -> str:
        """Return a float32 map ``h w`` filtered by ``n`` kernels 3 x 3, reflected at borders."""
        image = self.add("Unsqueeze", tensor, np.array([0, 1]))
        padded = self.add(
            "Pad", image, np.array([0, 0, 1, 1, 0, 0, 1, 1]), attributes={"mode": "reflect"}
        )
        return self.add("Conv", padded, kernel[:, None])

    def embed(self, model: onnx.ModelProto, prefix: str, inputs: Mapping[str, str]) -> list[str]:
        """Return the outputs' names of a whole graph that is added, its inputs fed from here."""

        def renamed(name: str) -> str:
            return inputs[name] if name in inputs else prefix + name if name else name

        for tensor in model.graph.initializer:
            kept = onnx.TensorProto()
            kept.CopyFrom(tensor)
            kept.name = renamed(tensor.name)
            self.constants.append(kept)
        for node in model.graph.node:
            copy = onnx.NodeProto()
            copy.CopyFrom(node)
            copy.name = prefix + node.name
            copy.input[:] = [renamed(name) for name in node.input]
            copy.output[:] = [renamed(name) for name in node.output]
            self.nodes.append(copy)
        return [renamed(output.name) for output in model.graph.output]

    def model(
        self,
        inputs: Sequence[onnx.ValueInfoProto],
        outputs: Sequence[onnx.ValueInfoProto],
        words: Mapping[str, str],
    ) -> onnx.ModelProto:
        """Return the finished graph."""
        graph = helper.make_graph(
            self.nodes, "assay", list(inputs), list(outputs), initializer=self.constants
        )
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="assay"
        )
        model.ir_version = 10
        helper.set_model_props(model, dict(words))
        return model

    def _constant(self, value: NDArray[Any]) -> str:
        if value.dtype == np.float64:
            value = value.astype(np.float32)
        name = f"constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.array(value, order="C"), name))
        return name

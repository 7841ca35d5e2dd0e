"""A bundle as one ONNX graph: from decoded pixels to the verdict under one policy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import numpy as np
import onnx
from onnx import TensorProto, helper

from core import packs
from core.errors import BundleError
from core.model.bundle.bundle import Bundle
from core.model.onnx.builder import Nodes
from core.model.onnx.preprocessing import Square, add_square
from core.model.onnx.rule import DISPOSITIONS, OUTPUTS, add_model, add_verdict
from core.types import Policy

MARK = b"bundle_sha256"  # of ``graph_metadata``, which protobuf writes last
NOT_CARRIED = (
    "decoding: a JPEG is to be decoded as Assay does, at 1/2, 1/4 or 1/8 of its scale where that "
    "leaves both sides at least as long as the network's input; source_size then names the "
    "original's height and width",
    "turning by the EXIF orientation, and pictures of more than 8 bits",
    "what a file's header says: its own checks, the population that the bundle is for, and what "
    "a low JPEG quality adds to the OOD score, so that a graph defers some pictures more",
    "the sentences of a reason, the record of the decision, the random audit",
)


def build(bundle: Bundle, policy: Policy, network: Path, *, sizes: bool) -> onnx.ModelProto:
    """Return preprocessing, network, model and limits as one graph.

    Inputs: ``pixels`` uint8 ``h w 3`` RGB, and ``source_size`` int64 ``2``, which may be left out
    where the pixels are the whole original. Outputs: ``probabilities`` float32 ``k``,
    ``positive_probability``, ``ood_score`` and ``ood_p`` as float32 scalars, ``disposition`` as an
    int64 scalar: 0 negative, 1 positive, 2 defer.

    Args:
        bundle: What to export.
        policy: The limits.
        network: The network as ONNX.
        sizes: Whether ``source_size`` must always be given, for runtimes that know no defaults.

    Raises:
        BundleError: The bundle has parts that such a graph does not carry.
    """
    nodes, size = Nodes(), bundle.backbone.size
    source_size = "source_size" if sizes else _with_default(nodes)
    picture = add_square(nodes, "pixels", source_size, size)
    own = packs.graph_of(bundle.pack)
    picture = cast("Square", own(nodes, picture, size)) if own else picture
    _refuse_what_is_missing(bundle, policy, set(picture.measures))
    batch = nodes.add("Unsqueeze", picture.pixels, np.array([0]))
    features = dict(
        zip(
            bundle.backbone.outputs,
            nodes.embed(onnx.load(network), "network/", {"pixels": batch}),
            strict=True,
        )
    )
    further = {
        name: features[name] for name in ("tail", "asymmetry", "foreground") if name in features
    }
    read = add_model(nodes, bundle.model, features["pooled"], picture.measures["size"], **further)
    made = add_verdict(nodes, read, picture, bundle.model.ranges, policy)
    for tensor, name in zip((*read[:4], made), OUTPUTS, strict=True):
        nodes.name(tensor, name)
    inputs = [
        helper.make_tensor_value_info("pixels", TensorProto.UINT8, ["height", "width", 3]),
        helper.make_tensor_value_info("source_size", TensorProto.INT64, [2]),
    ]
    shapes = [[len(bundle.model.classes)], [], [], [], []]
    kinds = [TensorProto.FLOAT] * 4 + [TensorProto.INT64]
    outputs = [
        helper.make_tensor_value_info(name, kind, shape)
        for name, kind, shape in zip(OUTPUTS, kinds, shapes, strict=True)
    ]
    return nodes.model(inputs, outputs, graph_metadata(bundle, policy))


def graph_metadata(bundle: Bundle, policy: Policy) -> dict[str, str]:
    """Return the metadata of a graph, each value plain text or JSON."""
    certificates = {"escape": policy.escape, "overkill": policy.overkill}
    metadata: dict[str, Any] = {
        "classes": list(bundle.model.classes),
        "positive": list(bundle.model.positive),
        "dispositions": [one.value for one in DISPOSITIONS],
        "certificate": {
            side: {
                "alpha": one.alpha,
                "bound": one.bound,
                "confidence": one.confidence,
                "n": one.n,
                "k": one.k,
                "certified": one.certified,
            }
            for side, one in certificates.items()
        },
        "not_carried": list(NOT_CARRIED),
    }
    plain = {
        "pack": bundle.pack.name,
        "bundle": bundle.label,
        "bundle_sha256": bundle.sha256,
        "policy": policy.id,
        "precision": bundle.backbone.precision,
    }
    return plain | {name: json.dumps(value) for name, value in metadata.items()}


def _with_default(nodes: Nodes) -> str:
    """Return ``source_size``, or the pixels' own height and width where it is left at zeros."""
    nodes.constants.append(onnx.numpy_helper.from_array(np.zeros(2, np.int64), "source_size"))
    own = nodes.add("Slice", nodes.add("Shape", "pixels"), np.array([0]), np.array([2]))
    return nodes.add("Where", nodes.add("Greater", "source_size", np.int64(0)), "source_size", own)


def _refuse_what_is_missing(bundle: Bundle, policy: Policy, measures: set[str]) -> None:
    foreign = set(bundle.model.ranges) - measures
    faults = {
        "a memory bank": bundle.model.bank is not None,
        "a limit from good pictures alone": policy.good_only is not None,
        f"its pack's own measures {', '.join(sorted(foreign))}": bool(foreign),
        "the precision bf16, which a runtime chooses and no graph holds": (
            bundle.backbone.precision == "bf16"
        ),
    }
    found = [name for name, present in faults.items() if present]
    if found:
        raise BundleError(
            f"{bundle.label} cannot be exported: it has {' and '.join(found)}.",
            hint="Use it through `assay assess`, or train a bundle without.",
        )

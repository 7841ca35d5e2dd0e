"""Models and cases as plain arrays and JSON, and back, exactly."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.decision.calibration import Calibrator
from core.decision.policy import Cases
from core.errors import BundleError
from core.model.explain import Known
from core.model.fitted import Gate, Model
from core.model.heads import Head, KernelHead, LinearHead

Arrays = dict[str, NDArray[Any]]
Words = dict[str, Any]


def pack_model(model: Model) -> tuple[Arrays, Words]:
    """Split a model into arrays for safetensors and words for JSON."""
    arrays: Arrays = {
        "centre": model.centre,
        "scale": model.scale,
        "gate.mean": model.gate.mean,
        "gate.whiten": model.gate.whiten,
        "gate.reference": model.gate.reference,
        "calibrator.bias": model.calibrator.bias,
    }
    head, head_words = _pack_head(model.head)
    words: Words = {
        "classes": list(model.classes),
        "positive": list(model.positive),
        "head": head_words,
        "calibrator": {"kind": model.calibrator.kind, "scale": model.calibrator.scale},
        "ranges": {name: list(limits) for name, limits in model.ranges.items()},
    }
    return arrays | head, words


def unpack_model(arrays: Mapping[str, NDArray[Any]], words: Words) -> Model:
    """Put a model back together.

    Raises:
        BundleError: An array or a word is missing, or sizes do not agree.
    """
    try:
        model = Model(
            classes=tuple(words["classes"]),
            positive=tuple(bool(p) for p in words["positive"]),
            centre=arrays["centre"],
            scale=arrays["scale"],
            head=_unpack_head(arrays, words["head"]),
            calibrator=Calibrator(
                words["calibrator"]["kind"],
                float(words["calibrator"]["scale"]),
                arrays["calibrator.bias"],
            ),
            gate=Gate(arrays["gate.mean"], arrays["gate.whiten"], arrays["gate.reference"]),
            ranges={name: (low, high) for name, (low, high) in words["ranges"].items()},
        )
    except (KeyError, TypeError, ValueError) as exc:
        raise BundleError(
            f"The bundle's model is incomplete: {exc!r}.", hint="Train it again."
        ) from exc
    d, k = len(model.centre), len(model.classes)
    g = len(model.gate.mean)
    if model.gate.whiten.shape != (g, g) or g > d or len(model.positive) != k:
        raise BundleError(
            f"The bundle's arrays disagree: {d} features, gate {model.gate.whiten.shape}, "
            f"{k} classes, {len(model.positive)} flags.",
            hint="Train it again.",
        )
    return model


def _pack_head(head: Head) -> tuple[Arrays, Words]:
    if isinstance(head, LinearHead):
        return {"head.weights": head.weights, "head.bias": head.bias}, {"kind": "linear"}
    arrays: Arrays = {
        "head.support": head.support,
        "head.norms": head.norms,
        "head.dual": head.dual,
        "head.bias": head.bias,
    }
    return arrays, {"kind": "kernel", "gamma": head.gamma}


def _unpack_head(arrays: Mapping[str, NDArray[Any]], words: Words) -> Head:
    if words["kind"] == "linear":
        return LinearHead(arrays["head.weights"], arrays["head.bias"])
    return KernelHead(
        arrays["head.support"],
        arrays["head.norms"],
        arrays["head.dual"],
        arrays["head.bias"],
        float(words["gamma"]),
    )


def pack_cases(name: str, cases: Cases) -> Arrays:
    """Turn cases into arrays whose names start with ``name``; groups become numbers.

    Which physical part a number stands for is nobody's business outside the training machine.
    """
    return {
        f"{name}.positive_probability": cases.positive_probability,
        f"{name}.ood_p": cases.ood_p,
        f"{name}.gates_passed": cases.gates_passed,
        f"{name}.positive": cases.positive,
        f"{name}.group": np.unique(cases.group, return_inverse=True)[1].astype(np.int64),
    }


def unpack_cases(name: str, arrays: Mapping[str, NDArray[Any]]) -> Cases:
    """Read cases back; groups come back as the digits of their numbers.

    Raises:
        BundleError: An array is missing.
    """
    try:
        return Cases(
            positive_probability=arrays[f"{name}.positive_probability"],
            ood_p=arrays[f"{name}.ood_p"],
            gates_passed=arrays[f"{name}.gates_passed"],
            positive=arrays[f"{name}.positive"],
            group=arrays[f"{name}.group"].astype(np.str_),
        )
    except KeyError as exc:
        raise BundleError(
            f"The bundle lacks its {name} cases: {exc}.", hint="Train it again."
        ) from exc


def pack_known(known: Known) -> tuple[Arrays, Words]:
    """Turn known cases into arrays (thumbnails end to end) and words."""
    ends = np.cumsum([len(jpeg) for jpeg in known.jpegs]).astype(np.int64)
    joined = np.frombuffer(b"".join(known.jpegs), np.uint8)
    arrays: Arrays = {"features": known.features, "jpegs": joined, "ends": ends}
    return arrays, {"labels": list(known.labels), "names": list(known.names)}


def unpack_known(arrays: Mapping[str, NDArray[Any]], words: Words) -> Known:
    """Read known cases back."""
    joined, ends = arrays["jpegs"].tobytes(), [0, *arrays["ends"].tolist()]
    return Known(
        features=arrays["features"],
        labels=tuple(words["labels"]),
        names=tuple(words["names"]),
        jpegs=tuple(joined[a:b] for a, b in pairwise(ends)),
    )

"""Models and cases as plain arrays and JSON, and back, exactly."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.decision.calibration import Calibrator
from core.decision.multilabel import Sigmoids
from core.decision.policy import Cases
from core.errors import BundleError
from core.model.bundle.optional_parts import (
    pack_foreground,
    pack_label_reference,
    pack_shift,
    pack_stated,
    unpack_foreground,
    unpack_label_reference,
    unpack_shift,
    unpack_stated,
)
from core.model.estimators.bank import Bank
from core.model.estimators.corruption_score import CorruptionScore
from core.model.estimators.discriminants import Discriminants
from core.model.estimators.gate import Gate
from core.model.estimators.heads import Head, HeadEnsemble, KernelHead, LinearHead
from core.model.estimators.model import Model
from core.model.estimators.presentation import WrongPresentations
from core.model.explain import Known

Arrays = dict[str, NDArray[Any]]
Metadata = dict[str, Any]
GATE = tuple(
    one.name for one in fields(Gate) if one.name not in ("corruptions", "foreground", "stated")
)
BANK = tuple(one.name for one in fields(Bank))


def pack_model(model: Model) -> tuple[Arrays, Metadata]:
    """Return a model as arrays for safetensors and metadata for JSON."""
    arrays: Arrays = {
        "centre": model.centre,
        "scale": model.scale,
        **{f"gate.{name}": getattr(model.gate, name) for name in GATE},
        "expert_weights": model.expert_weights,
    }
    if model.bank:
        arrays |= {f"bank.{name}": getattr(model.bank, name) for name in BANK}
    if model.gate.corruptions:
        corruptions = model.gate.corruptions
        arrays |= _pack_discriminants("corruptions", corruptions.discriminants)
        arrays |= {
            "corruptions.mean": corruptions.mean,
            "corruptions.scale": corruptions.scale,
        }
    if model.presentations:
        arrays |= _pack_discriminants("presentations", model.presentations.discriminants)
    head, head_metadata = _pack_head(model.head)
    calibrator, calibrator_metadata = _pack_calibrator(model.calibrator)
    reference, reference_metadata = pack_label_reference(model.label_reference)
    shift, shift_metadata = pack_shift(model.shift)
    foreground, foreground_metadata = pack_foreground(model.gate.foreground)
    stated, stated_metadata = pack_stated(model.gate.stated)
    metadata: Metadata = {
        "classes": list(model.classes),
        "positive": list(model.positive),
        "head": head_metadata,
        "calibrator": calibrator_metadata,
        "ranges": {name: list(limits) for name, limits in model.ranges.items()},
        "population": {name: list(limits) for name, limits in model.population.items()},
        "depths": dict(model.depths),
        "presentations": _discriminants_metadata(model.presentations.discriminants)
        | {"limit": model.presentations.limit}
        if model.presentations
        else {},
        "corruptions": _discriminants_metadata(model.gate.corruptions.discriminants)
        if model.gate.corruptions
        else {},
        "label_reference": reference_metadata,
        "shift": shift_metadata,
        "foreground": foreground_metadata,
        "stated": stated_metadata,
    }
    return arrays | head | calibrator | reference | shift | foreground | stated, metadata


def unpack_model(arrays: Mapping[str, NDArray[Any]], metadata: Metadata) -> Model:
    """Return the model of ``pack_model``'s arrays and metadata.

    Raises:
        BundleError: An array or a field is missing, or sizes do not agree.
    """
    try:
        model = Model(
            classes=tuple(metadata["classes"]),
            positive=tuple(bool(p) for p in metadata["positive"]),
            centre=arrays["centre"],
            scale=arrays["scale"],
            head=_unpack_head(arrays, metadata["head"]),
            calibrator=_unpack_calibrator(arrays, metadata["calibrator"]),
            gate=Gate(
                **{name: arrays[f"gate.{name}"] for name in GATE},
                corruptions=_unpack_corruptions(arrays, metadata.get("corruptions", {})),
                foreground=unpack_foreground(arrays, metadata.get("foreground", {})),
                stated=unpack_stated(arrays, metadata.get("stated", [])),
            ),
            ranges={name: (low, high) for name, (low, high) in metadata["ranges"].items()},
            bank=_unpack_bank(arrays),
            expert_weights=arrays["expert_weights"],
            presentations=_unpack_presentations(arrays, metadata.get("presentations", {})),
            depths={name: int(bits) for name, bits in metadata.get("depths", {}).items()},
            population={
                name: (low, high) for name, (low, high) in metadata.get("population", {}).items()
            },
            label_reference=unpack_label_reference(arrays, metadata.get("label_reference", {})),
            shift=unpack_shift(arrays, metadata.get("shift", {})),
        )
    except (KeyError, TypeError, ValueError) as exc:
        raise BundleError(
            f"The bundle's model is incomplete: {exc!r}.", hint="Train it again."
        ) from exc
    d, k = len(model.centre), len(model.classes)
    rows = {k + model.is_multilabel, model.head.bias.size, model.calibrator.bias.size}
    is_mismatched = model.presentations is not None and not model.presentations.accepts(d)
    if not model.gate.accepts(d) or is_mismatched or len(model.positive) != k or len(rows) > 1:
        raise BundleError(
            f"The bundle's arrays disagree: {d} features, gate {len(model.gate.mean)}, "
            f"{k} classes, {len(model.positive)} flags, scores {sorted(rows)}.",
            hint="Train it again.",
        )
    return model


def _pack_discriminants(name: str, discriminants: Discriminants) -> Arrays:
    return {f"{name}.weights": discriminants.weights, f"{name}.bias": discriminants.bias}


def _discriminants_metadata(discriminants: Discriminants) -> Metadata:
    return {"names": list(discriminants.names)}


def _unpack_discriminants(
    name: str, arrays: Mapping[str, NDArray[Any]], metadata: Metadata
) -> Discriminants:
    names = tuple(metadata["names"])
    return Discriminants(names, arrays[f"{name}.weights"], arrays[f"{name}.bias"])


def _unpack_presentations(
    arrays: Mapping[str, NDArray[Any]], metadata: Metadata
) -> WrongPresentations | None:
    return (
        WrongPresentations(
            _unpack_discriminants("presentations", arrays, metadata), float(metadata["limit"])
        )
        if metadata
        else None
    )


def _unpack_corruptions(
    arrays: Mapping[str, NDArray[Any]], metadata: Metadata
) -> CorruptionScore | None:
    if not metadata:
        return None
    discriminants = _unpack_discriminants("corruptions", arrays, metadata)
    return CorruptionScore(discriminants, arrays["corruptions.mean"], arrays["corruptions.scale"])


def _unpack_bank(arrays: Mapping[str, NDArray[Any]]) -> Bank | None:
    if "bank.vectors" not in arrays:
        return None
    return Bank(**{name: arrays[f"bank.{name}"] for name in BANK})


def _pack_head(head: Head) -> tuple[Arrays, Metadata]:
    if isinstance(head, LinearHead):
        return {"head.weights": head.weights, "head.bias": head.bias}, {"kind": "linear"}
    if isinstance(head, HeadEnsemble):
        arrays, metadata = _pack_head(head.kernel)
        arrays["head.linear.weights"] = head.linear.weights
        arrays["head.linear.bias"] = head.linear.bias
        return arrays, {**metadata, "kind": "ensemble"}
    arrays = {
        "head.support": head.support,
        "head.norms": head.norms,
        "head.dual": head.dual,
        "head.bias": head.bias,
    }
    if head.basis is not None:
        arrays["head.basis"] = head.basis
    return arrays, {"kind": "kernel", "gamma": head.gamma}


def _unpack_head(arrays: Mapping[str, NDArray[Any]], metadata: Metadata) -> Head:
    if metadata["kind"] == "linear":
        return LinearHead(arrays["head.weights"], arrays["head.bias"])
    kernel = KernelHead(
        arrays["head.support"],
        arrays["head.norms"],
        arrays["head.dual"],
        arrays["head.bias"],
        float(metadata["gamma"]),
        arrays.get("head.basis"),
    )
    if metadata["kind"] == "kernel":
        return kernel
    return HeadEnsemble(
        kernel, LinearHead(arrays["head.linear.weights"], arrays["head.linear.bias"])
    )


def _pack_calibrator(calibrator: Calibrator | Sigmoids) -> tuple[Arrays, Metadata]:
    if isinstance(calibrator, Sigmoids):
        arrays: Arrays = {"calibrator.scale": calibrator.scale, "calibrator.bias": calibrator.bias}
        return arrays, {"kind": "sigmoids"}
    metadata = {"kind": calibrator.kind, "scale": calibrator.scale}
    return {"calibrator.bias": calibrator.bias}, metadata


def _unpack_calibrator(
    arrays: Mapping[str, NDArray[Any]], metadata: Metadata
) -> Calibrator | Sigmoids:
    if metadata["kind"] == "sigmoids":
        return Sigmoids(arrays["calibrator.scale"], arrays["calibrator.bias"])
    return Calibrator(metadata["kind"], float(metadata["scale"]), arrays["calibrator.bias"])


def pack_cases(name: str, cases: Cases) -> Arrays:
    """Return cases as arrays whose names start with ``name``.

    Their groups are keyed hashes of 16 hex digits (``core.checking.split_membership``), kept as
    uint64: the names of physical parts stay on the training machine.
    """
    return {
        f"{name}.positive_probability": cases.positive_probability,
        f"{name}.ood_p": cases.ood_p,
        f"{name}.gates_passed": cases.gates_passed,
        f"{name}.positive": cases.positive,
        f"{name}.group": np.array([int(one, 16) for one in cases.group], np.uint64),
    }


def unpack_cases(name: str, arrays: Mapping[str, NDArray[Any]]) -> Cases:
    """Return cases of their arrays; groups are keyed hashes of 16 hex digits.

    Raises:
        BundleError: An array is missing.
    """
    try:
        return Cases(
            positive_probability=arrays[f"{name}.positive_probability"],
            ood_p=arrays[f"{name}.ood_p"],
            gates_passed=arrays[f"{name}.gates_passed"],
            positive=arrays[f"{name}.positive"],
            group=np.array([f"{one:016x}" for one in arrays[f"{name}.group"].tolist()], "U16"),
        )
    except KeyError as exc:
        raise BundleError(
            f"The bundle lacks its {name} cases: {exc}.", hint="Train it again."
        ) from exc


def pack_known(known: Known) -> tuple[Arrays, Metadata]:
    """Return known cases as arrays (thumbnails end to end) and metadata.

    Features in half precision: they are compared with, no verdict is computed from them.
    """
    most = np.finfo(np.float16).max
    ends = np.cumsum([len(jpeg) for jpeg in known.jpegs]).astype(np.int64)
    joined = np.frombuffer(b"".join(known.jpegs), np.uint8)
    arrays: Arrays = {
        "features": known.features.clip(-most, most).astype(np.float16),
        "jpegs": joined,
        "ends": ends,
    }
    return arrays, {"labels": list(known.labels), "names": list(known.names)}


def unpack_known(arrays: Mapping[str, NDArray[Any]], metadata: Metadata) -> Known:
    """Return known cases of their arrays and metadata."""
    joined, ends = arrays["jpegs"].tobytes(), [0, *arrays["ends"].tolist()]
    return Known(
        features=arrays["features"].astype(np.float32),
        labels=tuple(metadata["labels"]),
        names=tuple(metadata["names"]),
        jpegs=tuple(joined[a:b] for a, b in pairwise(ends)),
    )

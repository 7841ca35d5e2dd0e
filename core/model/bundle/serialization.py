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
from core.model.estimators.bank import Bank
from core.model.estimators.corruption_score import Faults
from core.model.estimators.discriminants import Discriminants
from core.model.estimators.gate import Gate
from core.model.estimators.heads import Committee, Head, KernelHead, LinearHead
from core.model.estimators.model import Model
from core.model.estimators.presentation import Ways
from core.model.explain import Known

Arrays = dict[str, NDArray[Any]]
Words = dict[str, Any]
GATE = tuple(one.name for one in fields(Gate) if one.name != "faults")
BANK = tuple(one.name for one in fields(Bank))


def pack_model(model: Model) -> tuple[Arrays, Words]:
    """Split a model into arrays for safetensors and words for JSON."""
    arrays: Arrays = {
        "centre": model.centre,
        "scale": model.scale,
        **{f"gate.{name}": getattr(model.gate, name) for name in GATE},
        "voices": model.voices,
    }
    if model.bank:
        arrays |= {f"bank.{name}": getattr(model.bank, name) for name in BANK}
    if model.gate.faults:
        faults = model.gate.faults
        arrays |= _pack_told("faults", faults.told)
        arrays |= {"faults.usual": faults.usual, "faults.counts": faults.counts}
    if model.ways:
        arrays |= _pack_told("ways", model.ways.told)
    head, head_words = _pack_head(model.head)
    calibrator, calibrator_words = _pack_calibrator(model.calibrator)
    words: Words = {
        "classes": list(model.classes),
        "positive": list(model.positive),
        "head": head_words,
        "calibrator": calibrator_words,
        "ranges": {name: list(limits) for name, limits in model.ranges.items()},
        "population": {name: list(limits) for name, limits in model.population.items()},
        "depths": dict(model.depths),
        "ways": _told_words(model.ways.told) | {"limit": model.ways.limit} if model.ways else {},
        "faults": _told_words(model.gate.faults.told) if model.gate.faults else {},
    }
    return arrays | head | calibrator, words


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
            calibrator=_unpack_calibrator(arrays, words["calibrator"]),
            gate=Gate(
                **{name: arrays[f"gate.{name}"] for name in GATE},
                faults=_unpack_faults(arrays, words.get("faults", {})),
            ),
            ranges={name: (low, high) for name, (low, high) in words["ranges"].items()},
            bank=_unpack_bank(arrays),
            voices=arrays["voices"],
            ways=_unpack_ways(arrays, words.get("ways", {})),
            depths={name: int(bits) for name, bits in words.get("depths", {}).items()},
            population={
                name: (low, high) for name, (low, high) in words.get("population", {}).items()
            },
        )
    except (KeyError, TypeError, ValueError) as exc:
        raise BundleError(
            f"The bundle's model is incomplete: {exc!r}.", hint="Train it again."
        ) from exc
    d, k = len(model.centre), len(model.classes)
    rows = {k + model.several, model.head.bias.size, model.calibrator.bias.size}
    astray = model.ways is not None and not model.ways.fits(d)
    if not model.gate.fits(d) or astray or len(model.positive) != k or len(rows) > 1:
        raise BundleError(
            f"The bundle's arrays disagree: {d} features, gate {len(model.gate.mean)}, "
            f"{k} classes, {len(model.positive)} flags, scores {sorted(rows)}.",
            hint="Train it again.",
        )
    return model


def _pack_told(name: str, told: Discriminants) -> Arrays:
    return {f"{name}.weights": told.weights, f"{name}.bias": told.bias}


def _told_words(told: Discriminants) -> Words:
    return {"names": list(told.names)}


def _unpack_told(name: str, arrays: Mapping[str, NDArray[Any]], words: Words) -> Discriminants:
    names = tuple(words["names"])
    return Discriminants(names, arrays[f"{name}.weights"], arrays[f"{name}.bias"])


def _unpack_ways(arrays: Mapping[str, NDArray[Any]], words: Words) -> Ways | None:
    return Ways(_unpack_told("ways", arrays, words), float(words["limit"])) if words else None


def _unpack_faults(arrays: Mapping[str, NDArray[Any]], words: Words) -> Faults | None:
    if not words:
        return None
    told = _unpack_told("faults", arrays, words)
    return Faults(told, arrays["faults.usual"], arrays["faults.counts"])


def _unpack_bank(arrays: Mapping[str, NDArray[Any]]) -> Bank | None:
    if "bank.vectors" not in arrays:
        return None
    return Bank(**{name: arrays[f"bank.{name}"] for name in BANK})


def _pack_head(head: Head) -> tuple[Arrays, Words]:
    if isinstance(head, LinearHead):
        return {"head.weights": head.weights, "head.bias": head.bias}, {"kind": "linear"}
    if isinstance(head, Committee):
        arrays, words = _pack_head(head.kernel)
        arrays["head.linear.weights"] = head.linear.weights
        arrays["head.linear.bias"] = head.linear.bias
        return arrays, {**words, "kind": "committee"}
    arrays = {
        "head.support": head.support,
        "head.norms": head.norms,
        "head.dual": head.dual,
        "head.bias": head.bias,
    }
    if head.basis is not None:
        arrays["head.basis"] = head.basis
    return arrays, {"kind": "kernel", "gamma": head.gamma}


def _unpack_head(arrays: Mapping[str, NDArray[Any]], words: Words) -> Head:
    if words["kind"] == "linear":
        return LinearHead(arrays["head.weights"], arrays["head.bias"])
    kernel = KernelHead(
        arrays["head.support"],
        arrays["head.norms"],
        arrays["head.dual"],
        arrays["head.bias"],
        float(words["gamma"]),
        arrays.get("head.basis"),
    )
    if words["kind"] == "kernel":
        return kernel
    return Committee(kernel, LinearHead(arrays["head.linear.weights"], arrays["head.linear.bias"]))


def _pack_calibrator(calibrator: Calibrator | Sigmoids) -> tuple[Arrays, Words]:
    if isinstance(calibrator, Sigmoids):
        arrays: Arrays = {"calibrator.scale": calibrator.scale, "calibrator.bias": calibrator.bias}
        return arrays, {"kind": "sigmoids"}
    words = {"kind": calibrator.kind, "scale": calibrator.scale}
    return {"calibrator.bias": calibrator.bias}, words


def _unpack_calibrator(arrays: Mapping[str, NDArray[Any]], words: Words) -> Calibrator | Sigmoids:
    if words["kind"] == "sigmoids":
        return Sigmoids(arrays["calibrator.scale"], arrays["calibrator.bias"])
    return Calibrator(words["kind"], float(words["scale"]), arrays["calibrator.bias"])


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

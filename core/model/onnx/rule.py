"""Everything behind the network as ONNX nodes: head, calibration, the gates, and the verdict.

It repeats ``core.model.estimators.model`` and ``core.decision.rule`` in float32.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from core.decision.calibration import Calibrator
from core.decision.multilabel import Sigmoids
from core.imaging import square
from core.model.estimators import gate as gates
from core.model.estimators.discriminants import Discriminants
from core.model.estimators.foreground_distance import NEIGHBOURS, ForegroundDistance
from core.model.estimators.gate import Gate
from core.model.estimators.heads import Head, HeadEnsemble, LinearHead
from core.model.estimators.model import Model
from core.model.estimators.presentation import WrongPresentations
from core.model.estimators.shift import P_VALUE
from core.model.onnx.builder import Nodes
from core.model.onnx.preprocessing import Square
from core.model.onnx.stated_changes import add_adjusted, add_unmoved, of_size
from core.types import Disposition, Policy

DISPOSITIONS = (Disposition.NEGATIVE, Disposition.POSITIVE, Disposition.DEFER)
_SCALAR = {"keepdims": 0}
_EDGE = np.float32(1e-12)
OUTPUTS = ("probabilities", "positive_probability", "ood_score", "ood_p", "disposition")


class PredictionTensors(NamedTuple):
    """Names of tensors; all scalars but the float32 ``k`` probabilities.

    ``right`` is true where no wrong presentation is found; it is empty where none were learned.
    """

    probabilities: str
    positive_probability: str
    ood_score: str
    ood_p: str
    right: str = ""


def add_model(
    nodes: Nodes,
    model: Model,
    pooled: str,
    size: str,
    tail: str = "",
    asymmetry: str = "",
    foreground: str = "",
) -> PredictionTensors:
    """Return the prediction of pooled features, float32 ``1 d``, as nodes.

    ``size`` names the logarithm of the original's shorter side; a JPEG quality is not known here.
    Where there are any, ``tail`` names the class scores of fine-tuned stages, float32 ``1 k``, and
    ``asymmetry`` how the left differs from the right, float32 ``1 q``, and ``foreground`` the last
    features pooled over the foreground, float32 ``1 f``.
    """
    flat = nodes.add("Squeeze", pooled, np.array([0]))
    z = nodes.add("Div", nodes.add("Sub", flat, model.centre), model.scale)
    logits = _logits(nodes, model.head, z)
    if tail:
        own, late = (np.float32(voice) for voice in model.expert_weights)
        scores = nodes.add("Squeeze", tail, np.array([0]))
        logits = nodes.add("Add", nodes.add("Mul", logits, own), nodes.add("Mul", scores, late))
    probabilities, positive = _calibrated(nodes, model, logits)
    score = _add_gate(nodes, model.gate, z, len(model.centre), foreground, size)
    at_least = nodes.add("GreaterOrEqual", model.gate.reference, score)
    more = nodes.total(nodes.cast(at_least, "f32"))
    of = np.float32(len(model.gate.reference) + 1)
    p = nodes.add("Div", nodes.add("Add", more, np.float32(1)), of)
    known = nodes.add("Not", nodes.add("IsNaN", score))
    p = nodes.add("Where", known, p, np.float32(0))
    if foreground and model.shift:
        probabilities, positive = _shifted(nodes, model, (probabilities, positive), p, foreground)
    sides = nodes.add("Squeeze", asymmetry, np.array([0])) if asymmetry else ""
    whole = nodes.add("Concat", z, sides, attributes={"axis": 0}) if asymmetry else z
    return PredictionTensors(
        probabilities,
        positive,
        score,
        p,
        _add_presentation_check(nodes, model.presentations, whole),
    )


def add_verdict(
    nodes: Nodes,
    read: PredictionTensors,
    picture: Square,
    ranges: Mapping[str, tuple[float, float]],
    policy: Policy,
) -> str:
    """Return the verdict by gates and limits: an int64 scalar, a place in ``DISPOSITIONS``."""
    reached = nodes.add("Greater", read.ood_p, np.float32(policy.targets.ood_alpha))
    own = [*picture.checks, *([read.right] if read.right else [])]
    for check in (*own, *_checks(nodes, picture.measures, ranges)):
        reached = nodes.add("And", reached, check)
    negative, positive, defer = (np.int64(place) for place in range(len(DISPOSITIONS)))
    made: str | np.int64 = defer
    for limit, compared, verdict in (
        (policy.t_neg, "LessOrEqual", negative),
        (policy.t_pos, "GreaterOrEqual", positive),
    ):
        if limit is not None:
            hit = nodes.add(compared, read.positive_probability, np.float32(limit))
            made = nodes.add("Where", nodes.add("And", reached, hit), verdict, made)
    return nodes.add("Identity", made)


def _logits(nodes: Nodes, head: Head, z: str) -> str:
    if isinstance(head, HeadEnsemble):
        return nodes.add("Add", _logits(nodes, head.kernel, z), _logits(nodes, head.linear, z))
    if isinstance(head, LinearHead):
        return nodes.add("Add", nodes.add("MatMul", head.weights, z), head.bias)
    if head.basis is not None:
        z = nodes.add("MatMul", head.basis, z)
    length = nodes.total(nodes.add("Mul", z, z))
    across = nodes.add("Mul", nodes.add("MatMul", head.support, z), np.float32(-2))
    away = nodes.add("Add", nodes.add("Add", across, head.norms), length)
    near = nodes.add("Mul", nodes.add("Max", away, np.float32(0)), np.float32(-head.gamma))
    return nodes.add("Add", nodes.add("MatMul", head.dual, nodes.add("Exp", near)), head.bias)


def _calibrated(nodes: Nodes, model: Model, logits: str) -> tuple[str, str]:
    calibrator: Calibrator | Sigmoids = model.calibrator
    if isinstance(calibrator, Sigmoids):
        margin = nodes.add("Add", nodes.add("Mul", logits, calibrator.scale), calibrator.bias)
        sigmoids = nodes.add("Sigmoid", margin)
        labels = np.arange(len(model.classes))
        rolled_up = nodes.add("Gather", sigmoids, np.int64(len(labels)))
        return nodes.add("Gather", sigmoids, labels), rolled_up
    highest = nodes.add("ReduceMax", logits, attributes={"keepdims": 0})
    scaled = nodes.add("Mul", nodes.add("Sub", logits, highest), np.float32(calibrator.scale))
    shifted = nodes.add("Add", scaled, calibrator.bias)
    probabilities = nodes.add("Softmax", shifted, attributes={"axis": 0})
    share = np.array(model.positive, np.float32)
    return probabilities, nodes.total(nodes.add("Mul", probabilities, share))


def _shifted(
    nodes: Nodes, model: Model, home: tuple[str, str], ood_p: str, foreground: str
) -> tuple[str, str]:
    """Return probabilities by the shift head where the picture is unlike those of training."""
    if model.shift is None:
        return home
    probabilities, positive = home
    flat = nodes.add("Squeeze", foreground, np.array([0]))
    weighted = nodes.total(nodes.add("Mul", flat, model.shift.weights))
    shifted = nodes.add("Sigmoid", nodes.add("Add", weighted, np.float32(model.shift.bias)))
    flags = np.array(model.positive, np.float32)
    up = nodes.add("Div", shifted, nodes.add("Max", positive, _EDGE))
    down = nodes.add(
        "Div",
        nodes.add("Sub", np.float32(1), shifted),
        nodes.add("Max", nodes.add("Sub", np.float32(1), positive), _EDGE),
    )
    factor = nodes.add("Add", nodes.add("Mul", up, flags), nodes.add("Mul", down, 1 - flags))
    scaled = nodes.add("Mul", probabilities, factor)
    scaled = nodes.add("Div", scaled, nodes.total(scaled))
    unlike = nodes.add("LessOrEqual", ood_p, np.float32(P_VALUE))
    return (
        nodes.add("Where", unlike, scaled, probabilities),
        nodes.add("Where", unlike, shifted, positive),
    )


def _add_gate(nodes: Nodes, gate: Gate, z: str, width: int, foreground: str, size: str) -> str:
    """Return ``Gate.score`` of ``width`` features as a node."""
    stated = of_size(gate.stated)
    for one in stated:
        z = add_unmoved(nodes, one.shift, one.shift.features, z, size)
    score = _add_raw_score(nodes, gate, z, width)
    if foreground and gate.foreground:
        for one in stated:
            foreground = add_unmoved(nodes, one.shift, one.shift.foreground, foreground, size)
        score = nodes.add("Add", score, _add_distance(nodes, gate.foreground, foreground))
    for one in stated:
        score = add_adjusted(nodes, one, score, size)
    return score


def _add_raw_score(nodes: Nodes, gate: Gate, z: str, width: int) -> str:
    """Return ``Gate.raw_score`` of ``width`` features, normalised, as a node."""
    gated, late = len(gate.mean), gate.basis.shape[1]
    first = nodes.add("Gather", z, np.arange(gated))
    white = nodes.add("MatMul", gate.whiten, nodes.add("Sub", first, gate.mean))
    middle = nodes.mean(nodes.add("Mul", white, white))
    rest = nodes.add("Gather", z, np.arange(width - late, width))
    turned = nodes.add("MatMul", gate.basis, rest)
    length = nodes.add("Sqrt", nodes.total(nodes.add("Mul", turned, turned)))
    unit = nodes.add("Div", turned, nodes.add("Add", length, np.float32(1e-12)))
    alike = nodes.add("MatMul", gate.known, unit)
    count = min(gates.NEIGHBOURS, len(gate.known))
    nearest = nodes.add("TopK", alike, np.array([count]), attributes={"axis": 0}, outs=2)
    apart = nodes.add("Sub", np.float32(1), nodes.mean(nearest))
    usual = nodes.mean(nodes.add("Gather", gate.known_scores, f"{nearest}.1"))
    weighted = nodes.add("Mul", _log(nodes, apart), np.float32(gates.LATE_WEIGHT))
    own = nodes.add("Add", _log(nodes, middle), weighted)
    if gate.corruptions:
        discriminants = nodes.add(
            "Sub",
            _add_discriminants(nodes, gate.corruptions.discriminants, first),
            gate.corruptions.mean,
        )
        added = nodes.add("Mul", discriminants, gate.corruptions.scale)
        own = nodes.add("Add", own, nodes.add("ReduceMax", added, attributes=_SCALAR))
    return nodes.add("Sub", own, nodes.add("Mul", usual, np.float32(gates.NEIGHBOUR_WEIGHT)))


def _add_distance(nodes: Nodes, distance: ForegroundDistance, foreground: str) -> str:
    """Return ``ForegroundDistance.score`` as a node."""
    flat = nodes.add("Squeeze", foreground, np.array([0]))
    z = nodes.add("Div", nodes.add("Sub", flat, distance.centre), distance.scale)
    length = nodes.add("Sqrt", nodes.total(nodes.add("Mul", z, z)))
    unit = nodes.add("Div", z, nodes.add("Add", length, np.float32(1e-12)))
    alike = nodes.add("MatMul", distance.known, unit)
    count = min(NEIGHBOURS, len(distance.known))
    nearest = nodes.add("TopK", alike, np.array([count]), attributes={"axis": 0}, outs=2)
    apart = _log(nodes, nodes.add("Sub", np.float32(1), nodes.mean(nearest)))
    return nodes.add("Mul", apart, np.float32(distance.weight))


def _add_presentation_check(nodes: Nodes, ways: WrongPresentations | None, z: str) -> str:
    if ways is None:
        return ""
    worst = nodes.add(
        "ReduceMax", _add_discriminants(nodes, ways.discriminants, z), attributes=_SCALAR
    )
    return nodes.add("LessOrEqual", worst, np.float32(ways.limit))


def _add_discriminants(nodes: Nodes, discriminants: Discriminants, z: str) -> str:
    return nodes.add("Add", nodes.add("MatMul", discriminants.weights, z), discriminants.bias)


def _log(nodes: Nodes, distance: str) -> str:
    return nodes.add("Log", nodes.add("Max", distance, np.float32(gates.MIN_DISTANCE)))


def _checks(
    nodes: Nodes, measures: Mapping[str, str], ranges: Mapping[str, tuple[float, float]]
) -> list[str]:
    """Return checks of the learned ranges, and of what ``square.prepare`` always refuses."""
    dark, bright = measures["clipped dark"], measures["clipped bright"]
    clipped = nodes.add("Add", dark, bright)
    smallest = np.float32(np.log(square.SMALLEST_SOURCE) - 1e-4)
    return [
        nodes.add("GreaterOrEqual", measures["size"], smallest),
        nodes.add("GreaterOrEqual", measures["contrast"], np.float32(square.FLATTEST_CONTRAST)),
        nodes.add("Less", clipped, np.float32(square.MOST_CLIPPED)),
        *(
            nodes.add(compared, measures[name], np.float32(limit))
            for name, limits in sorted(ranges.items())
            for compared, limit in zip(("GreaterOrEqual", "LessOrEqual"), limits, strict=True)
        ),
    ]

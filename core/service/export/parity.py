"""Whether an exported graph judges as its bundle does."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.decision.policy import decide
from core.errors import ParityError
from core.model.bundle.bundle import Bundle
from core.model.bundle.parity import TOLERANCE
from core.model.onnx.rule import DISPOSITIONS
from core.types import Disposition, Frame, Policy, Prediction

Answer = Mapping[str, NDArray[Any]]
Run = Callable[[Mapping[str, NDArray[Any]]], Answer]


@dataclass(frozen=True)
class ExportParity:
    """How an exported graph compares with the bundle.

    Attributes:
        compared: How many pictures were judged by both.
        left_out: How many of the pictures given are none that the graph takes.
        apart: Largest difference of a probability.
    """

    compared: int
    left_out: int
    apart: float


def compare(
    run: Run, bundle: Bundle, policy: Policy, frames: Iterable[tuple[str, Frame]]
) -> ExportParity:
    """Return how a graph and the bundle agree on pictures.

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
    answers = (
        (name, frame, _asked(run, frame) if plain(frame) else None) for name, frame in frames
    )
    return compare_answers(answers, bundle, policy)


def compare_answers(
    answers: Iterable[tuple[str, Frame, Answer | None]], bundle: Bundle, policy: Policy
) -> ExportParity:
    """Return how answers agree with the bundle's; None stands for what no graph takes."""
    compared, left_out, apart = 0, 0, 0.0
    for name, frame, got in answers:
        if got is None:
            left_out += 1
            continue
        compared, apart = compared + 1, max(apart, _apart(name, frame, got, bundle, policy))
    if not compared:
        raise ParityError("No picture could be compared.", hint="Give --check FOLDER.")
    return ExportParity(compared, left_out, apart)


def plain(frame: Frame) -> bool:
    """Return whether a graph takes a picture: 8 bits a channel."""
    return frame.bit_depth == 8 and frame.pixels.dtype == np.uint8


def _asked(run: Run, frame: Frame) -> Answer:
    pixels = np.ascontiguousarray(np.broadcast_to(frame.pixels, (*frame.pixels.shape[:2], 3)))
    return run({"pixels": pixels, "source_size": np.array(frame.source_size, np.int64)})


def _apart(name: str, frame: Frame, got: Answer, bundle: Bundle, policy: Policy) -> float:
    expected, verdict = _known_good(bundle, policy, frame)
    step = TOLERANCE + 1.0 / (len(bundle.model.gate.reference) + 1)
    moved = float(np.abs(got["probabilities"] - expected.probabilities).max())
    p = float(got["positive_probability"])
    moved = max(moved, abs(p - expected.positive_probability))
    if not moved <= TOLERANCE:
        raise _refuse(f"{name} moved by {moved:.2g}, at most {TOLERANCE:g} is accepted")
    if not abs(float(got["ood_p"]) - expected.ood_p) <= step:
        raise _refuse(
            f"the OOD p-value of {name} is {float(got['ood_p']):.3g}, expected {expected.ood_p:.3g}"
        )
    made = DISPOSITIONS[int(got["disposition"])]
    if made is not verdict:
        raise _refuse(f"{name} is {made.value}, the bundle says {verdict.value}")
    return moved


def _known_good(bundle: Bundle, policy: Policy, frame: Frame) -> tuple[Prediction, Disposition]:
    prepared = bundle.pack.prepare(frame, bundle.backbone.size)
    output = bundle.network.extract(prepared.pixels)
    prediction = bundle.model.predict(bundle.model.evidence(output, prepared), prepared)
    classes, positive = bundle.model.classes, bundle.model.positive
    return prediction, decide(prediction, policy, classes, positive).disposition


def _refuse(what: str) -> ParityError:
    return ParityError(
        f"The exported graph does not judge as the bundle does: {what}.",
        hint="Nothing was written. A pack that prepares pictures in its own way cannot be "
        "exported; use `assay assess` there.",
    )

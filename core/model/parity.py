"""The parity probe: pictures that must score here as they scored when the bundle was trained.

Probabilities are compared after the whole way (decode, prepare, network, head, calibration), so a
changed decoder, runtime or machine is found before it judges anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.errors import InputError, ParityError
from core.model.fitted import Model
from core.model.runtime import Network
from core.packs import DomainPack
from core.types import Prediction, Prepared

TOLERANCE = 1e-3


@dataclass(frozen=True)
class Probe:
    """One picture with what it must score.

    Attributes:
        file: Its name in the bundle's ``probe`` folder.
        data: The picture's bytes.
        expected: ``probabilities`` in class order, ``positive_probability`` (where a picture may
            have several labels), ``ood_p`` and ``good_p`` (where a memory bank says less than 1).
    """

    file: str
    data: bytes
    expected: Mapping[str, Any]


def expectation(prediction: Prediction) -> dict[str, Any]:
    """Write a prediction down as what a probe expects."""
    said: dict[str, Any] = {
        "probabilities": prediction.probabilities.tolist(),
        "ood_p": prediction.ood_p,
    }
    if prediction.several:
        said["positive_probability"] = prediction.positive_probability
    if prediction.good_p < 1.0:
        said["good_p"] = prediction.good_p
    return said


def run(
    probes: list[Probe],
    *,
    pack: DomainPack,
    model: Model,
    network: Network,
    size: int,
    max_pixels: int,
    same_verdict: Callable[[Prediction, Prediction], bool],
) -> float:
    """Score every probe and compare.

    Args:
        probes: The bundle's probes.
        pack: Reads and prepares them.
        model: The bundle's model.
        network: The network as it runs here.
        size: Side of the network's input in pixels.
        max_pixels: Largest picture accepted.
        same_verdict: Whether two predictions are judged alike under the current policy.

    Returns:
        The largest difference in any probability or OOD p-value.

    Raises:
        ParityError: There is no probe, one does not read, a probability or an OOD
            p-value moved by more than ``TOLERANCE``, or a verdict flipped.
    """
    if not probes:
        raise ParityError("The bundle carries no probe pictures.", hint="Train it again.")
    worst = 0.0
    for probe in probes:
        try:
            prepared = pack.prepare(pack.read(probe.data, max_pixels, size), size)
        except InputError as exc:
            raise _refuse(f"{probe.file} does not read: {exc.message}") from exc
        worst = max(worst, _compare(probe, prepared, model, network, same_verdict))
    return worst


def _compare(
    probe: Probe,
    prepared: Prepared,
    model: Model,
    network: Network,
    same_verdict: Callable[[Prediction, Prediction], bool],
) -> float:
    got = model.predict(model.evidence(network.look(prepared.pixels)), prepared)
    probabilities = np.array(probe.expected["probabilities"], dtype=np.float64)
    if probabilities.shape != got.probabilities.shape:
        raise _refuse(f"{probe.file} expects {probabilities.size} classes")
    summed = float(probabilities[np.array(model.positive)].sum())
    expected = replace(
        got,
        probabilities=probabilities,
        positive_probability=float(probe.expected.get("positive_probability", summed)),
        ood_p=float(probe.expected["ood_p"]),
        good_p=float(probe.expected.get("good_p", 1.0)),
    )
    rolled_up = expected.positive_probability - got.positive_probability
    apart = np.append(probabilities - got.probabilities, (rolled_up, expected.ood_p - got.ood_p))
    moved = float(np.abs(apart).max())
    if not moved <= TOLERANCE:
        raise _refuse(f"{probe.file} moved by {moved:.2g}, at most {TOLERANCE:g} is accepted")
    if not same_verdict(expected, got):
        raise _refuse(f"{probe.file} would get another verdict")
    return moved


def _refuse(what: str) -> ParityError:
    return ParityError(
        f"The bundle does not score here as it did when it was trained: {what}.",
        hint="Use the versions named in bundle.json, or train and certify again on this machine.",
    )

"""The parity probe: pictures that must score here as they scored when the bundle was trained.

Everything that decides is compared after the whole way (decode, prepare, checks, network, head,
calibration, gates), so a changed decoder, runtime or machine is found before it judges anything.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from core.errors import ParityError
from core.model.estimators.model import Model
from core.model.network.runtime import Network
from core.types import Prediction, Prepared, Unreadable

TOLERANCE = 1e-3
_SCORES = ("positive_probability", "ood_p", "good_p")


@dataclass(frozen=True)
class Probe:
    """One picture with what it must score.

    Attributes:
        file: Its name in the bundle's ``probe`` folder.
        data: The picture's bytes.
        expected: What ``expectation`` wrote down.
    """

    file: str
    data: bytes
    expected: Mapping[str, Any]


def expectation(prediction: Prediction, prepared: Prepared) -> dict[str, Any]:
    """Return what a probe expects, as plain JSON values: all that a verdict depends on."""
    return {
        "probabilities": prediction.probabilities.tolist(),
        "positive_probability": prediction.positive_probability,
        "ood_p": prediction.ood_p,
        "good_p": prediction.good_p,
        "findings": _codes(prediction),
        "measures": {name: float(value) for name, value in prepared.measures.items()},
    }


def _codes(prediction: Prediction) -> list[list[str]]:
    return [[one.reason.value, one.check] for one in prediction.findings]


def run(
    probes: Sequence[Probe],
    pictures: Sequence[Prepared | Unreadable],
    *,
    model: Model,
    network: Network,
    same_verdict: Callable[[Prediction, Prediction], bool],
) -> float:
    """Return the largest difference between the scores of the probes now and as recorded.

    Args:
        probes: The bundle's probes.
        pictures: The probes as they were read and prepared here, in order.
        model: The bundle's model.
        network: The network as it runs here.
        same_verdict: Whether two predictions are judged alike under the current policy.

    Returns:
        The largest difference in any probability or p-value.

    Raises:
        ParityError: There is no probe, one does not read, the network's features do not fit the
            model, a probability or p-value moved by more than ``TOLERANCE``, a measure by more than
            that share of its size, another check failed than did, or a verdict flipped.
    """
    if not probes:
        raise ParityError("The bundle carries no probe pictures.", hint="Train it again.")
    worst = 0.0
    for probe, picture in zip(probes, pictures, strict=True):
        if isinstance(picture, Unreadable):
            raise _refuse(f"{probe.file} does not read: {picture.message}")
        got = _predict(model, network, picture)
        try:
            worst = max(worst, _compare(probe, picture, got, same_verdict))
        except (KeyError, TypeError, AttributeError) as exc:
            raise _refuse(f"what {probe.file} expects is incomplete ({exc!r})") from exc
    return worst


def _predict(model: Model, network: Network, picture: Prepared) -> Prediction:
    try:
        return model.predict(model.evidence(network.extract(picture.pixels), picture), picture)
    except ValueError as exc:
        raise _refuse(f"what the network gives does not fit the model ({exc})") from exc


def _compare(
    probe: Probe,
    picture: Prepared,
    got: Prediction,
    same_verdict: Callable[[Prediction, Prediction], bool],
) -> float:
    expected = replace(
        got,
        probabilities=np.array(probe.expected["probabilities"], dtype=np.float64),
        positive_probability=float(probe.expected["positive_probability"]),
        ood_p=float(probe.expected["ood_p"]),
        good_p=float(probe.expected["good_p"]),
    )
    if expected.probabilities.shape != got.probabilities.shape:
        raise _refuse(f"{probe.file} expects {expected.probabilities.size} classes")
    scores = [getattr(expected, name) - getattr(got, name) for name in _SCORES]
    moved = float(np.abs(np.append(expected.probabilities - got.probabilities, scores)).max())
    # Written so that NaN, which compares false with everything, is refused.
    if not moved <= TOLERANCE:
        raise _refuse(f"{probe.file} moved by {moved:.2g}, at most {TOLERANCE:g} is accepted")
    _compare_measures(probe, picture)
    if probe.expected["findings"] != _codes(got):
        raise _refuse(f"{probe.file} fails other checks: {_codes(got)}")
    if not same_verdict(expected, got):
        raise _refuse(f"{probe.file} would get another verdict")
    return moved


def _compare_measures(probe: Probe, picture: Prepared) -> None:
    expected: Mapping[str, float] = probe.expected["measures"]
    if expected.keys() != picture.measures.keys():
        raise _refuse(f"{probe.file} is measured by {sorted(picture.measures)}")
    for name, value in expected.items():
        if not math.isclose(value, picture.measures[name], rel_tol=TOLERANCE, abs_tol=TOLERANCE):
            raise _refuse(f"the {name} of {probe.file} is {picture.measures[name]}, was {value}")


def _refuse(what: str) -> ParityError:
    return ParityError(
        f"The bundle does not score here as it did when it was trained: {what}.",
        hint="Use the versions named in bundle.json, or train and certify again on this machine.",
    )

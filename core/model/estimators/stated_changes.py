"""Out-of-distribution scores of pictures whose file states that they are stored in another way.

A picture saved at a lower JPEG quality or in another size than any training picture scores higher,
whatever it shows, and its file says so. What such a change does to features on average is
subtracted from them: it hides neither an unseen class nor a fault, as other scores of whole
pictures would. What is left moves the score towards where scores of pictures stored like those of
training lie: location and scale are matched, as for batch effects (Johnson, Li and Rabinovic 2007,
doi 10.1093/biostatistics/kxj037), the scale by half on a logarithmic axis, since more of an unseen
class passes the further scores are drawn together. What a file does not state (light, blur, noise)
moves nothing, and neither does more than was tried on training pictures.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from core.imaging.file_traits import JPEG_QUALITY
from core.types import F32, F64, Prepared

SIZE = "size"
LOSSLESS = 100.0
UNSTATED: Mapping[str, float] = MappingProxyType({})


class Stated(NamedTuple):
    """The fact that a variation changes, and the direction: 1 up, -1 down."""

    fact: str
    direction: float


STATED: Mapping[str, Stated] = {
    "compressed": Stated(JPEG_QUALITY, -1.0),
    "smaller": Stated(SIZE, -1.0),
    "larger": Stated(SIZE, 1.0),
}


def read_facts(prepared: Prepared) -> dict[str, float]:
    """Return what a file states of how a picture is stored.

    Returns:
        The JPEG quality, ``LOSSLESS`` where none is stated, and the logarithm of the shorter side
        of the original in pixels.
    """
    quality = prepared.traits.get(JPEG_QUALITY, LOSSLESS)
    return {
        JPEG_QUALITY: quality if isinstance(quality, float) else LOSSLESS,
        SIZE: math.log(max(min(prepared.source_size), 1)),
    }


@dataclass(frozen=True, eq=False)
class StatedShift:
    """How features move with a fact beyond its values among the training pictures.

    Attributes:
        name: The variation, one of ``STATED``.
        usual: The farthest value of the fact among the training pictures.
        end: How far beyond it features are known.
        features: float32 ``p d``, how standardised features move on average: coefficients of the
            powers of the distance, from the first on. Of bundles made before there are none.
        foreground: float32 ``p f``, the same of the features of the foreground.
    """

    name: str
    usual: float
    end: float
    features: F32
    foreground: F32

    def distance(self, facts: Mapping[str, float]) -> float:
        """Return how far a picture lies beyond the training pictures, from 0 to ``end``."""
        fact, direction = STATED[self.name]
        return min(max(direction * (facts.get(fact, self.usual) - self.usual), 0.0), self.end)

    def unmoved(self, z: F32, facts: Mapping[str, float]) -> F32:
        """Return standardised features ``d`` as if the picture were stored like training's."""
        return self._less(z, self.features, facts)

    def unmoved_foreground(self, foreground: F32, facts: Mapping[str, float]) -> F32:
        """Return the same of the features ``f`` of the foreground."""
        return self._less(foreground, self.foreground, facts)

    def _less(self, values: F32, coefficients: F32, facts: Mapping[str, float]) -> F32:
        distance = self.distance(facts)
        if distance <= 0.0 or not len(coefficients):
            return values
        return np.asarray(values - powers(distance, len(coefficients)) @ coefficients)

    def accepts(self, width: int) -> bool:
        """Return whether the arrays agree with each other and with ``width`` features."""
        count = len(self.features)
        return len(self.foreground) == count and (not count or self.features.shape[1] == width)


class StatedChange(NamedTuple):
    """How scores move with a fact, once the features have been moved.

    Attributes:
        shift: How these move.
        mean: Coefficients of the mean score, a polynomial of the distance, highest power first.
        deviation: The same of the standard deviation.
        usual_mean: Mean score of the training pictures as they are.
        usual_deviation: Their standard deviation.
    """

    shift: StatedShift
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    usual_mean: float
    usual_deviation: float

    def adjust(self, score: float, facts: Mapping[str, float]) -> float:
        """Return the score of a picture as if stored like those of training; never a higher one.

        Args:
            score: Its score; NaN stays NaN.
            facts: As ``read_facts`` returns them.
        """
        distance = self.shift.distance(facts)
        if distance <= 0.0:
            return score
        mean = max(float(np.polyval(self.mean, distance)), self.usual_mean)
        deviation = max(float(np.polyval(self.deviation, distance)), self.usual_deviation)
        scale = math.sqrt(self.usual_deviation / deviation)
        return min(score, self.usual_mean + (score - mean) * scale)


def powers(distance: float | F64, count: int) -> F32:
    """Return powers of distances from the first on, float32 ``... count``."""
    found: F32 = np.power.outer(distance, np.arange(1, count + 1)).astype(np.float32)
    return found

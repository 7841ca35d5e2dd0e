"""Out-of-distribution scores of pictures whose file states that they are stored in another way.

A picture saved at a lower JPEG quality or in another size than any training picture scores higher,
whatever it shows, and its file says so. Its score is moved towards where scores of pictures stored
like those of training lie: location and scale are matched, as for batch effects (Johnson, Li and
Rabinovic 2007, doi 10.1093/biostatistics/kxj037), the scale by half on a logarithmic axis, since
more of an unseen class passes the further scores are drawn together. What a file does not state
(light, blur, noise) moves nothing, and neither does more than was tried on training pictures.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from core.imaging.file_traits import JPEG_QUALITY
from core.types import Prepared

SIZE = "size"
LOSSLESS = 100.0


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


class StatedChange(NamedTuple):
    """How scores move with a fact beyond its values among the training pictures.

    Attributes:
        name: The variation, one of ``STATED``.
        usual: The farthest value of the fact among the training pictures.
        end: How far beyond it scores are known.
        mean: Coefficients of the mean score, a polynomial of the distance, highest power first.
        deviation: The same of the standard deviation.
        usual_mean: Mean score of the training pictures as they are.
        usual_deviation: Their standard deviation.
    """

    name: str
    usual: float
    end: float
    mean: tuple[float, ...]
    deviation: tuple[float, ...]
    usual_mean: float
    usual_deviation: float

    def distance(self, facts: Mapping[str, float]) -> float:
        """Return how far a picture lies beyond the training pictures, from 0 to ``end``."""
        fact, direction = STATED[self.name]
        return min(max(direction * (facts[fact] - self.usual), 0.0), self.end)

    def adjust(self, score: float, facts: Mapping[str, float]) -> float:
        """Return the score of a picture as if stored like those of training; never a higher one.

        Args:
            score: Its score; NaN stays NaN.
            facts: As ``read_facts`` returns them.
        """
        distance = self.distance(facts)
        if distance <= 0.0:
            return score
        mean = max(float(np.polyval(self.mean, distance)), self.usual_mean)
        deviation = max(float(np.polyval(self.deviation, distance)), self.usual_deviation)
        scale = math.sqrt(self.usual_deviation / deviation)
        return min(score, self.usual_mean + (score - mean) * scale)

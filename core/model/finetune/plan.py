"""How tails learn, and from what."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from core.model.finetune.maps import Maps
from core.types import F32

USUAL_PLACES = 14 * 14  # of a map of a picture of 224 pixels a side
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class FinetunePlan:
    """How tails learn; the defaults were chosen on tuning seeds of ELPV, not on any test split.

    Attributes:
        folds: How many tails there are, each learning without its own fold.
        epochs: At most so many.
        patience: Epochs without a smaller loss on the inner validation before learning stops.
        batch: Pictures a step.
        rate: Highest learning rate of the stages.
        head_rate: Highest learning rate of the head.
        decay: Weight decay.
        memory: How slowly the average of the weights follows them.
        most_steps: Pictures of usual size learned from over all folds and epochs, beyond which
            there are fewer epochs: this bounds the time.
        least_epochs: But never fewer than these.
        seed: Seed of folds, order, views and dropout.
    """

    folds: int = 3
    epochs: int = 5
    patience: int = 4
    batch: int = 32
    rate: float = 5e-4
    head_rate: float = 1.5e-3
    decay: float = 0.05
    average_decay: float = 0.99
    most_steps: int = 30_000
    least_epochs: int = 3
    seed: int = 0

    def for_pictures(self, n: int, places: int = USUAL_PLACES) -> FinetunePlan:
        """Return a plan of as many epochs as there is time for.

        Args:
            n: Number of training pictures.
            places: Height times width of a map; larger ones cost more.
        """
        affordable = self.most_steps * USUAL_PLACES // max(1, n * (self.folds - 1) * places)
        return replace(self, epochs=min(self.epochs, max(self.least_epochs, affordable)))


@dataclass(frozen=True)
class FoldData:
    """What one fold learns from.

    Attributes:
        maps: The trunk's maps of all pictures.
        targets: float32 ``n k``, probabilities of the classes, or of each label by itself.
        is_multilabel: Whether a picture may have several labels.
        learn: Rows to learn from.
        watch: Rows to choose the epoch by; of other groups than ``training``.
        number: The fold's.
    """

    maps: Maps
    targets: F32
    is_multilabel: bool
    training: Rows
    validation: Rows
    number: int

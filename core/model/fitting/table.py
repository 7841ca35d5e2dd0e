"""Features and labels of the training pictures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.types import F32, F64


@dataclass(frozen=True)
class FeatureTable:
    """Features of labelled pictures, axes ``n`` (pictures) and ``d`` (pooled features).

    Attributes:
        pooled: float32 ``n d``.
        labels: int64 ``n``, index into the classes; the rarest of a picture's several labels.
        groups: str ``n``.
        measures: Quality measure to float64 ``n``.
        sound: bool ``n``, False where the pack itself refused the picture.
        gated: How many of the first features the OOD gate looks at.
        targets: bool ``n k``, which labels each picture has, where it may have several; else None.
        log_odds: float64 ``n``, by a memory bank without each picture's group; else None.
        tail: float64 ``n k``, class scores of the fine-tuned stages that never saw each picture's
            group; else None.
        asymmetry: float32 ``n q``, how each picture's left differs from its right, where ways are
            learned; else None.
        foreground: float32 ``n f``, the last features pooled over the foreground, where a head for
            pictures unlike these is learned; else None.
        stated: What each file states of how it is stored to float64 ``n``; empty where nobody
            read it.
    """

    pooled: F32
    labels: NDArray[np.int64]
    groups: NDArray[np.str_]
    measures: Mapping[str, F64]
    sound: NDArray[np.bool_]
    gated: int
    targets: NDArray[np.bool_] | None = None
    log_odds: F64 | None = None
    tail: F64 | None = None
    asymmetry: F32 | None = None
    foreground: F32 | None = None
    stated: Mapping[str, F64] = field(default_factory=dict)

    def pick(self, rows: NDArray[np.bool_]) -> FeatureTable:
        """Return some of the pictures."""
        return FeatureTable(
            self.pooled[rows],
            self.labels[rows],
            self.groups[rows],
            {name: values[rows] for name, values in self.measures.items()},
            self.sound[rows],
            self.gated,
            None if self.targets is None else self.targets[rows],
            None if self.log_odds is None else self.log_odds[rows],
            None if self.tail is None else self.tail[rows],
            None if self.asymmetry is None else self.asymmetry[rows],
            None if self.foreground is None else self.foreground[rows],
            {name: values[rows] for name, values in self.stated.items()},
        )

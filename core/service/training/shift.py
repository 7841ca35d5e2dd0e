"""The head for pictures unlike those of training, of a training run."""

from __future__ import annotations

import numpy as np

from core.model.estimators.shift import ShiftHead
from core.model.fitting.shift import PaintedFeatures, fit_shift_head
from core.model.fitting.table import FeatureTable
from core.service.training.training_set import TrainingSet


def shift_head_of(
    training_set: TrainingSet, table: FeatureTable, painted: PaintedFeatures | None
) -> ShiftHead | None:
    """Return the head, or that of the bundle started from where there are too few subjects.

    Args:
        training_set: Says which classes are of which subject.
        table: The training pictures.
        painted: Copies of some of them with the background painted over.
    """
    subjects = training_set.pack.subjects
    if subjects is None or table.foreground is None or training_set.is_multilabel:
        return None
    of_class = [subjects.of_label(label) for label in training_set.classes]
    fitted = fit_shift_head(
        table.foreground,
        np.array(training_set.positive)[table.labels],
        [of_class[label] for label in table.labels],
        painted,
    )
    return fitted or (training_set.start.bundle.model.shift if training_set.start else None)

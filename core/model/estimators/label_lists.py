"""What a model says of a picture's labels, where somebody may have named its subject."""

from __future__ import annotations

import numpy as np

from core.decision.label_sets import choose_label_set, roll_up
from core.decision.named_subject import NamedSubject, restrict_to_subject
from core.model.estimators.model import Model
from core.types import Prediction


def list_labels(
    model: Model, prediction: Prediction, subject: NamedSubject | None
) -> tuple[tuple[str, ...], dict[str, float]]:
    """Return the label set, most probable first, and the probability of each superclass.

    Both are empty where a picture may have several labels.
    """
    reference, p = model.label_reference, prediction.probabilities
    if reference is None:
        return (), {}
    chosen = choose_label_set(reference, p, subject.name if subject else "")
    order = np.argsort(-p, kind="stable")
    names = tuple(model.classes[i] for i in order if chosen[i])
    return names, roll_up(p, reference.superclasses)


def restrict(model: Model, prediction: Prediction, subject: NamedSubject | None) -> Prediction:
    """Return a prediction among the labels of the subject, as it is where none is named."""
    if subject is None or model.label_reference is None:
        return prediction
    return restrict_to_subject(prediction, model.label_reference, model.positive, subject)

"""Labelled pictures after the network, lined up for fitting and for certifying."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.decision.label_sets import LabelReference, fit_label_reference
from core.decision.multilabel import rarest
from core.decision.policy import Cases
from core.model.estimators.model import Model
from core.model.estimators.stated_changes import read_facts
from core.model.fitting.table import FeatureTable
from core.packs import DomainPack, superclasses_of
from core.service.data.labels import targets_of
from core.service.data.pictures import PictureFeatures


def table_of(
    readable: Sequence[PictureFeatures],
    classes: tuple[str, ...],
    gated: int,
    *,
    is_multilabel: bool = False,
) -> FeatureTable:
    """Return labelled pictures as the table that ``fit`` takes.

    Args:
        readable: The pictures.
        classes: Class names.
        gated: How many of the first features the OOD gate looks at.
        is_multilabel: Whether a picture may have several labels.
    """
    names = readable[0].prepared.measures if readable else {}
    facts = [read_facts(one.prepared) for one in readable]
    targets = targets_of([one.row for one in readable], classes)
    return FeatureTable(
        pooled=np.stack([one.output.pooled for one in readable]),
        labels=rarest(targets),
        groups=np.array([one.row.group for one in readable], np.str_),
        measures={
            name: np.array([one.prepared.measures[name] for one in readable], np.float64)
            for name in names
        },
        sound=np.array([not one.prepared.findings for one in readable], np.bool_),
        gated=gated,
        targets=targets if is_multilabel else None,
        asymmetry=np.stack([one.output.asymmetry for one in readable]),
        foreground=np.stack([one.output.foreground for one in readable]),
        stated={
            name: np.array([one[name] for one in facts], np.float64)
            for name in (facts[0] if facts else {})
        },
    )


def cases_of(model: Model, readable: Sequence[PictureFeatures]) -> Cases:
    """Return the scored cases of labelled pictures, as certificates take them."""
    evidence = [model.evidence(one.output, one.prepared) for one in readable]
    predictions = [
        model.predict(e, one.prepared) for e, one in zip(evidence, readable, strict=True)
    ]
    flags = dict(zip(model.classes, model.positive, strict=True))
    return Cases(
        positive_probability=np.array([p.positive_probability for p in predictions], np.float64),
        ood_p=np.array([p.ood_p for p in predictions], np.float64),
        gates_passed=np.array([not p.findings for p in predictions], np.bool_),
        positive=np.array(
            [any(flags[name] for name in one.row.labels) for one in readable], np.bool_
        ),
        group=np.array([one.row.group for one in readable], np.str_),
    )


def label_reference_of(
    model: Model, readable: Sequence[PictureFeatures], pack: DomainPack
) -> LabelReference | None:
    """Return what label sets are measured by; None where a picture may have several labels.

    Args:
        model: The fitted model.
        readable: Labelled pictures that nothing was fitted on; there may be none.
        pack: Says what labels roll up to and which subject they are of.
    """
    if model.is_multilabel:
        return None
    found = [
        model.predict(model.evidence(one.output, one.prepared), one.prepared) for one in readable
    ]
    subject = pack.subjects.of_label if pack.subjects else lambda _label: ""
    return fit_label_reference(
        np.array([p.probabilities for p in found]).reshape(-1, len(model.classes)),
        np.array([model.classes.index(one.row.labels[0]) for one in readable], np.int64),
        np.array([one.row.group for one in readable], np.str_),
        superclasses_of(pack, model.classes, model.positive),
        [subject(label) for label in model.classes],
    )

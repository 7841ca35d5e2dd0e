"""Labelled cases that the tests of policies certify on, drawn or by hand."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import strategies as st

from core.decision.policy import Cases
from core.types import Disposition, Targets

NEGATIVE, POSITIVE, DEFER = (d.value for d in Disposition)

PROBABILITY = st.integers(0, 8).map(lambda i: i / 8)
IMAGE = st.tuples(
    PROBABILITY | st.just(math.nan),
    st.sampled_from([0.001, 0.01, 0.3, 1.0, 1.0, 1.0, math.nan]),
    st.sampled_from([True, True, True, False]),
    st.booleans(),
    st.integers(0, 12),
)
IMAGES = st.lists(IMAGE, max_size=60)
TARGETS = st.builds(
    Targets,
    escape=st.sampled_from([1e-9, 0.05, 0.2, 0.4, 0.99]),
    overkill=st.sampled_from([1e-9, 0.05, 0.2, 0.4, 0.99]),
    confidence=st.sampled_from([0.5, 0.8, 0.95]),
    ood_alpha=st.sampled_from([0.0, 0.01, 1.0]),
    review_budget=st.sampled_from([None, None, 0.0, 0.2, 1.0]),
)


def cases(images):
    columns = list(zip(*images, strict=True)) or [()] * 5
    return Cases(
        np.array(columns[0], float),
        np.array(columns[1], float),
        np.array(columns[2], bool),
        np.array(columns[3], bool),
        np.array([f"g{number}" for number in columns[4]], str),
    )


def plain(p, positive, group=None):
    """Give cases that pass every gate, one per group by default."""
    p = np.asarray(p, float)
    group = np.arange(p.size) if group is None else np.asarray(group)
    passed = np.ones(p.size, bool)
    return Cases(p, np.ones(p.size), passed, np.asarray(positive, bool), group.astype(str))


def population(n, seed, ood=0.05, blurred=0.05):
    """Draw single-image groups, 30 % positive, with overlapping scores and imperfect gates."""
    rng = np.random.default_rng(seed)
    positive = rng.random(n) < 0.3
    return Cases(
        np.where(positive, rng.beta(3, 1.5, n), rng.beta(1.5, 4, n)),
        np.where(rng.random(n) < ood, 0.001, 1.0),
        rng.random(n) >= blurred,
        positive,
        np.arange(n).astype(str),
    )

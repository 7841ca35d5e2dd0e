"""What a bundle carries of its training pictures: those to compare with, those to be probed by."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from core.model.explain import Known
from core.model.fitted import Model
from core.model.parity import Probe, expectation
from core.service.labels import written
from core.service.reading import Seen

KNOWN_CASES = 4000
PROBES = 8


def known_cases(model: Model, seen: Sequence[Seen], seed: int) -> Known:
    """Keep the training pictures to compare with: all, or a bounded draw of a large set."""
    rows = np.arange(len(seen))
    if len(seen) > KNOWN_CASES:
        rows = np.sort(np.random.default_rng(seed).permutation(rows)[:KNOWN_CASES])
    kept = [seen[int(i)] for i in rows]
    return Known(
        features=np.stack([model.evidence(one.look).features for one in kept]),
        labels=tuple(written(one.row) for one in kept),
        names=tuple(one.row.file.name for one in kept),
        jpegs=tuple(one.jpeg for one in kept),
    )


def probes(model: Model, seen: Sequence[Seen]) -> list[Probe]:
    """Choose probes spread evenly over the probability, where a flip would show first."""
    said = [model.predict(model.evidence(one.look), one.prepared) for one in seen]
    order = np.argsort([p.positive_probability for p in said], kind="stable")
    picked = order[np.unique(np.linspace(0, len(order) - 1, PROBES).round().astype(int))]
    return [
        Probe(
            f"{place}{seen[i].row.file.suffix.lower()}",
            seen[i].row.file.read_bytes(),
            expectation(said[i]),
        )
        for place, i in enumerate(picked)
    ]

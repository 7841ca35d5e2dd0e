"""What a bundle carries of its training pictures: those to compare with, those to be probed by."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from core.model.explain import Known
from core.model.fitted import Model
from core.model.parity import Probe, expectation
from core.model.runtime import Network
from core.packs import DomainPack
from core.service.labels import written
from core.service.reading import Seen

KNOWN_CASES = 4000
PROBES = 8


def known_cases(model: Model, seen: Sequence[Seen], seed: int, *, pictures: bool) -> Known:
    """Keep the training pictures to compare with: all, or a bounded draw of a large set.

    Without ``pictures`` only features and labels are kept, no thumbnail and no file name.
    """
    rows = np.arange(len(seen))
    if len(seen) > KNOWN_CASES:
        rows = np.sort(np.random.default_rng(seed).permutation(rows)[:KNOWN_CASES])
    kept = [seen[int(i)] for i in rows]
    return Known(
        features=np.stack([model.evidence(one.look).features for one in kept]),
        labels=tuple(written(one.row) for one in kept),
        names=tuple(one.row.file.name if pictures else "" for one in kept),
        jpegs=tuple(one.jpeg if pictures else b"" for one in kept),
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


def made_probes(
    model: Model, pack: DomainPack, network: Network, size: int, max_pixels: int
) -> list[Probe]:
    """Make probes out of smooth noise, for a bundle that shows nobody's picture.

    What the pictures show is of no matter: the same bytes must score as they scored here.
    """
    made = []
    for seed in range(PROBES):
        data = _noise(seed, size)
        prepared = pack.prepare(pack.read(data, max_pixels, size), size)
        said = model.predict(model.evidence(network.look(prepared.pixels)), prepared)
        made.append(Probe(f"{seed}.png", data, expectation(said)))
    return made


def _noise(seed: int, size: int) -> bytes:
    coarse = np.random.default_rng(seed).integers(0, 256, (4 + 2 * seed,) * 2, dtype=np.uint8)
    smooth = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)
    done, data = cv2.imencode(".png", smooth)
    if not done:
        raise ValueError(f"smooth: the PNG encoder refused shape {smooth.shape}")
    return bytes(data)

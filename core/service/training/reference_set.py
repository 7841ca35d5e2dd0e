"""What a bundle carries of its training pictures: those to compare with, those to be probed by."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from core.model.bundle.parity import Probe, expectation
from core.model.estimators.model import Model
from core.model.explain import Known
from core.model.network.runtime import Network
from core.packs import DomainPack
from core.service.data.labels import format_labels
from core.service.data.pictures import PictureFeatures
from core.types import F64, U8, Prediction, Prepared

KNOWN_CASES = 4000
SPREAD = 6  # probes along the probability
NEAREST = 2  # probes at each limit
MADE = 48  # made pictures of a kind that probes are chosen from
AVERAGED = 32  # pictures in a mean: none of them can be recognised in it
LEVELS = (0.9, 0.7, 0.5, 0.3, 0.1)  # probabilities that made pictures are brought to
TRIES = 40  # changes tried on the way to a level
CLOSE = 0.05


def known_cases(
    model: Model, readable: Sequence[PictureFeatures], seed: int, *, pictures: bool
) -> Known:
    """Return the training pictures to compare with: all, or a bounded draw of a large set.

    Without ``pictures`` only features and labels are kept, no thumbnail and no file name.
    """
    rows = np.arange(len(readable))
    if len(readable) > KNOWN_CASES:
        rows = np.sort(np.random.default_rng(seed).permutation(rows)[:KNOWN_CASES])
    kept = [readable[int(i)] for i in rows]
    return Known(
        features=np.stack([model.evidence(one.output, one.prepared).features for one in kept]),
        labels=tuple(format_labels(one.row) for one in kept),
        names=tuple(one.row.file.name if pictures else "" for one in kept),
        jpegs=tuple(one.jpeg if pictures else b"" for one in kept),
    )


def probes(model: Model, readable: Sequence[PictureFeatures]) -> list[Probe]:
    """Return the pictures, of those given, that would show a change first.

    Args:
        model: The fitted model.
        readable: Pictures that nothing was fitted on, where there are any.
    """
    predictions = [
        model.predict(model.evidence(one.output, one.prepared), one.prepared) for one in readable
    ]
    return [
        Probe(
            f"{place}{readable[i].row.file.suffix.lower()}",
            readable[i].row.file.read_bytes(),
            expectation(predictions[i], readable[i].prepared),
        )
        for place, i in enumerate(choose_probes(predictions))
    ]


def choose_probes(predictions: Sequence[Prediction]) -> list[int]:
    """Return which pictures to probe by: near the limits, where verdicts flip, and all along.

    They are spread evenly over the probability, and beside these come the ones nearest to a half,
    those that the out-of-distribution gate finds least and most usual but does not stop at once,
    and those that fail a check.
    """
    p = np.array([one.positive_probability for one in predictions])
    ood_p = np.array([one.ood_p for one in predictions])
    failing = np.array([bool(one.findings) for one in predictions])
    order = np.argsort(p, kind="stable")
    spread = order[np.unique(np.linspace(0, len(order) - 1, SPREAD).round().astype(int))]
    picked = [
        *spread,
        *np.argsort(np.abs(p - 0.5), kind="stable")[:NEAREST],
        *np.argsort(np.where(failing, np.inf, ood_p), kind="stable")[:NEAREST],
        *np.flatnonzero(failing)[:NEAREST],
    ]
    return list(dict.fromkeys(int(i) for i in picked))


def made_probes(
    model: Model,
    readable: Sequence[PictureFeatures],
    pack: DomainPack,
    network: Network,
    size: int,
    max_pixels: int,
) -> list[Probe]:
    """Return probes for a bundle that shows nobody's picture.

    Of means of many pictures, and of smooth noise, on which checks fail, those are kept that
    ``choose_probes`` picks. Nearly all of them look abnormal, far from any limit; so some are
    changed until they lie between, where a small change of the network flips a verdict. What they
    show is of no matter: the same bytes must score as they scored here.
    """

    def judge(data: bytes) -> tuple[bytes, Prepared, Prediction]:
        prepared = pack.prepare(pack.read(data, max_pixels, size), size)
        return (
            data,
            prepared,
            model.predict(model.evidence(network.extract(prepared.pixels), prepared), prepared),
        )

    def chance(data: bytes) -> float:
        return judge(data)[2].positive_probability

    p = np.array(
        [
            model.predict(model.evidence(o.output, o.prepared), o.prepared).positive_probability
            for o in readable
        ]
    )
    means = [_mean([readable[i].jpeg for i in near], size) for near in _neighbours(p)]
    made = [judge(data) for data in (*means, *(_noise(seed, size) for seed in range(MADE)))]
    for level in LEVELS:
        nearest = min(made, key=lambda one: abs(one[2].positive_probability - level))
        made.append(judge(bring_to(level, nearest[0], chance)))
    chosen = [*choose_probes([one[2] for one in made]), *range(len(made) - len(LEVELS), len(made))]
    return [
        Probe(f"{i}.png", data, expectation(prediction, prepared))
        for i, (data, prepared, prediction) in ((i, made[i]) for i in dict.fromkeys(chosen))
    ]


def bring_to(level: float, data: bytes, chance: Callable[[bytes], float]) -> bytes:
    """Return a picture changed by noise, as far as that brings its probability near a level.

    Steps of random size and coarseness are tried, a step that helps again; the rest are dropped.

    Args:
        level: The probability to come near to.
        data: The picture to begin with, as PNG.
        chance: Gives the probability of a picture.
    """
    rng = np.random.default_rng(round(100 * level))
    pixels = _pixels(data)
    apart, step = abs(chance(data) - level), None
    for _ in range(TRIES):
        if apart < CLOSE:
            break
        step = _field(rng, pixels.shape[0]) if step is None else step * rng.uniform(0.5, 1.5)
        changed = np.clip(pixels + step, 0, 255).round()
        drawn = _png(changed.astype(np.uint8))
        found = abs(chance(drawn) - level)
        if found < apart:
            data, pixels, apart = drawn, changed, found
        else:
            step = None
    return data


def _field(rng: np.random.Generator, size: int) -> F64:
    side = int(size ** rng.uniform(0.2, 1.0))
    field = cv2.resize(
        rng.standard_normal((side, side)), (size, size), interpolation=cv2.INTER_CUBIC
    )
    return np.asarray(field[:, :, None] / max(float(field.std()), 1e-6) * rng.uniform(3, 20))


def _neighbours(p: F64) -> Iterator[NDArray[np.intp]]:
    """Yield sets of pictures of like probability, each too large to show one of them."""
    order = np.argsort(p, kind="stable")
    if len(order) >= AVERAGED:
        for start in np.linspace(0, len(order) - AVERAGED, MADE).round().astype(int):
            yield order[start : start + AVERAGED]


def _mean(thumbnails: Sequence[bytes], size: int) -> bytes:
    """Return the mean picture as PNG, with the spread of values that the pictures have."""
    decoded = [_pixels(one) for one in thumbnails]
    mean = np.mean(decoded, axis=0)
    spread = float(np.mean([one.std() for one in decoded])) / max(float(mean.std()), 1.0)
    stretched = np.clip((mean - mean.mean()) * spread + mean.mean(), 0, 255).round()
    return _png(cv2.resize(stretched.astype(np.uint8), (size, size), interpolation=cv2.INTER_CUBIC))


def _noise(seed: int, size: int) -> bytes:
    rng = np.random.default_rng(seed)
    low, high = np.sort(rng.integers(0, 256, 2))
    coarse = rng.integers(low, high, (4 + 2 * (seed % 16),) * 2, endpoint=True, dtype=np.uint8)
    return _png(
        np.asarray(cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC), np.uint8)
    )


def _pixels(data: bytes) -> F64:
    return np.asarray(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), np.float64)


def _png(pixels: U8) -> bytes:
    done, data = cv2.imencode(".png", pixels)
    if not done:
        raise ValueError(f"pixels: the PNG encoder refused shape {pixels.shape}")
    return bytes(data)

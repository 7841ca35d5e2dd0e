"""Features of corrupted training pictures: wrong presentations, corruptions, variations."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import cycle, islice

import numpy as np

from core.errors import InferenceStalled
from core.imaging import corruptions, variations
from core.imaging.depth import Depths
from core.imaging.foreground import paint_background
from core.imaging.sandbox import Sandbox
from core.labelled import Row
from core.model.estimators.discriminants import CorruptedFeatures
from core.model.fitting.shift import PaintedFeatures
from core.model.fitting.variations import VariedFeatures
from core.model.network.runtime import Network
from core.ordered_map import ordered_map
from core.packs import DomainPack, entry_of
from core.service.data.pictures import Picture, read_pictures
from core.service.progress import Progress
from core.settings import Settings
from core.types import U8, Frame, NetworkOutput, Prepared

MAX_PRESENTATIONS = 2000
MAX_CORRUPTIONS = 1200
MAX_VARIATIONS = 600
MAX_PAINTED = 2000
CORRUPTIONS_PER_PICTURE = 2  # Or more where a kind would have fewer pictures than the target.
TARGET_PER_KIND = 30
MIN_PER_KIND = 10  # Pictures of a kind, below which it is not learned.
MIN_PICTURES = 20  # Below it corruptions are not learned: clean scores vary too much.

Transform = Callable[[Prepared, np.random.Generator], tuple[Prepared, float] | None]
"""From a prepared picture to a corrupted one and its strength; None where it does not apply."""


@dataclass(frozen=True)
class Extraction:
    """What extracts features of corrupted pictures."""

    pack: DomainPack
    network: Network
    size: int
    settings: Settings
    progress: Progress
    depths: Depths = field(default_factory=dict)


@dataclass(frozen=True)
class CorruptedSets:
    """Features of corrupted training pictures; None where there are too few to learn from.

    Attributes:
        presentations: In the pack's wrong presentations, one each; None where it names none.
        corruptions: With known corruptions, at least two each.
        variations: Varied as pictures vary from day to day, at least one variation each.
        painted: With the background painted over, where the pack's pictures have subjects.
    """

    presentations: CorruptedFeatures | None
    corruptions: CorruptedFeatures | None
    variations: VariedFeatures | None
    painted: PaintedFeatures | None = None


@dataclass(frozen=True)
class SamplingPlan:
    """Kinds that are applied in turn: how many to a picture, and how many pictures at most."""

    kinds: Mapping[str, Transform]
    each: int
    most: int

    def pictures(self, n: int) -> int:
        """Return how many of ``n`` pictures are used."""
        return min(n, self.most // self.each)


@dataclass(frozen=True)
class _CorruptedSample:
    plans: str
    of: int
    kind: int
    strength: float
    ready: Prepared


_Extracted = list[tuple[_CorruptedSample, NetworkOutput]]


def extract_corrupted(rows: Sequence[Row], extraction: Extraction, seed: int) -> CorruptedSets:
    """Return features of training pictures under all corruptions, each picture read once.

    Args:
        rows: The training pictures.
        extraction: Network, pack and settings; the pack names the wrong presentations.
        seed: Of the draw of the pictures and of the corruptions.

    Raises:
        InferenceStalled: The network did not answer in time.
    """
    plans = _sampling_plans(extraction, len(rows))
    extracted = _extract(rows, plans, extraction, seed)
    found = {
        name: _corrupted_features(one, plans[name].kinds, rows) for name, one in extracted.items()
    }
    varied = extracted.get("variations")
    return CorruptedSets(
        presentations=found.get("presentations"),
        corruptions=found.get("corruptions"),
        variations=_varied_features(varied, tuple(plans["variations"].kinds)) if varied else None,
        painted=_painted_features(extracted.get("painted", [])),
    )


def _sampling_plans(extraction: Extraction, n: int) -> dict[str, SamplingPlan]:
    """Return what can be learned from ``n`` pictures."""
    plans, presentations = {}, extraction.pack.wrong_presentations
    if presentations and n >= MIN_PER_KIND * len(presentations):
        plans["presentations"] = SamplingPlan(
            {k: _presentation_transform(way) for k, way in presentations.items()},
            1,
            MAX_PRESENTATIONS,
        )
    if n >= MIN_PICTURES:
        broken = {name: _corruption_transform(name) for name in corruptions.FAULTS}
        varied = {name: _variation_transform(name, extraction) for name in variations.VARIATIONS}
        plans["corruptions"] = SamplingPlan(
            broken, _each(CORRUPTIONS_PER_PICTURE, len(broken), n), MAX_CORRUPTIONS
        )
        plans["variations"] = SamplingPlan(varied, _each(1, len(varied), n), MAX_VARIATIONS)
        if extraction.pack.subjects:
            painted = {"painted": _presentation_transform(paint_background)}
            plans["painted"] = SamplingPlan(painted, 1, MAX_PAINTED)
    return plans


def _painted_features(extracted: _Extracted) -> PaintedFeatures | None:
    if not extracted:
        return None
    return PaintedFeatures(
        np.stack([output.foreground for _, output in extracted]),
        np.array([sample.of for sample, _ in extracted], np.int64),
    )


def _each(least: int, kinds: int, n: int) -> int:
    return min(kinds, max(least, math.ceil(TARGET_PER_KIND * kinds / n)))


def _presentation_transform(way: Callable[[U8], U8]) -> Transform:
    return lambda ready, _rng: (replace(ready, pixels=np.ascontiguousarray(way(ready.pixels))), 1.0)


def _corruption_transform(name: str) -> Transform:
    def work(ready: Prepared, rng: np.random.Generator) -> tuple[Prepared, float] | None:
        if not corruptions.suits(name, ready.pixels):
            return None
        return replace(ready, pixels=corruptions.corrupt_randomly(ready.pixels, name, rng)), 1.0

    return work


def _variation_transform(name: str, extraction: Extraction) -> Transform:
    """Return a transform that prepares the varied picture again: its measures change too."""

    def work(ready: Prepared, rng: np.random.Generator) -> tuple[Prepared, float] | None:
        if not variations.suits(name, ready.pixels):
            return None
        frame = Frame(ready.pixels, 8, ready.sha256, ready.source_size)
        varied, strength = variations.vary_randomly(frame, name, rng)
        again = extraction.pack.prepare(varied, extraction.size)
        return None if again.findings else (again, strength)

    return work


def _extract(
    rows: Sequence[Row], plans: Mapping[str, SamplingPlan], extraction: Extraction, seed: int
) -> dict[str, _Extracted]:
    longest = max((one.pictures(len(rows)) for one in plans.values()), default=0)
    order = np.random.default_rng(seed).permutation(len(rows))[:longest]
    total = sum(one.each * one.pictures(len(rows)) for one in plans.values())
    extracted: dict[str, _Extracted] = {name: [] for name in plans}

    def extract(sample: _CorruptedSample) -> tuple[_CorruptedSample, NetworkOutput]:
        light = replace(sample.ready, pixels=sample.ready.pixels[:1, :1].copy())
        return replace(sample, ready=light), extraction.network.extract(sample.ready.pixels)

    if not extracted:
        return extracted
    with Sandbox(
        entry_of(extraction.pack.name), extraction.size, extraction.settings, extraction.depths
    ) as sandbox:
        pictures = read_pictures([rows[i] for i in order], sandbox, extraction.settings)
        results = ordered_map(
            extract,
            _iterate_samples(zip(order.tolist(), pictures, strict=True), plans, len(rows), seed),
            workers=extraction.settings.workers,
            timeout_s=extraction.settings.inference_timeout_s,
            stalled=_raise_stalled,
        )
        for done, one in enumerate(results, 1):
            extraction.progress("Extracting corrupted ones", done, total)
            extracted[one[0].plans].append(one)
    return extracted


def _iterate_samples(
    pictures: Iterable[tuple[int, Picture]], plans: Mapping[str, SamplingPlan], n: int, seed: int
) -> Iterator[_CorruptedSample]:
    numbers = {name: cycle(range(len(one.kinds))) for name, one in plans.items()}
    transforms = {name: list(one.kinds.values()) for name, one in plans.items()}
    for place, (of, (_, ready, _)) in enumerate(pictures):
        if not isinstance(ready, Prepared) or ready.findings:
            continue
        for name in (name for name, one in plans.items() if place < one.pictures(n)):
            rng = np.random.default_rng([seed, place])
            for kind in islice(numbers[name], plans[name].each):
                made = transforms[name][kind](ready, rng)
                if made is not None:
                    yield _CorruptedSample(name, of, kind, made[1], made[0])


def _corrupted_features(
    extracted: _Extracted, kinds: Mapping[str, Transform], rows: Sequence[Row]
) -> CorruptedFeatures | None:
    """Return the kinds that there are enough pictures of."""
    count = np.bincount([sample.kind for sample, _ in extracted], minlength=len(kinds))
    kept = np.flatnonzero(count >= MIN_PER_KIND)
    number = {int(kind): place for place, kind in enumerate(kept)}
    enough = [(sample, output) for sample, output in extracted if sample.kind in number]
    if not enough:
        return None
    return CorruptedFeatures(
        names=tuple(list(kinds)[kind] for kind in kept),
        pooled=np.stack([output.pooled for _, output in enough]),
        kind=np.array([number[sample.kind] for sample, _ in enough], np.int64),
        groups=np.array([rows[sample.of].group for sample, _ in enough], np.str_),
        asymmetry=np.stack([output.asymmetry for _, output in enough]),
    )


def _varied_features(extracted: _Extracted, names: tuple[str, ...]) -> VariedFeatures:
    measured = extracted[0][0].ready.measures
    return VariedFeatures(
        names=names,
        pooled=np.stack([output.pooled for _, output in extracted]),
        asymmetry=np.stack([output.asymmetry for _, output in extracted]),
        kind=np.array([sample.kind for sample, _ in extracted], np.int64),
        strength=np.array([sample.strength for sample, _ in extracted]),
        of=np.array([sample.of for sample, _ in extracted], np.int64),
        measures={
            name: np.array([sample.ready.measures[name] for sample, _ in extracted])
            for name in measured
        },
        foreground=np.stack([output.foreground for _, output in extracted]),
    )


def _raise_stalled(_shot: object, exc: InferenceStalled) -> tuple[_CorruptedSample, NetworkOutput]:
    raise exc

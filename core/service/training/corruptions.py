"""Features of corrupted training pictures: wrong presentations, corruptions, variations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.errors import InferenceStalled
from core.imaging.corrupted import CORRUPTIONS, VARIATIONS
from core.labelled import Row
from core.model.estimators.discriminants import CorruptedFeatures
from core.model.fitting.shift import PaintedFeatures
from core.model.fitting.variations import VariedFeatures
from core.ordered_map import ordered_map
from core.service.training.corrupted_samples import (
    MIN_PER_KIND,
    PAINTED,
    PRESENTATIONS,
    CorruptedSample,
    Extraction,
    SamplingPlan,
    iterate_samples,
    sampling_plans,
)
from core.types import NetworkOutput


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


_Extracted = list[tuple[CorruptedSample, NetworkOutput]]


def extract_corrupted(rows: Sequence[Row], extraction: Extraction, seed: int) -> CorruptedSets:
    """Return features of training pictures under all corruptions.

    Args:
        rows: The training pictures.
        extraction: Network, pack and settings; the pack names the wrong presentations.
        seed: Of the draw of the pictures and of the corruptions.

    Raises:
        InferenceStalled: The network did not answer in time.
    """
    plans = sampling_plans(extraction, len(rows))
    extracted = _extract(rows, plans, extraction, seed)
    found = {
        name: _corrupted_features(one, plans[name].kinds, rows) for name, one in extracted.items()
    }
    varied = extracted.get(VARIATIONS)
    return CorruptedSets(
        presentations=found.get(PRESENTATIONS),
        corruptions=found.get(CORRUPTIONS),
        variations=_varied_features(varied, plans[VARIATIONS].kinds) if varied else None,
        painted=_painted_features(extracted.get(PAINTED, [])),
    )


def _painted_features(extracted: _Extracted) -> PaintedFeatures | None:
    if not extracted:
        return None
    return PaintedFeatures(
        np.stack([output.foreground for _, output in extracted]),
        np.array([sample.of for sample, _ in extracted], np.int64),
    )


def _extract(
    rows: Sequence[Row], plans: Mapping[str, SamplingPlan], extraction: Extraction, seed: int
) -> dict[str, _Extracted]:
    total = sum(one.each * one.pictures(len(rows)) for one in plans.values())
    extracted: dict[str, _Extracted] = {name: [] for name in plans}

    def extract(sample: CorruptedSample) -> tuple[CorruptedSample, NetworkOutput]:
        light = replace(sample.ready, pixels=sample.ready.pixels[:1, :1].copy())
        return replace(sample, ready=light), extraction.network.extract(sample.ready.pixels)

    results = ordered_map(
        extract,
        iterate_samples(rows, plans, extraction, seed),
        workers=extraction.settings.workers,
        timeout_s=extraction.settings.inference_timeout_s,
        stalled=_raise_stalled,
    )
    for done, one in enumerate(results, 1):
        extraction.progress("Extracting corrupted ones", min(done, total), total)
        extracted[one[0].plans].append(one)
    return extracted


def _corrupted_features(
    extracted: _Extracted, kinds: Sequence[str], rows: Sequence[Row]
) -> CorruptedFeatures | None:
    """Return the kinds that there are enough pictures of."""
    count = np.bincount([sample.kind for sample, _ in extracted], minlength=len(kinds))
    kept = np.flatnonzero(count >= MIN_PER_KIND)
    number = {int(kind): place for place, kind in enumerate(kept)}
    enough = [(sample, output) for sample, output in extracted if sample.kind in number]
    if not enough:
        return None
    return CorruptedFeatures(
        names=tuple(kinds[int(kind)] for kind in kept),
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


def _raise_stalled(_shot: object, exc: InferenceStalled) -> tuple[CorruptedSample, NetworkOutput]:
    raise exc

"""Corrupted training pictures on their way to the network: which are made, and where.

Presentations and painted backgrounds are made of the network's square; corruptions and variations
of the picture as it was taken (``core.imaging.corrupted``).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, cycle

import numpy as np

from core.imaging.corrupted import (
    CORRUPT,
    CORRUPTIONS,
    NAMES,
    VARIATIONS,
    CorruptedPicture,
    arguments_of,
    pictures_of,
)
from core.imaging.depth import Depths
from core.imaging.files import open_file
from core.imaging.foreground import paint_background
from core.imaging.function_sandbox import FunctionSandbox
from core.imaging.functions import Output
from core.imaging.sandbox import Sandbox
from core.labelled import Row
from core.model.network.runtime import Network
from core.packs import DomainPack, entry_of
from core.service.data.pictures import read_pictures
from core.service.progress import Progress
from core.settings import Settings
from core.types import Prepared, Unreadable

PRESENTATIONS, PAINTED = "presentations", "painted"
MAX_PRESENTATIONS = 2000
MAX_CORRUPTIONS = 1200
MAX_VARIATIONS = 1200
MAX_PAINTED = 2000
PER_PICTURE = 2  # Or more where a kind would have fewer pictures than the target.
TARGET_PER_KIND = 30
MIN_PER_KIND = 10  # Pictures of a kind, below which it is not learned.
MIN_PICTURES = 20  # Below it corruptions are not learned: clean scores vary too much.


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
class SamplingPlan:
    """Kinds that pictures are shown in: how many a picture, and how many pictures at most."""

    kinds: tuple[str, ...]
    each: int
    most: int

    def pictures(self, n: int) -> int:
        """Return how many of ``n`` pictures are used."""
        return min(n, self.most // self.each)


@dataclass(frozen=True)
class CorruptedSample:
    """One corrupted picture on its way to the network: of which plan, row and kind."""

    plans: str
    of: int
    kind: int
    strength: float
    ready: Prepared


def sampling_plans(extraction: Extraction, n: int) -> dict[str, SamplingPlan]:
    """Return what can be learned from ``n`` pictures."""
    plans, presentations = {}, tuple(extraction.pack.wrong_presentations)
    if presentations and n >= MIN_PER_KIND * len(presentations):
        plans[PRESENTATIONS] = SamplingPlan(presentations, 1, MAX_PRESENTATIONS)
    if n >= MIN_PICTURES:
        for name, most in ((CORRUPTIONS, MAX_CORRUPTIONS), (VARIATIONS, MAX_VARIATIONS)):
            plans[name] = SamplingPlan(NAMES[name], _each(len(NAMES[name]), n), most)
        if extraction.pack.subjects:
            plans[PAINTED] = SamplingPlan((PAINTED,), 1, MAX_PAINTED)
    return plans


def _each(kinds: int, n: int) -> int:
    return min(kinds, max(PER_PICTURE, math.ceil(TARGET_PER_KIND * kinds / n)))


def iterate_samples(
    rows: Sequence[Row], plans: Mapping[str, SamplingPlan], extraction: Extraction, seed: int
) -> Iterator[CorruptedSample]:
    """Yield what the plans ask for, of the training pictures in random order."""
    order = np.random.default_rng(seed).permutation(len(rows)).tolist()
    return chain(
        _of_squares(rows, order, plans, extraction),
        _of_sources(rows, order, plans, extraction, seed),
    )


def _of_squares(
    rows: Sequence[Row],
    order: Sequence[int],
    plans: Mapping[str, SamplingPlan],
    extraction: Extraction,
) -> Iterator[CorruptedSample]:
    """Yield what is done to the network's square: wrong presentations and painted backgrounds."""
    transforms = {PRESENTATIONS: list(extraction.pack.wrong_presentations.values())}
    transforms[PAINTED] = [paint_background]
    asked = {name: plans[name].pictures(len(rows)) for name in transforms if name in plans}
    if not asked:
        return
    numbers = {name: cycle(range(len(transforms[name]))) for name in asked}
    used, settings = order[: max(asked.values())], extraction.settings
    entry = entry_of(extraction.pack.name)
    with Sandbox(entry, extraction.size, settings, extraction.depths) as sandbox:
        pictures = read_pictures([rows[of] for of in used], sandbox, settings)
        for place, (of, (_, ready, _)) in enumerate(zip(used, pictures, strict=True)):
            if not isinstance(ready, Prepared) or ready.findings:
                continue
            for name in (name for name, most in asked.items() if place < most):
                kind = next(numbers[name])
                pixels = np.ascontiguousarray(transforms[name][kind](ready.pixels))
                yield CorruptedSample(name, of, kind, 1.0, replace(ready, pixels=pixels))


def _of_sources(
    rows: Sequence[Row],
    order: Sequence[int],
    plans: Mapping[str, SamplingPlan],
    extraction: Extraction,
    seed: int,
) -> Iterator[CorruptedSample]:
    """Yield what is done to the picture as it was taken: corruptions and variations."""
    asked = {name: plans[name].pictures(len(rows)) for name in NAMES if name in plans}
    if not asked:
        return
    size, settings = extraction.size, extraction.settings
    each = {name: plans[name].each for name in asked}
    used = order[: max(asked.values())]
    with FunctionSandbox(
        CORRUPT,
        settings,
        partial(_pictures_of, size=size),
        arguments=arguments_of(size, extraction.depths, seed, each),
        entry=entry_of(extraction.pack.name),
        outbox_bytes=sum(each.values()) * 3 * size * size,
        processes=settings.decoders,
        batch=1,
    ) as sandbox:
        files = (open_file(rows[of].file, settings.max_bytes).data or b"" for of in used)
        for place, (of, made) in enumerate(zip(used, sandbox.map(files), strict=True)):
            for one in () if isinstance(made, Unreadable) else made:
                if place < asked[one.set]:
                    yield CorruptedSample(one.set, of, one.kind, one.strength, one.picture)


def _pictures_of(output: Output, sha256: str, *, size: int) -> list[CorruptedPicture]:
    return pictures_of(output, size, sha256)

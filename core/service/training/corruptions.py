"""Training pictures, altered, as the network sees them: shown wrongly, faulty, or only varied."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import cycle, islice

import numpy as np

from core.errors import InferenceStalled
from core.imaging import corruptions, variations
from core.imaging.depth import Depths
from core.imaging.sandbox import Sandbox
from core.labelled import Row
from core.model.estimators.discriminants import Altered
from core.model.fitting.harmless import Benign
from core.model.network.runtime import Network
from core.ordered_map import ordered_map
from core.packs import DomainPack, entry_of
from core.service.data.pictures import Picture, read_pictures
from core.service.progress import Progress
from core.settings import Settings
from core.types import U8, Frame, NetworkOutput, Prepared

MOST_WRONG = 2000
MOST_FAULTY = 1200
MOST_BENIGN = 600
FAULTS_EACH = 2  # Or more where a kind would have fewer pictures than wanted.
WANTED = 30
FEWEST = 10  # Pictures a kind, below which it is not learned.
LEAST = 20  # Pictures, below which faults are not learned: what is usual is not known well enough.

Alter = Callable[[Prepared, np.random.Generator], tuple[Prepared, float] | None]
"""From a prepared picture to an altered one and how strongly, or None where that cannot be done."""


@dataclass(frozen=True)
class Studio:
    """Where pictures are altered and looked at."""

    pack: DomainPack
    network: Network
    size: int
    settings: Settings
    progress: Progress
    depths: Depths = field(default_factory=dict)


@dataclass(frozen=True)
class Alterations:
    """Altered training pictures after the network; None where there are too few to learn from.

    Attributes:
        wrong: Shown in the pack's wrong ways, one way each; None too where the pack names none.
        faulty: With known faults of taking a picture, at least two faults each.
        benign: Varied as pictures vary from day to day, at least one variation each.
    """

    wrong: Altered | None
    faulty: Altered | None
    benign: Benign | None


@dataclass(frozen=True)
class _Series:
    """Kinds that are dealt in turn, so many to a picture and so many altered ones at most."""

    kinds: Mapping[str, Alter]
    each: int
    most: int

    def pictures(self, n: int) -> int:
        """Return how many of ``n`` pictures are altered."""
        return min(n, self.most // self.each)


@dataclass(frozen=True)
class _Shot:
    series: str
    of: int
    kind: int
    strength: float
    ready: Prepared


_Taken = list[tuple[_Shot, NetworkOutput]]


def alter(rows: Sequence[Row], studio: Studio, seed: int) -> Alterations:
    """Return training pictures altered in all ways that training learns from, each read once.

    Args:
        rows: The training pictures.
        studio: Where that is done; its pack names the wrong ways.
        seed: Of the draw of the pictures and of what is done to them.

    Raises:
        InferenceStalled: The network did not answer in time.
    """
    series = _series(studio, len(rows))
    taken = _take(rows, series, studio, seed)
    found = {name: _learned(one, series[name].kinds, rows) for name, one in taken.items()}
    varied = taken.get("benign")
    return Alterations(
        wrong=found.get("wrong"),
        faulty=found.get("faulty"),
        benign=_benign(varied, tuple(series["benign"].kinds)) if varied else None,
    )


def _series(studio: Studio, n: int) -> dict[str, _Series]:
    """Return what can be learned from ``n`` pictures."""
    series, ways = {}, studio.pack.wrong_ways
    if ways and n >= FEWEST * len(ways):
        series["wrong"] = _Series({k: _plainly(way) for k, way in ways.items()}, 1, MOST_WRONG)
    if n >= LEAST:
        broken = {name: _faultily(name) for name in corruptions.FAULTS}
        varied = {name: _benignly(name, studio) for name in variations.VARIATIONS}
        series["faulty"] = _Series(broken, _each(FAULTS_EACH, len(broken), n), MOST_FAULTY)
        series["benign"] = _Series(varied, _each(1, len(varied), n), MOST_BENIGN)
    return series


def _each(least: int, kinds: int, n: int) -> int:
    return min(kinds, max(least, math.ceil(WANTED * kinds / n)))


def _plainly(way: Callable[[U8], U8]) -> Alter:
    return lambda ready, _rng: (replace(ready, pixels=np.ascontiguousarray(way(ready.pixels))), 1.0)


def _faultily(name: str) -> Alter:
    def work(ready: Prepared, rng: np.random.Generator) -> tuple[Prepared, float] | None:
        if not corruptions.suits(name, ready.pixels):
            return None
        return replace(ready, pixels=corruptions.drawn(ready.pixels, name, rng)), 1.0

    return work


def _benignly(name: str, studio: Studio) -> Alter:
    """Return the variation, after which a picture is prepared again: its measures change too."""

    def work(ready: Prepared, rng: np.random.Generator) -> tuple[Prepared, float] | None:
        if not variations.suits(name, ready.pixels):
            return None
        frame = Frame(ready.pixels, 8, ready.sha256, ready.source_size)
        varied, strength = variations.drawn(frame, name, rng)
        again = studio.pack.prepare(varied, studio.size)
        return None if again.findings else (again, strength)

    return work


def _take(
    rows: Sequence[Row], series: Mapping[str, _Series], studio: Studio, seed: int
) -> dict[str, _Taken]:
    longest = max((one.pictures(len(rows)) for one in series.values()), default=0)
    order = np.random.default_rng(seed).permutation(len(rows))[:longest]
    total = sum(one.each * one.pictures(len(rows)) for one in series.values())
    taken: dict[str, _Taken] = {name: [] for name in series}

    def extract(shot: _Shot) -> tuple[_Shot, NetworkOutput]:
        light = replace(shot.ready, pixels=shot.ready.pixels[:1, :1].copy())
        return replace(shot, ready=light), studio.network.extract(shot.ready.pixels)

    if not taken:
        return taken
    with Sandbox(
        entry_of(studio.pack.name), studio.size, studio.settings, studio.depths
    ) as sandbox:
        pictures = read_pictures([rows[i] for i in order], sandbox, studio.settings)
        looked = ordered_map(
            extract,
            _shots(zip(order.tolist(), pictures, strict=True), series, len(rows), seed),
            workers=studio.settings.workers,
            timeout_s=studio.settings.inference_timeout_s,
            stalled=_give_up,
        )
        for done, one in enumerate(looked, 1):
            studio.progress("Looking at altered ones", done, total)
            taken[one[0].series].append(one)
    return taken


def _shots(
    pictures: Iterable[tuple[int, Picture]], series: Mapping[str, _Series], n: int, seed: int
) -> Iterator[_Shot]:
    numbers = {name: cycle(range(len(one.kinds))) for name, one in series.items()}
    alters = {name: list(one.kinds.values()) for name, one in series.items()}
    for place, (of, (_, ready, _)) in enumerate(pictures):
        if not isinstance(ready, Prepared) or ready.findings:
            continue
        for name in (name for name, one in series.items() if place < one.pictures(n)):
            rng = np.random.default_rng([seed, place])
            for kind in islice(numbers[name], series[name].each):
                made = alters[name][kind](ready, rng)
                if made is not None:
                    yield _Shot(name, of, kind, made[1], made[0])


def _learned(taken: _Taken, kinds: Mapping[str, Alter], rows: Sequence[Row]) -> Altered | None:
    """Return the kinds that there are enough pictures of."""
    count = np.bincount([shot.kind for shot, _ in taken], minlength=len(kinds))
    kept = np.flatnonzero(count >= FEWEST)
    number = {int(kind): place for place, kind in enumerate(kept)}
    enough = [(shot, output) for shot, output in taken if shot.kind in number]
    if not enough:
        return None
    return Altered(
        names=tuple(list(kinds)[kind] for kind in kept),
        pooled=np.stack([output.pooled for _, output in enough]),
        kind=np.array([number[shot.kind] for shot, _ in enough], np.int64),
        groups=np.array([rows[shot.of].group for shot, _ in enough], np.str_),
        asymmetry=np.stack([output.asymmetry for _, output in enough]),
    )


def _benign(taken: _Taken, names: tuple[str, ...]) -> Benign:
    measured = taken[0][0].ready.measures
    return Benign(
        names=names,
        pooled=np.stack([output.pooled for _, output in taken]),
        asymmetry=np.stack([output.asymmetry for _, output in taken]),
        kind=np.array([shot.kind for shot, _ in taken], np.int64),
        strength=np.array([shot.strength for shot, _ in taken]),
        of=np.array([shot.of for shot, _ in taken], np.int64),
        measures={
            name: np.array([shot.ready.measures[name] for shot, _ in taken]) for name in measured
        },
    )


def _give_up(_shot: object, exc: InferenceStalled) -> tuple[_Shot, NetworkOutput]:
    raise exc

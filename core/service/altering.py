"""Training pictures, altered, as the network sees them: shown wrongly, or with a fault."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, islice

import numpy as np

from core.errors import InferenceStalled
from core.imaging import faults
from core.imaging.sandbox import Sandbox
from core.labelled import Row
from core.model.discriminants import Altered
from core.model.runtime import Network
from core.packs import DomainPack, entry_of
from core.pool import ordered_map
from core.service.progress import Progress
from core.service.reading import Picture, read
from core.settings import Settings
from core.types import U8, Look, Unreadable

MOST_WRONG = 2000
MOST_FAULTY = 1200
EACH = 2  # Faults a picture, or more where a kind would have fewer pictures than wanted.
WANTED = 30
FEWEST = 10  # Pictures a kind, below which it is not learned.
LEAST = 20  # Pictures, below which faults are not learned: what is usual is not known well enough.

Alter = Callable[[U8, np.random.Generator], U8 | None]
"""From a prepared picture to an altered one, or None where that is not possible."""


@dataclass(frozen=True)
class Studio:
    """Where pictures are altered and looked at."""

    pack: DomainPack
    network: Network
    size: int
    settings: Settings
    progress: Progress


@dataclass(frozen=True)
class Deal:
    """How many kinds each picture is altered in, and how many altered ones there are at most."""

    each: int
    most: int
    seed: int


@dataclass(frozen=True)
class _Shot:
    row: Row
    kind: int
    pixels: U8


def shown_wrongly(rows: Sequence[Row], studio: Studio, seed: int) -> Altered | None:
    """Show training pictures in the pack's wrong ways, one way each, at most ``MOST_WRONG``.

    Args:
        rows: The training pictures.
        studio: Where that is done; its pack names the ways.
        seed: Of the draw of the pictures and their ways.

    Returns:
        Their features; None where the pack names no ways or there are too few pictures to learn
        from.

    Raises:
        InferenceStalled: The network did not answer in time.
    """
    ways = studio.pack.wrong_ways
    if not ways or len(rows) < FEWEST * len(ways):
        return None
    kinds: dict[str, Alter] = {name: _plainly(way) for name, way in ways.items()}
    return _altered(rows, kinds, Deal(1, MOST_WRONG, seed), studio)


def with_faults(rows: Sequence[Row], studio: Studio, seed: int) -> Altered | None:
    """Do known faults to training pictures, at least two to each of at most ``MOST_FAULTY / 2``.

    Arguments, result and errors are those of ``shown_wrongly``.
    """
    if len(rows) < LEAST:
        return None
    kinds: dict[str, Alter] = {name: _faultily(name) for name in faults.FAULTS}
    each = min(len(kinds), max(EACH, math.ceil(WANTED * len(kinds) / len(rows))))
    return _altered(rows, kinds, Deal(each, MOST_FAULTY, seed), studio)


def _plainly(way: Callable[[U8], U8]) -> Alter:
    return lambda pixels, _rng: way(pixels)


def _faultily(name: str) -> Alter:
    def work(pixels: U8, rng: np.random.Generator) -> U8 | None:
        return faults.drawn(pixels, name, rng) if faults.suits(name, pixels) else None

    return work


def _altered(
    rows: Sequence[Row], kinds: Mapping[str, Alter], deal: Deal, studio: Studio
) -> Altered | None:
    order = np.random.default_rng(deal.seed).permutation(len(rows))[: deal.most // deal.each]
    picked = [rows[i] for i in order]

    def look(shot: _Shot) -> tuple[_Shot, Look]:
        return replace(shot, pixels=shot.pixels[:1, :1]), studio.network.look(shot.pixels)

    with Sandbox(entry_of(studio.pack.name), studio.size, studio.settings) as sandbox:
        shots = _shots(read(picked, sandbox, studio.settings), kinds, deal)
        looked = ordered_map(
            look,
            shots,
            workers=studio.settings.workers,
            timeout_s=studio.settings.inference_timeout_s,
            stalled=_give_up,
        )
        seen = []
        for done, one in enumerate(looked, 1):
            studio.progress("Looking at altered ones", done, deal.each * len(picked))
            seen.append(one)
    return _enough(seen, tuple(kinds))


def _shots(pictures: Iterable[Picture], kinds: Mapping[str, Alter], deal: Deal) -> Iterator[_Shot]:
    numbers, alters = cycle(range(len(kinds))), list(kinds.values())
    for place, (row, frame, _) in enumerate(pictures):
        if isinstance(frame, Unreadable) or frame.findings:
            continue
        rng = np.random.default_rng([deal.seed, place])
        for kind in islice(numbers, deal.each):
            pixels = alters[kind](frame.pixels, rng)
            if pixels is not None:
                yield _Shot(row, kind, np.ascontiguousarray(pixels))


def _enough(seen: Sequence[tuple[_Shot, Look]], names: tuple[str, ...]) -> Altered | None:
    """Keep the kinds that there are enough pictures of."""
    count = np.bincount([shot.kind for shot, _ in seen], minlength=len(names))
    kept = np.flatnonzero(count >= FEWEST)
    number = {int(kind): place for place, kind in enumerate(kept)}
    learned = [(shot, look) for shot, look in seen if shot.kind in number]
    if not learned:
        return None
    return Altered(
        names=tuple(names[kind] for kind in kept),
        pooled=np.stack([look.pooled for _, look in learned]),
        kind=np.array([number[shot.kind] for shot, _ in learned], np.int64),
        groups=np.array([shot.row.group for shot, _ in learned], np.str_),
        form=np.stack([look.form for _, look in learned]),
    )


def _give_up(_shot: object, exc: InferenceStalled) -> tuple[_Shot, Look]:
    raise exc

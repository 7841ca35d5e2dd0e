"""Training pictures shown wrongly, as the network sees them, for a model that tells them apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle

import numpy as np

from core.errors import InferenceStalled
from core.imaging.sandbox import Sandbox
from core.labelled import Row
from core.model.runtime import Network
from core.model.ways import Wrong
from core.packs import DomainPack, entry_of
from core.pool import ordered_map
from core.service.progress import Progress
from core.service.reading import read
from core.settings import Settings
from core.types import F32, U8, Prepared

MOST = 2000
FEWEST = 10  # Pictures a way, below which it is not learned.


@dataclass(frozen=True)
class _Turn:
    row: Row
    way: int
    pixels: U8


def shown_wrongly(
    rows: Sequence[Row],
    pack: DomainPack,
    network: Network,
    size: int,
    settings: Settings,
    progress: Progress,
    seed: int,
) -> Wrong | None:
    """Show training pictures in the pack's wrong ways, one way each, at most ``MOST`` pictures.

    Args:
        rows: The training pictures.
        pack: Names the ways.
        network: The feature network.
        size: Side of its input in pixels.
        settings: Where things run.
        progress: Told after every picture.
        seed: Of the draw of the pictures and their ways.

    Returns:
        Their features; None where the pack names no ways or there are too few pictures to learn
        from.

    Raises:
        InferenceStalled: The network did not answer in time.
    """
    ways = dict(pack.wrong_ways)
    if not ways or len(rows) < FEWEST * len(ways):
        return None
    drawn = [rows[i] for i in np.random.default_rng(seed).permutation(len(rows))[:MOST]]

    def look(turn: _Turn) -> tuple[_Turn, F32]:
        return replace(turn, pixels=turn.pixels[:1, :1]), network.look(turn.pixels).pooled

    with Sandbox(entry_of(pack.name), size, settings) as sandbox:
        looked = []
        for done, one in enumerate(
            ordered_map(
                look,
                _turns(drawn, sandbox, list(ways.values()), settings),
                workers=settings.workers,
                timeout_s=settings.inference_timeout_s,
                stalled=_give_up,
            ),
            1,
        ):
            progress("Looking at wrong ones", done, len(drawn))
            looked.append(one)
    return Wrong(
        names=tuple(ways),
        pooled=np.stack([pooled for _, pooled in looked]),
        way=np.array([turn.way for turn, _ in looked], np.int64),
        groups=np.array([turn.row.group for turn, _ in looked], np.str_),
    )


def _turns(
    rows: Sequence[Row],
    sandbox: Sandbox,
    ways: Sequence[Callable[[U8], U8]],
    settings: Settings,
) -> Iterator[_Turn]:
    numbers = cycle(range(len(ways)))
    for row, frame, _ in read(rows, sandbox, settings):
        if isinstance(frame, Prepared) and not frame.findings:
            number = next(numbers)
            yield _Turn(row, number, np.ascontiguousarray(ways[number](frame.pixels)))


def _give_up(_turn: object, exc: InferenceStalled) -> tuple[_Turn, F32]:
    raise exc

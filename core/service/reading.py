"""From files to prepared pictures and features, the same way for training and for assessing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from core.errors import InferenceStalled
from core.imaging.files import open_file
from core.imaging.sandbox import Sandbox
from core.labelled import Row
from core.model.explain import thumbnail
from core.model.runtime import Network
from core.packs import entry_of
from core.pool import ordered_map
from core.service.progress import Progress
from core.settings import Settings
from core.types import Look, Prepared, Sample, Unreadable


@dataclass(frozen=True)
class Seen:
    """One labelled picture after the network.

    Attributes:
        row: Its row in the data set.
        prepared: What the pack's checks said, its pixels dropped to keep memory flat.
        look: What the network gave.
        jpeg: A thumbnail.
    """

    row: Row
    prepared: Prepared
    look: Look
    jpeg: bytes


@dataclass(frozen=True)
class Unseen:
    """One labelled file that could not be read, and why."""

    row: Row
    message: str


def look_at(
    rows: Sequence[Row],
    *,
    pack: str,
    size: int,
    network: Network,
    settings: Settings,
    progress: Progress,
) -> Iterator[Seen | Unseen]:
    """Read labelled pictures in the decoder processes and run the network on each.

    Args:
        rows: The data set's rows.
        pack: Name of the pack that reads them.
        size: Side of the network's input in pixels.
        network: The feature network.
        settings: Where things run.
        progress: Told after every picture.

    Yields:
        One ``Seen`` or ``Unseen`` a row, in order.

    Raises:
        InferenceStalled: The network did not answer in time.
    """
    incoming = (open_file(row.file, settings.max_bytes, row.group) for row in rows)
    with Sandbox(entry_of(pack), size, settings) as sandbox:
        looked = ordered_map(
            partial(_look, network=network),
            zip(rows, sandbox.samples(incoming), strict=True),
            workers=settings.workers,
            timeout_s=settings.inference_timeout_s,
            stalled=_give_up,
        )
        for done, seen in enumerate(looked, 1):
            progress("Looking at the pictures", done, len(rows))
            yield seen


def _look(job: tuple[Row, Sample], *, network: Network) -> Seen | Unseen:
    row, sample = job
    frame = sample.frame
    if isinstance(frame, Unreadable):
        return Unseen(row, frame.message)
    if not isinstance(frame, Prepared):
        raise ValueError(f"expected a prepared picture, got {type(frame).__name__}")
    light = replace(frame, pixels=frame.pixels[:1, :1].copy())
    return Seen(row, light, network.look(frame.pixels), thumbnail(frame.pixels))


def _give_up(_job: tuple[Row, Sample], exc: InferenceStalled) -> Seen | Unseen:
    raise exc

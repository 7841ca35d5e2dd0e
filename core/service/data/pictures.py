"""From files to prepared pictures and features, the same way for training and for assessing."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from core.checking.facts import FileFacts, UnreadablePicture, file_facts
from core.errors import InferenceStalled
from core.imaging.depth import Depths
from core.imaging.files import Incoming, open_file
from core.imaging.sandbox import Sandbox
from core.labelled import Row
from core.model.explain import thumbnail
from core.model.network.runtime import Network
from core.ordered_map import ordered_map
from core.packs import entry_of
from core.service.progress import Progress
from core.settings import Settings
from core.types import Frame, NetworkOutput, Prepared, Unreadable

Picture = tuple[Row, Prepared | Unreadable, FileFacts]


@dataclass(frozen=True)
class PictureFeatures:
    """One labelled picture after the network.

    Attributes:
        row: Its row in the data set.
        prepared: Findings and measures of the pack, its pixels dropped to keep memory flat.
        output: What the network gave.
        jpeg: A thumbnail.
    """

    row: Row
    prepared: Prepared
    output: NetworkOutput
    jpeg: bytes


def extract_features(
    rows: Sequence[Row],
    *,
    pack: str,
    size: int,
    network: Network,
    settings: Settings,
    progress: Progress,
    depths: Depths | None = None,
) -> Iterator[PictureFeatures | UnreadablePicture]:
    """Yield the features of labelled pictures, read in the decoder processes.

    Args:
        rows: The data set's rows.
        pack: Name of the pack that reads them.
        size: Side of the network's input in pixels.
        network: The feature network.
        settings: Where things run.
        progress: Called after every picture.
        depths: Bits that the data of each source use; None where they are not known.

    Yields:
        One ``PictureFeatures`` or ``UnreadablePicture`` a row, in order.

    Raises:
        InferenceStalled: The network did not answer in time.
    """
    with Sandbox(entry_of(pack), size, settings, depths) as sandbox:
        results = ordered_map(
            partial(_extract, network=network),
            read_pictures(rows, sandbox, settings),
            workers=settings.workers,
            timeout_s=settings.inference_timeout_s,
            stalled=_give_up,
        )
        for done, one in enumerate(results, 1):
            progress("Looking at the pictures", done, len(rows))
            yield one


def read_pictures(rows: Sequence[Row], sandbox: Sandbox, settings: Settings) -> Iterator[Picture]:
    """Yield labelled pictures prepared, with the facts of their files, in order."""
    files: deque[FileFacts] = deque()

    def noted() -> Iterator[Incoming]:
        # The decoders read ahead of what is asked.
        for row in rows:
            item = open_file(row.file, settings.max_bytes, row.group)
            files.append(file_facts(item.data or b"", settings.max_pixels))
            yield item

    for row, sample in zip(rows, sandbox.samples(noted()), strict=True):
        if isinstance(sample.frame, Frame):
            raise ValueError("expected a prepared picture, got a frame")
        yield row, sample.frame, files.popleft()


def _extract(job: Picture, *, network: Network) -> PictureFeatures | UnreadablePicture:
    row, frame, _size = job
    if isinstance(frame, Unreadable):
        return UnreadablePicture(row, frame.message)
    light = replace(frame, pixels=frame.pixels[:1, :1].copy())
    output, jpeg = network.extract(frame.pixels), thumbnail(frame.pixels)
    return PictureFeatures(row, light, output, jpeg)


def _give_up(_job: object, exc: InferenceStalled) -> PictureFeatures | UnreadablePicture:
    raise exc

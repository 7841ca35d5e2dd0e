"""The copies in a labelled data set; pictures that may be copies are read once more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import cv2
import numpy as np

from core.checking.exposures import SIDE, Reader
from core.checking.facts import PictureFacts, UnreadablePicture
from core.checking.origins import Copies
from core.imaging.depth import Depths
from core.imaging.sandbox import Sandbox
from core.ordered_map import threaded_map
from core.packs import entry_of
from core.service.data.pictures import read_pictures
from core.settings import Settings
from core.types import U8, Prepared


def find_copies(
    pictures: Sequence[PictureFacts | UnreadablePicture],
    *,
    pack: str,
    settings: Settings,
    depths: Depths | None = None,
) -> Copies:
    """Return the copies among the readable pictures, by the order of these.

    Args:
        pictures: One a row.
        pack: Name of the pack that reads them.
        settings: Where things run.
        depths: Bits that the data of each source use; None where they are not known.
    """
    facts = [one for one in pictures if isinstance(one, PictureFacts)]
    read = reader_of(facts, pack=pack, settings=settings, depths=depths)
    return Copies.among(facts, read, partial(threaded_map, workers=settings.workers))


def reader_of(
    facts: Sequence[PictureFacts], *, pack: str, settings: Settings, depths: Depths | None
) -> Reader:
    """Return what reads pictures once more, in full, by their places among these.

    Args:
        facts: The pictures.
        pack: Name of the pack that reads them.
        settings: Where things run.
        depths: Bits that the data of each source use; None where they are not known.
    """

    def read(numbers: Sequence[int]) -> Iterator[U8 | None]:
        rows = [facts[number].row for number in numbers]
        with Sandbox(entry_of(pack), SIDE, settings, depths) as sandbox:
            for _, frame, _ in read_pictures(rows, sandbox, settings):
                yield _grey(frame) if isinstance(frame, Prepared) else None

    return read


def _grey(prepared: Prepared) -> U8:
    return np.asarray(cv2.cvtColor(prepared.pixels, cv2.COLOR_RGB2GRAY))

"""The few small facts about each picture that a data set is checked by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from core.checking.fine_detail import WIDTH, sample_detail
from core.checking.keypoints import RECORD, KeypointRows, detect, to_record
from core.checking.registration import DETAIL
from core.checking.row_file import RowFile, Rows, RowSelection
from core.errors import UnreadableImage
from core.imaging.sniff import sniff
from core.labelled import Row
from core.types import F64, FURTHER, U8, Prepared

THUMB = 32
NO_QUALITY = 0.0
LARGER = "larger picture"
"""Kind of what a file states: which larger picture it was cut out of."""
LIGHT = ("mean", "spread", "dark end", "middle", "bright end", "red - green", "blue - green")
_ENDS = (5, 50, 95)
# Annex K.1 of ITU-T T.81, the luminance table at quality 50, in zigzag order.
_LUMINANCE = np.frombuffer(
    bytes.fromhex(
        "100b0c0e0c0a100e0d0e1211101318281a181616183123251d283a333d3c3933"
        "383740485c4e404457453738506d51575f626768673e4d71797064785c656763"
    ),
    np.uint8,
)


@dataclass(frozen=True, slots=True)
class FileFacts:
    """Format, length and compression of a file.

    Attributes:
        kind: Format by its magic bytes; empty where it is none that Assay reads.
        length: Bytes of the whole file.
        jpeg_quality: Estimated from the quantisation table, 1 to 100; 0 where there is none.
    """

    kind: str
    length: int
    jpeg_quality: float


@dataclass(frozen=True, slots=True)
class PictureFacts:
    """What is kept of one readable picture: under 1 KB, its shrunk pixels in a file.

    Attributes:
        row: Its row in the data set.
        file: Format, length and compression.
        sha256: Hex digest of its bytes.
        source_size: Height and width in pixels of the original.
        refusals: Findings of the pack's own checks.
        light: float64 ``len(LIGHT)``, brightness, contrast and colour cast of the whole picture.
        shrunk: Where what was worked out of its pixels lies.
        number: Its number there.
        belongs: Group, patient and larger picture that the file states, by kind.
        source: As in ``Frame``.
        peak: As in ``Prepared``.
        has_further: Whether the file holds another picture, which is not looked at.
    """

    row: Row
    file: FileFacts
    sha256: str
    source_size: tuple[int, int]
    refusals: tuple[str, ...]
    light: F64
    shrunk: ShrunkPixels
    number: int
    belongs: Mapping[str, str] = field(default_factory=dict)
    source: str = ""
    peak: int = 0
    has_further: bool = False


@dataclass(frozen=True, slots=True)
class ShrunkPicture:
    """What is worked out of the pixels of one picture.

    Attributes:
        light: As in ``PictureFacts``.
        thumb: uint8 ``THUMB THUMB 3``.
        detail: uint8 ``DETAIL DETAIL``.
        fine: uint8 ``WIDTH``.
        keypoints: A ``RECORD``.
    """

    light: F64
    thumb: U8
    detail: U8
    fine: U8
    keypoints: NDArray[Any]

    @classmethod
    def of(cls, pixels: U8) -> Self:
        """Return what is worked out of a picture as the network takes it, uint8 ``h w 3``."""
        grey: U8 = np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY))
        detail = detail_of(grey)
        return cls(
            light=_light(pixels, grey),
            thumb=_shrunk(pixels, THUMB),
            detail=detail,
            fine=sample_detail(grey),
            keypoints=to_record(detect(detail)),
        )


class ShrunkPixels:
    """Thumbs, details, finest detail and keypoints of a set of pictures, in temporary files."""

    def __init__(self) -> None:
        self.thumbs = RowFile((THUMB, THUMB, 3), np.uint8)
        self.details = RowFile((DETAIL, DETAIL), np.uint8)
        self.fine = RowFile((WIDTH,), np.uint8)
        self.keypoints = RowFile((), RECORD)

    def add(self, one: ShrunkPicture) -> int:
        """Return the number under which one more picture is kept."""
        self.thumbs.append(one.thumb)
        self.details.append(one.detail)
        self.fine.append(one.fine)
        return self.keypoints.append(one.keypoints)


@dataclass(frozen=True, slots=True)
class UnreadablePicture:
    """One labelled file that could not be read, and why."""

    row: Row
    message: str


def file_facts(data: bytes, max_pixels: int) -> FileFacts:
    """Return what the header of a picture's bytes states; never raise for a bad one.

    Args:
        data: The whole file.
        max_pixels: Largest width times height that may be decoded.
    """
    try:
        kind = sniff(data, max_pixels).kind
    except UnreadableImage:
        return FileFacts("", len(data), NO_QUALITY)
    return FileFacts(kind, len(data), jpeg_quality(data) if kind == "JPEG" else NO_QUALITY)


def facts_of(
    prepared: Prepared, one: ShrunkPicture, row: Row, file: FileFacts, shrunk: ShrunkPixels
) -> PictureFacts:
    """Return what the check needs of one picture once its pixels are dropped.

    Args:
        prepared: The picture as the network takes it; its pixels are not looked at.
        one: What was worked out of them.
        row: Its row in the data set.
        file: Format, length and compression.
        shrunk: Where shrunk pixels are kept, of all pictures of a set.
    """
    return PictureFacts(
        row=row,
        file=file,
        sha256=prepared.sha256,
        source_size=prepared.source_size,
        refusals=tuple(finding.detail for finding in prepared.findings),
        light=one.light,
        shrunk=shrunk,
        number=shrunk.add(one),
        belongs=belongs_to(prepared),
        source=prepared.source,
        peak=prepared.peak,
        has_further=FURTHER in prepared.meta,
    )


def thumbs_of(facts: Sequence[PictureFacts]) -> Rows:
    """Return the pixels of pictures, at least one, uint8 ``n THUMB THUMB 3``."""
    shrunk, numbers = _places(facts)
    return RowSelection(shrunk.thumbs, numbers)


def details_of(facts: Sequence[PictureFacts]) -> Rows:
    """Return the grey pixels of pictures, at least one, uint8 ``n DETAIL DETAIL``."""
    shrunk, numbers = _places(facts)
    return RowSelection(shrunk.details, numbers)


def fine_of(facts: Sequence[PictureFacts]) -> Rows:
    """Return what is kept of the finest detail of pictures, at least one, uint8 ``n WIDTH``."""
    shrunk, numbers = _places(facts)
    return RowSelection(shrunk.fine, numbers)


def keypoints_of(facts: Sequence[PictureFacts]) -> KeypointRows:
    """Return the keypoints of pictures, at least one."""
    shrunk, numbers = _places(facts)
    return KeypointRows(RowSelection(shrunk.keypoints, numbers))


def _places(facts: Sequence[PictureFacts]) -> tuple[ShrunkPixels, NDArray[np.int64]]:
    shrunk = facts[0].shrunk
    if any(one.shrunk is not shrunk for one in facts):
        raise ValueError("facts: expected those of one set, whose pixels are kept together")
    return shrunk, np.array([one.number for one in facts], np.int64)


def jpeg_quality(data: bytes) -> float:
    """Return the quality, 1 to 100, by the first quantisation table; 0 when there is none.

    The inverse of the rule by which libjpeg scales the example table of ITU-T T.81, annex K.
    """
    for table in _luminance_tables(data):
        scale = 100.0 * float(np.mean(table / _LUMINANCE))
        return float(np.clip(100.0 - scale / 2.0 if scale <= 100.0 else 5000.0 / scale, 1, 100))
    return NO_QUALITY


def _luminance_tables(data: bytes) -> Iterator[F64]:
    """Yield the 64 numbers of each table 0 before the first scan (ITU-T T.81, B.2.4.1)."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF and data[at + 1] != 0xDA:
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        inside = at + 4 if data[at + 1] == 0xDB else end
        while inside < min(end, len(data)):
            wide, number = data[inside] >> 4, data[inside] & 15
            cells = np.frombuffer(data[inside + 1 : inside + 1 + 64 * (1 + wide)], np.uint8)
            if wide > 1 or cells.size < 64 * (1 + wide):
                return
            if number == 0:
                yield cells.reshape(64, 1 + wide) @ np.array([256.0, 1.0])[-1 - wide :]
            inside += 1 + cells.size
        at = end


def belongs_to(prepared: Prepared) -> dict[str, str]:
    """Return the group, the patient and the larger picture that a file states, by kind."""
    stated = {
        "group": prepared.group,
        "patient": prepared.meta.get("patient_id", ""),
        LARGER: prepared.tile.parent if prepared.tile else "",
    }
    return {kind: value.strip() for kind, value in stated.items() if value.strip()}


def _light(pixels: U8, grey: U8) -> F64:
    red, green, blue = cv2.mean(pixels)[:3]
    counts = np.cumsum(np.bincount(grey.ravel(), minlength=256))
    ends = [float(np.searchsorted(counts, grey.size * end / 100)) for end in _ENDS]
    mean, spread = cv2.meanStdDev(grey)
    return np.array([mean[0, 0], spread[0, 0], *ends, red - green, blue - green], np.float64)


def detail_of(grey: U8) -> U8:
    """Return what copies of a picture are known again by, uint8 ``DETAIL DETAIL``.

    Args:
        grey: uint8 ``h w``, the picture as the network takes it.
    """
    return _shrunk(grey, DETAIL)


def _shrunk(pixels: U8, side: int) -> U8:
    return np.asarray(cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA))

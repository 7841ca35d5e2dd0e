"""Pictures on their way from bytes to the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.errors import UnreadableImage
from core.types.arrays import U8
from core.types.reasons import Finding

FURTHER = "further picture"
"""Key of what a file says of itself, where it holds another picture that was not looked at."""

MOST_BANDS = 12
_USUAL_BANDS = {1: ("grey",), 3: ("red", "green", "blue")}


@dataclass(frozen=True, slots=True)
class Tile:
    """Where a picture was cut out of a larger one.

    Attributes:
        parent: Hex digest of the larger picture's bytes.
        row: Row of the larger picture that the tile's first row is.
        column: The same for its first column.
    """

    parent: str
    row: int
    column: int

    def __post_init__(self) -> None:
        """Refuse an offset outside of the parent.

        Raises:
            ValueError: The offset is negative, or no parent is named.
        """
        if not self.parent or self.row < 0 or self.column < 0:
            raise ValueError(f"tile: expected a parent and an offset of 0 or more, got {self}")


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded picture.

    Attributes:
        pixels: uint8, uint16 or float32, axes ``h w c`` with 1 to 12 bands.
        bit_depth: Bits that carry signal, 1 to 16; 32 for float32.
        sha256: Hex digest of the bytes the picture came from.
        source_size: Height and width in pixels before any reduced-scale decode, upright.
        meta: What the file says of itself, for display and the order of a worklist; no verdict
            depends on it.
        findings: Checks that the file's own words failed, whatever is in the picture.
        stated: Named numbers that the file states about its subject (``age_years``), compared
            with the population that the bundle is for; NaN where it states one that is not
            understood.
        group: What belongs together, as the file says; counts where nobody gave a group.
        source: Kind of file whose container alone gives ``bit_depth``, so that which value is
            white is measured (``core.imaging.depth``); empty where the file says it.
        bands: Name of each band (``red``, ``near infrared``); grey of one band and red, green,
            blue of three need none.
        tile: Where it was cut out of a larger picture; None where it is whole.
    """

    pixels: NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.float32]
    bit_depth: int
    sha256: str
    source_size: tuple[int, int]
    meta: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    stated: Mapping[str, float] = field(default_factory=dict)
    group: str = ""
    source: str = ""
    bands: tuple[str, ...] = ()
    tile: Tile | None = None

    def __post_init__(self) -> None:
        """Refuse a wrong shape or dtype, which is a programmer's error, and name usual bands.

        Raises:
            ValueError: The pixels are not uint8, uint16 or float32 with axes h w c, the depth does
                not fit them, or not every band has one name of its own.
        """
        pixels = self.pixels
        if pixels.ndim != 3 or not 1 <= pixels.shape[2] <= MOST_BANDS:
            raise ValueError(
                f"pixels: expected axes (h, w, 1 to {MOST_BANDS}), got shape {pixels.shape}"
            )
        if pixels.dtype not in (np.uint8, np.uint16, np.float32):
            raise ValueError(f"pixels: expected uint8, uint16 or float32, got {pixels.dtype}")
        lowest = 32 if pixels.dtype == np.float32 else 1
        if not lowest <= self.bit_depth <= pixels.dtype.itemsize * 8:
            raise ValueError(f"bit_depth: {self.bit_depth} does not fit {pixels.dtype}")
        bands = self.bands or _USUAL_BANDS.get(pixels.shape[2], ())
        if len(bands) != pixels.shape[2] or len(set(bands)) != len(bands) or not all(bands):
            raise ValueError(
                f"bands: expected {pixels.shape[2]} different names, got {', '.join(bands)}"
            )
        object.__setattr__(self, "bands", bands)

    def band(self, name: str) -> NDArray[Any]:
        """Return the pixels of one band, ``h w``.

        Raises:
            UnreadableImage: The picture has no such band.
        """
        if name not in self.bands:
            raise UnreadableImage(
                f"The picture has no band {name!r}; it has {', '.join(self.bands)}.",
                hint="Send the picture with all its bands.",
            )
        return self.pixels[:, :, self.bands.index(name)]


@dataclass(frozen=True, slots=True)
class Prepared:
    """One picture as the network takes it, with what the pack's checks measured on the way.

    Attributes:
        pixels: uint8, axes ``h w c``, c = 3, at the bundle's input size.
        sha256: Hex digest of the bytes the picture came from.
        source_size: Height and width of the original in pixels.
        findings: Checks that failed whatever the product (not a picture of a part at all).
        measures: Named quality figures, compared with the ranges the bundle learned.
        meta: What the file says of itself, as in ``Frame``.
        stated: Numbers that the file states about its subject, as in ``Frame``.
        group: What belongs together, as the file says.
        source: As in ``Frame``.
        peak: The value of the file that almost none of its values exceed, where it has a source.
        tile: As in ``Frame``.
        traits: What the file tells of how it was taken and stored: the camera, the JPEG quality.
    """

    pixels: U8
    sha256: str
    source_size: tuple[int, int]
    findings: tuple[Finding, ...] = ()
    measures: Mapping[str, float] = field(default_factory=dict)
    meta: Mapping[str, str] = field(default_factory=dict)
    stated: Mapping[str, float] = field(default_factory=dict)
    group: str = ""
    source: str = ""
    peak: int = 0
    tile: Tile | None = None
    traits: Mapping[str, float | str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a wrong shape or dtype.

        Raises:
            ValueError: The pixels are not uint8 with axes (h, w, 3).
        """
        if self.pixels.ndim != 3 or self.pixels.shape[2] != 3 or self.pixels.dtype != np.uint8:
            raise ValueError(
                f"pixels: expected uint8 (h, w, 3), got {self.pixels.dtype} {self.pixels.shape}"
            )


@dataclass(frozen=True, slots=True)
class Description:
    """What a file says of itself, read without its pixels.

    Attributes:
        meta: As in ``Frame``.
        group: As in ``Frame``.
    """

    meta: Mapping[str, str] = field(default_factory=dict)
    group: str = ""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands where a picture should be.

    Attributes:
        message: What was wrong with the bytes.
        sha256: Hex digest of the bytes; empty when there were none.
        lost: Whether the decoder process died of them or ran out of time.
        meta: What the file says of itself all the same, as in ``Frame``.
        group: What belongs together, as the file says.
    """

    message: str
    sha256: str = ""
    lost: bool = False
    meta: Mapping[str, str] = field(default_factory=dict)
    group: str = ""


@dataclass(frozen=True, slots=True)
class Sample:
    """One image on its way in.

    Attributes:
        id: Name unique within the run, usually the path as given.
        frame: A decoded picture, a prepared one, or the reason why there is none.
        group: The physical part, patient, field: the unit over which errors are counted.
        decode_ms: Wall time spent reading and preparing it, in milliseconds.
    """

    id: str
    frame: Frame | Prepared | Unreadable
    group: str = ""
    decode_ms: float = 0.0

"""Pictures on their way from bytes to the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.types.arrays import U8
from core.types.reasons import Finding


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded picture.

    Attributes:
        pixels: uint8 or uint16, axes ``h w c`` with c = 1 (grey) or 3 (RGB).
        bit_depth: Bits that carry signal, 1 to 16.
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
    """

    pixels: NDArray[np.uint8] | NDArray[np.uint16]
    bit_depth: int
    sha256: str
    source_size: tuple[int, int]
    meta: Mapping[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    stated: Mapping[str, float] = field(default_factory=dict)
    group: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        """Refuse a wrong shape or dtype, which is a programmer's error.

        Raises:
            ValueError: The pixels are not uint8/uint16 with axes h w c, c in {1, 3}.
        """
        if self.pixels.ndim != 3 or self.pixels.shape[2] not in (1, 3):
            raise ValueError(f"pixels: expected axes (h, w, 1|3), got shape {self.pixels.shape}")
        if self.pixels.dtype not in (np.uint8, np.uint16):
            raise ValueError(f"pixels: expected uint8 or uint16, got {self.pixels.dtype}")
        if not 1 <= self.bit_depth <= self.pixels.dtype.itemsize * 8:
            raise ValueError(f"bit_depth: {self.bit_depth} does not fit {self.pixels.dtype}")


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

"""A picture corrupted and varied at the size it was taken in, as a function of the sandbox.

A codec's blocks, a sensor's noise and a lost pixel belong to the camera's pixels. Done to the
network's square they are several times coarser than on any picture that will come.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from core.imaging import corruptions, variations
from core.imaging.attempt import prepare_frame
from core.imaging.depth import Depths, scale_depth
from core.imaging.functions import Arguments, Output
from core.imaging.reading import picture_of, record_of
from core.imaging.square import shows_as_rgb, to_8_bit
from core.packs import DomainPack, load
from core.types import Frame, Prepared

CORRUPT = f"{__name__}:corrupt"
CORRUPTIONS, VARIATIONS = "corruptions", "variations"
NAMES: Mapping[str, tuple[str, ...]] = {
    CORRUPTIONS: tuple(corruptions.FAULTS),
    VARIATIONS: tuple(variations.VARIATIONS),
}
LARGEST = 2
"""Times the network's square that a picture is kept in at least; what is finer averages out."""


@dataclass(frozen=True)
class CorruptedPicture:
    """One corrupted or varied picture, prepared.

    Attributes:
        set: A key of ``NAMES``.
        kind: Index into its names.
        strength: Of a variation, from 0 to 1, relative to its largest; of a corruption 1.
        picture: The picture as the network takes it.
    """

    set: str
    kind: int
    strength: float
    picture: Prepared


def arguments_of(
    size: int, depths: Depths, seed: int, each: Mapping[str, int]
) -> Mapping[str, Any]:
    """Return what ``corrupt`` takes besides the pack and the largest picture.

    Args:
        size: Side in pixels of the network's square.
        depths: Bits that the data of each source use.
        seed: Of the draw of kinds and strengths; the same picture is drawn alike in any order.
        each: How many kinds of each set a picture gets.
    """
    return {"size": size, "depths": dict(depths), "seed": seed, "each": dict(each)}


def corrupt(data: bytes, arguments: Arguments) -> Output:
    """Return one picture under some kinds of corruption and variation, each prepared.

    Nothing is made of a picture that the pack refuses or that has other bands than grey or red,
    green and blue, and a variation that the pack refuses is left out.
    """
    pack, size = load(arguments["entry"]), arguments["size"]
    frame = pack.read(data, arguments["max_pixels"], LARGEST * size)
    ready = prepare_frame(pack, frame, size, arguments["depths"])
    if ready.findings or not shows_as_rgb(frame):
        return Output(record={"made": []})
    frame = _eight_bit(scale_depth(frame, arguments["depths"]), LARGEST * size)
    drawn = int.from_bytes(hashlib.sha256(data).digest()[:8])
    rng = np.random.default_rng([arguments["seed"], drawn])
    made = list(_made(frame, pack, size, arguments["each"], rng))
    return Output(
        {str(number): one.picture.pixels for number, one in enumerate(made)},
        {"made": [(one.set, one.kind, one.strength, record_of(one.picture)) for one in made]},
    )


def pictures_of(output: Output, size: int, sha256: str) -> list[CorruptedPicture]:
    """Return what ``corrupt`` gave, checked.

    Args:
        output: From a process that is not trusted.
        size: Side in pixels of the network's square.
        sha256: Digest of the file, as this process computed it.

    Raises:
        ValueError: It is no such thing.
    """
    try:
        return [
            _checked(one, output.arrays[str(number)], size, sha256)
            for number, one in enumerate(output.record["made"])
        ]
    except (KeyError, TypeError, IndexError) as exc:
        raise ValueError(f"no pictures: {type(exc).__name__}") from exc


def _checked(one: Any, pixels: Any, size: int, sha256: str) -> CorruptedPicture:  # noqa: ANN401
    set_, kind, strength, record = one
    if type(kind) is not int or not 0 <= kind < len(NAMES[set_]) or not 0 <= strength <= 1:
        raise ValueError("no kind or strength")
    picture = picture_of(Output({"pixels": pixels}, record), size, sha256)
    if not isinstance(picture, Prepared):
        raise ValueError("no picture")
    return CorruptedPicture(set_, kind, float(strength), picture)


def _eight_bit(frame: Frame, least: int) -> Frame:
    """Return it with 8 bits, averaged by whole numbers down to so many pixels or a few more."""
    pixels = frame.pixels
    by = min(pixels.shape[:2]) // least
    if by > 1:
        size = (pixels.shape[1] // by, pixels.shape[0] // by)
        pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA))
    scaled = to_8_bit(pixels, frame.bit_depth).reshape(*pixels.shape[:2], frame.pixels.shape[2])
    return replace(frame, pixels=scaled, bit_depth=8, source="")


def _made(
    frame: Frame, pack: DomainPack, size: int, each: Mapping[str, int], rng: np.random.Generator
) -> Iterator[CorruptedPicture]:
    pixels = frame.pixels.astype(np.uint8)
    suits = {CORRUPTIONS: corruptions.suits, VARIATIONS: variations.suits}
    for set_, count in each.items():
        suited = [n for n, name in enumerate(NAMES[set_]) if suits[set_](name, pixels)]
        for kind in rng.permutation(suited)[:count].tolist():
            other, strength = _drawn(frame, set_, NAMES[set_][kind], rng)
            ready = pack.prepare(other, size)
            if set_ == CORRUPTIONS or not ready.findings:
                yield CorruptedPicture(set_, kind, strength, ready)


def _drawn(frame: Frame, set_: str, name: str, rng: np.random.Generator) -> tuple[Frame, float]:
    if set_ == VARIATIONS:
        return variations.vary_randomly(frame, name, rng)
    pixels = corruptions.corrupt_randomly(frame.pixels.astype(np.uint8), name, rng)
    return replace(frame, pixels=pixels), 1.0

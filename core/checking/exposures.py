"""Whether two pictures are of one origin: laid over each other, they differ by noise at most.

Two parts of one product, and wafers that were cut side by side, agree in all that is coarse, and
each has fine detail of its own. A copy agrees with its original as well as the noise of both lets
any two pictures agree, or better, since its noise is the original's. It does so everywhere, where
pictures of a fixed camera differ in the part that lies before the same background. A second
photograph of the very same part counts too. None of this depends on the set they lie in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any, Self

import cv2
import numpy as np
from numpy.typing import NDArray

from core.checking.keypoint_votes import vote
from core.checking.keypoints import KeypointRows
from core.checking.registration import DETAIL, lay, match_keypoints, plane, refine, soften
from core.checking.row_file import Rows
from core.ordered_map import Each
from core.types import F32, F64, U8

SIDE = 224  # pixels: what is finer than this is looked at
LEAST_AGREEMENT = 0.7
MOST_SHORT = 0.01
MOST_DIFFERENT = 0.01
ALL_BUT_COMPLETE, MOST_SHORT_THEN, WORST_THEN = 0.9, 0.02, 0.15
_DIFFERENT = 0.3
_INNER = 0.15  # of a side: what a turn may have filled in says nothing
_WORTH_READING, _WORTH_REFINING = 0.85, 0.5
_WORTH_BENDING = 0.6  # agreement of details from which on they may be of one plane seen aslant
_MATCHED = 8
FINE, COARSE = 0.7, 3.0  # pixels: what lies between these blurs is compared
FLAT = 1e-3  # squared grey levels: where no more varies there is nothing to compare
_NOISE = 0.8  # pixels: what is finer is hardly anything but noise
_BLOCK = 16
_EDGE = 8
_LEAST_COVERED = 0.6
_LEAST_OVERLAP = 0.4
_FEWEST_BLOCKS, _MANY_BLOCKS = 8, 50
_QUIETEST = 0.1
_IN_MEMORY = 500  # pictures in memory at a time
_Float = NDArray[np.floating[Any]]

Reader = Callable[[Sequence[int]], Iterable[U8 | None]]
"""Gives the pictures of some numbers, uint8 ``SIDE SIDE``; None for one that is not readable."""


@dataclass(frozen=True, slots=True)
class OverlapAgreement:
    """How well two pictures agree where one lies over the other.

    Attributes:
        found: Correlation of their fine detail, the median over blocks.
        short: By how much it falls short of what two pictures of one scene with independent noise
            would have; below zero where the noise agrees too.
        different: Share of the inner blocks that fall far short of it.
        worst: By how much that of the inner blocks falls short that does most; 1 where there are
            too few of them to tell.
    """

    found: float
    short: float
    different: float
    worst: float = 1.0

    @property
    def is_one_origin(self) -> bool:
        """Whether the two are one picture, or two of the very same thing.

        Where tones were changed (equalised, sharpened) noise is strengthened here and weakened
        there, and its part is taken for less than it is: agreement that is all but complete, in
        every block, may then fall short by more.
        """
        if self.found >= ALL_BUT_COMPLETE and self.worst <= WORST_THEN:
            return self.short <= MOST_SHORT_THEN
        return (
            self.found >= LEAST_AGREEMENT
            and self.short <= MOST_SHORT
            and self.different <= MOST_DIFFERENT
        )


@dataclass(frozen=True, slots=True)
class _Laid:
    """Two pictures by number, and the map from the first's pixels to the second's.

    It is affine, ``2 3``, or of a plane, ``3 3``.
    """

    a: int
    b: int
    is_mirrored: bool
    onto: F32


def find_exposures(
    details: Rows, keypoints: KeypointRows, read: Reader, each: Each = map
) -> list[tuple[int, int]]:
    """Return the pairs of pictures of one origin, however turned or cropped.

    Candidates share many keypoints and agree once laid over each other; those are read again.

    Args:
        details: uint8 ``n h w`` with h = w = 128, grey, those of ``PictureFacts.detail``.
        keypoints: Those of the same.
        read: Gives pictures at full resolution.
        each: Compares pairs, on several threads or one.
    """
    laid = each(partial(_lay, details, keypoints), vote(keypoints))
    pairs: list[tuple[int, int]] = []
    for some in _bunches([one for one in laid if one is not None]):
        numbers = sorted({end for one in some for end in (one.a, one.b)})
        grey = {
            number: one
            for number, one in zip(numbers, read(numbers), strict=True)
            if one is not None
        }
        found = each(partial(_is_one, grey), some)
        pairs += [(one.a, one.b) for one, is_one in zip(some, found, strict=True) if is_one]
    return pairs


def _is_one(grey: Mapping[int, U8], laid: _Laid) -> bool:
    """Return whether two pictures are of one origin; a map is refined where it may matter."""
    if laid.a not in grey or laid.b not in grey:
        return False
    a, b, guess = grey[laid.a], _turned(grey[laid.b], laid), enlarge(laid.onto)
    bands = _Bands.of(a)
    first = bands.agree_with(b, guess)
    if first.is_one_origin or first.found < _WORTH_REFINING:
        return first.is_one_origin
    soft = soften(a), soften(b)
    return any(
        bands.agree_with(b, refine(*soft, one)).is_one_origin
        for one in ((guess, plane(guess)) if len(guess) < 3 else (guess,))
    )


def _lay(details: Rows, found: KeypointRows, pair: tuple[int, int, bool]) -> _Laid | None:
    """Return a pair with the map that lays it; None unless it agrees so, at a detail's size."""
    a, b, is_mirrored = pair
    other = found[b].mirrored(DETAIL) if is_mirrored else found[b]
    onto, matched = match_keypoints(found[a], other)
    if onto is None or matched < _MATCHED:
        return None
    laid = _Laid(a, b, is_mirrored, onto)
    one, detail = details[a], _turned(details[b], laid)
    agreed = agreement(one, detail, onto).found
    if _WORTH_BENDING <= agreed < _WORTH_READING:
        laid = replace(laid, onto=refine(soften(one), soften(detail), plane(onto)))
        agreed = agreement(one, detail, laid.onto).found
    return laid if agreed >= _WORTH_READING else None


def _turned(picture: U8, laid: _Laid) -> U8:
    return np.ascontiguousarray(picture[:, ::-1]) if laid.is_mirrored else picture


def agreement(a: U8, b: U8, onto: F32) -> OverlapAgreement:
    """Return how well two pictures agree.

    In each block the correlation of both is held against ``sqrt(s / (s + n))`` of each, its part of
    structure s in what it holds of structure and noise n. The noise is measured in the quietest
    blocks, in details finer than any lens shows, and taken for white.

    Args:
        a: uint8 ``h w``, grey.
        b: The same of the other picture.
        onto: float32 ``2 3`` or ``3 3``, the map from a's pixels to b's.
    """
    return _Bands.of(a).agree_with(b, onto)


@dataclass(frozen=True, slots=True)
class _Bands:
    """What of a picture is compared, and what is finer and taken for noise, float32 ``h w``."""

    detail: F32
    fine: F32

    @classmethod
    def of(cls, grey: U8) -> Self:
        return cls(pass_band(grey, FINE, COARSE), pass_band(grey, 0.0, _NOISE))

    def agree_with(self, b: U8, onto: F32) -> OverlapAgreement:
        """Return how well this picture agrees with another one, see ``agreement``."""
        covered = _covered(onto, len(b))
        share = _blocks(covered)
        inside = share > _LEAST_COVERED
        if inside.mean() < _LEAST_OVERLAP:
            return OverlapAgreement(0.0, 1.0, 1.0)

        def energy(x: F32, y: F32) -> F64:
            shared = (_blocks(x * y * covered) / np.maximum(share, 0.05))[inside]
            return np.asarray(shared, np.float64)

        other = _Bands.of(lay(b, onto, cv2.INTER_CUBIC, cv2.BORDER_REPLICATE))
        x, y = self.detail, other.detail
        xx, yy = np.maximum(energy(x, x), FLAT), np.maximum(energy(y, y), FLAT)
        found = energy(x, y) / np.sqrt(xx * yy)
        noise = energy(self.fine, self.fine), energy(other.fine, other.fine)
        parts = structure_share(xx, noise[0]) * structure_share(yy, noise[1])
        return summarise_blocks(found, parts, parts > 0.0, _is_inner(len(share))[inside])


def summarise_blocks(
    found: F64, parts: F64, compared: NDArray[np.bool_], inner: NDArray[np.bool_]
) -> OverlapAgreement:
    """Return the agreement of two pictures by that of their blocks.

    Args:
        found: Correlation in each block, ``b``.
        parts: How much of what is there is structure, in both pictures, ``b``.
        compared: Which blocks count, ``b``; none do where too few have anything to compare.
        inner: Which lie away from the edges, ``b``.
    """
    if compared.sum() < _FEWEST_BLOCKS:
        return OverlapAgreement(0.0, 1.0, 1.0)
    short = np.sqrt(parts) - found
    away = short[compared & inner]
    return OverlapAgreement(
        float(np.median(found[compared])),
        float(np.median(short[compared])),
        float(np.mean(away > _DIFFERENT)) if away.size else 1.0,
        float(away.max()) if away.size >= _MANY_BLOCKS else 1.0,
    )


def structure_share(power: _Float, finest: _Float) -> _Float:
    """Return the part of what was measured that is structure and not noise, 0 to 1.

    Where nothing varies, as where a light ground is clipped, there is none.

    Args:
        power: Energies of detail, ``FLAT`` at least, of any shape.
        finest: Energies of what is finer, of which the quietest blocks are taken for noise.
    """
    noise = _white_ratio() * np.quantile(finest, _QUIETEST)
    return np.where(power > FLAT, np.clip(1.0 - noise / power, 0.0, 1.0), 0.0)


def band_energies(grey: U8) -> F32:
    """Return the energy of a picture's finest detail in each block, ``c c``."""
    fine = pass_band(grey, 0.0, _NOISE)
    return _blocks(fine * fine)


def _is_inner(count: int) -> NDArray[np.bool_]:
    """Return which of ``count count`` blocks lie away from the edges."""
    edge = round(_INNER * count)
    inner = np.zeros((count, count), np.bool_)
    inner[edge : count - edge, edge : count - edge] = True
    return inner


def _covered(onto: F32, side: int) -> F32:
    """Return 1 where both pictures have pixels, away from the edges, float32 ``h w``."""
    laid = lay(np.ones((side, side), np.float32), onto, cv2.INTER_LINEAR)
    covered = np.asarray(cv2.erode(np.asarray(laid > 0.99, np.float32), np.ones((7, 7))))
    inner = np.zeros_like(covered)
    inner[_EDGE:-_EDGE, _EDGE:-_EDGE] = covered[_EDGE:-_EDGE, _EDGE:-_EDGE]
    return inner


def _blocks(values: F32) -> F32:
    count = len(values) // _BLOCK
    return np.asarray(cv2.resize(values, (count, count), interpolation=cv2.INTER_AREA), np.float32)


def pass_band(grey: U8 | F32, finest: float, coarsest: float) -> F32:
    """Return what of a picture lies between two blurs, both in pixels; 0 for none."""
    picture = grey.astype(np.float32)
    smooth = cv2.GaussianBlur(picture, (0, 0), finest) if finest else picture
    return np.asarray(smooth - cv2.GaussianBlur(picture, (0, 0), coarsest), np.float32)


@cache
def _white_ratio() -> float:
    """Return white noise's energy in what is compared, as a share of that in what is finer."""
    noise = np.random.default_rng(0).normal(0.0, 1.0, (SIDE, SIDE)).astype(np.float32)
    return float(pass_band(noise, FINE, COARSE).var() / pass_band(noise, 0.0, _NOISE).var())


def enlarge(onto: F32) -> F32:
    """Return the map between pictures of ``SIDE`` pixels for one between those of ``DETAIL``."""
    scale = SIDE / DETAIL
    shift = scale / 2 - 0.5
    larger = np.array([[scale, 0.0, shift], [0.0, scale, shift], [0.0, 0.0, 1.0]])
    enlarged = larger @ plane(onto) @ np.linalg.inv(larger)
    return np.asarray(enlarged[: len(onto)], np.float32)


def _bunches(candidates: Sequence[_Laid]) -> Iterator[list[_Laid]]:
    """Yield pairs together until they hold ``_IN_MEMORY`` pictures."""
    bunch: list[_Laid] = []
    numbers: set[int] = set()
    for one in candidates:
        if len(numbers) >= _IN_MEMORY:
            yield bunch
            bunch, numbers = [], set()
        bunch.append(one)
        numbers |= {one.a, one.b}
    if bunch:
        yield bunch

"""Image registration: align one picture with another and correlate them."""

from __future__ import annotations

from typing import Any, TypeVar, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from core.checking.keypoints import Keypoints, equal_contrast
from core.checking.signature import ANGLES, SIDE, View, structure
from core.types import F32, F64, U8

Picture = TypeVar("Picture", U8, F32)

DETAIL = 128
_FINEST = 1.5
_STOP = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 30, 1e-4)
_BORDER = 10  # pixels that a turn may have filled in
_LEAST_OVERLAP = 0.4
_NARROWEST, _WIDEST = 0.75, 1.25  # stretch at which another picture would be bent to fit
_FEWEST = 4
_SHORTEST, _LONGEST = 0.6, 1.6  # the most that turning a stretched picture bends it
_RATIO = 0.85
_APART = 3.0  # pixels between where a keypoint lies and where a map takes it
_INNER = 0.12  # of a side: what a turn may have filled in is not looked at
_WHOLE = np.ones((DETAIL, DETAIL), np.float32)
_INVERSE = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP


def turn_between(a: F32, b: F32) -> tuple[float, int, bool]:
    """Return the turn, and whether it takes a mirror, that aligns rings b with rings a.

    Args:
        a: float32 ``ANGLES RADII``.
        b: The same of the other picture.

    Returns:
        Correlation, turn in steps of a circle's ``ANGLES``, and whether b is mirrored.
    """
    of_a, of_b = np.fft.rfft(a, axis=0), np.fft.rfft(b, axis=0)
    norm = max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-6)
    plain = np.fft.irfft((of_a * of_b.conj()).sum(axis=1), ANGLES) / norm
    mirrored = np.fft.irfft((of_a * of_b).sum(axis=1), ANGLES) / norm
    is_mirrored = bool(mirrored.max() > plain.max())
    best = mirrored if is_mirrored else plain
    return float(best.max()), int(best.argmax()), is_mirrored


def correlation(a: U8, b: U8, view: View, turn: int, *, mirrored: bool) -> float:
    """Return how alike two pictures' structures are where one lies over the other.

    The first guess is refined to an affine map by the enhanced correlation coefficient
    (Evangelidis and Psarakis, IEEE TPAMI 30, 2008).

    Args:
        a: uint8 ``DETAIL DETAIL``.
        b: The same of the other picture.
        view: The part of b that a shows.
        turn: Steps from ``turn_between``.
        mirrored: From ``turn_between``.
    """
    guess = _guess(view, turn, mirrored=mirrored)
    maps = [guess]
    try:
        _, refined = cv2.findTransformECC(
            structure(a), structure(b), guess.copy(), cv2.MOTION_AFFINE, _STOP, None, 5
        )
        stretch = np.linalg.svd(refined[:, :2])[1]
        if stretch[1] > _NARROWEST and stretch[0] < _WIDEST:
            maps.append(np.asarray(refined, np.float32))
    except cv2.error:  # it did not converge
        pass
    fine_a, fine_b = structure(a, finest=_FINEST), structure(b, finest=_FINEST)
    return max(_overlaid(fine_a, fine_b, one) for one in maps)


def _guess(view: View, turn: int, *, mirrored: bool) -> F32:
    """Return the map from a's pixels to b's, float32 ``2 3``."""
    angle = -2.0 * np.pi * turn / ANGLES
    cos, sin = np.cos(angle), np.sin(angle)
    linear: F64 = np.array([[cos, -sin], [sin, cos]])
    if mirrored:
        linear = np.diag([1.0, -1.0]) @ linear
    linear *= view.scale
    centre = np.full(2, DETAIL / 2 - 0.5)
    shift = centre + np.array([view.x, view.y]) * (DETAIL / SIDE) - linear @ centre
    return np.asarray(np.column_stack([linear, shift]), np.float32)


def _overlaid(a: F32, b: F32, onto: F32) -> float:
    size = (DETAIL, DETAIL)
    laid = np.asarray(cv2.warpAffine(b, onto, size, flags=_INVERSE))
    covered: NDArray[np.bool_] = (
        np.asarray(cv2.warpAffine(_WHOLE, onto, size, flags=_INVERSE)) > 0.99
    )
    inner = covered[_BORDER:-_BORDER, _BORDER:-_BORDER]
    if inner.mean() < _LEAST_OVERLAP:
        return 0.0
    x, y = (one[_BORDER:-_BORDER, _BORDER:-_BORDER][inner] for one in (a, laid))
    x, y = x - x.mean(), y - y.mean()
    return float(x @ y / max(float(np.linalg.norm(x) * np.linalg.norm(y)), 1e-6))


def match_keypoints(a: Keypoints, b: Keypoints) -> tuple[F32 | None, int]:
    """Return the affine map, float32 ``2 3``, from a's pixels to b's, and the keypoints it takes.

    See ``match_points``.
    """
    of_a, of_b = (one.descriptors.astype(np.float32) for one in (a, b))
    return match_points((a.places, of_a), (b.places, of_b))


def match_points(a: tuple[F32, F32], b: tuple[F32, F32]) -> tuple[F32 | None, int]:
    """Return the affine map, float32 ``2 3``, from a's pixels to b's, and the points it takes.

    None where too few match, or where it bends a picture as no turn, crop or resizing does. Matches
    pass the ratio test of Lowe (IJCV 60, 2004); the map is found by RANSAC.

    Args:
        a: Places, float32 ``k 2``, and what each is known by, float32 ``k d``.
        b: The same of the other picture.
    """
    if min(len(a[0]), len(b[0])) < _FEWEST:
        return None, 0
    both = cv2.BFMatcher().knnMatch(a[1], b[1], k=2)
    pairs = [one for one, other in both if one.distance < _RATIO * other.distance]
    if len(pairs) < _FEWEST:
        return None, 0
    cv2.setRNGSeed(0)
    found, inside = cv2.estimateAffine2D(
        a[0][[one.queryIdx for one in pairs]],
        b[0][[one.trainIdx for one in pairs]],
        method=cv2.RANSAC,
        ransacReprojThreshold=_APART,
        maxIters=500,
    )
    if found is None or not _is_rigid_enough(found):
        return None, 0
    return np.asarray(found, np.float32), int(inside.sum())


def refine(a: U8, b: U8, guess: F32) -> F32:
    """Return the map from a's pixels to b's, refined by the enhanced correlation coefficient.

    Args:
        a: uint8 ``h w``, as ``soften`` gives it.
        b: The same of the other picture.
        guess: float32, affine ``2 3`` or a plane's ``3 3``, which a camera that stood elsewhere
            sees; the map found is of the same kind.
    """
    height, width = a.shape
    motion = cv2.MOTION_HOMOGRAPHY if len(guess) > 2 else cv2.MOTION_AFFINE
    inner = np.zeros((height, width), np.uint8)
    off_y, off_x = round(_INNER * height), round(_INNER * width)
    inner[off_y : height - off_y, off_x : width - off_x] = 1
    try:
        _, refined = cv2.findTransformECC(a, b, guess.copy(), motion, _STOP, inner, 5)
    except cv2.error:  # it did not converge
        return guess
    return np.asarray(refined, np.float32) if _is_rigid_enough(refined) else guess


def plane(onto: F32) -> F32:
    """Return an affine map, float32 ``2 3``, as one of a plane, ``3 3``."""
    if len(onto) > 2:
        return onto
    return np.vstack([onto, np.array([[0.0, 0.0, 1.0]], np.float32)])


def lay(b: Picture, onto: F32, flags: int, border: int = cv2.BORDER_CONSTANT) -> Picture:
    """Return a square picture as a map, affine or of a plane, lays it over another."""
    warp = cv2.warpAffine if len(onto) < 3 else cv2.warpPerspective
    inverse = flags | cv2.WARP_INVERSE_MAP
    laid = warp(b, onto, b.shape[::-1], flags=inverse, borderMode=border)
    return cast("Picture", np.asarray(laid))


def soften(grey: U8) -> U8:
    """Return a picture that a dark wedge at its edge, which a turn left, does not dominate."""
    return np.asarray(cv2.GaussianBlur(equal_contrast(grey), (0, 0), 1.0), np.uint8)


def _is_rigid_enough(onto: NDArray[np.floating[Any]]) -> bool:
    longest, shortest = np.linalg.svd(onto[:2, :2])[1]
    return bool(shortest > _SHORTEST and longest < _LONGEST)

"""Whether a picture is good enough to judge a leaf by, and what to do where it is not.

The limits were chosen on the 2,734 train and cal pictures of the shared crops and on made faults of
every fifth of them; `data/crop_leaves.md` has what they do to the test pictures.
"""

from __future__ import annotations

from collections.abc import Mapping

from domains.crops.photos.reasons import PhotoReason

LEAST_SHARPNESS = 0.55
MOVED_SHARPNESS, MOVED_RATIO = 0.50, 0.70
DARK_BRIGHT_END, DARK_BRIGHTEST = 90, 105
MOST_CLIPPED_COLOUR, MOST_CLIPPED = 0.10, 0.92
LEAST_GREEN, LEAST_LEAF = 0.02, 0.05
LEAST_SECOND_LEAF, SECOND_OVER_LARGEST = 0.05, 0.25
COARSEST_SAMPLE_M = 0.002
"""Metres a pixel of the ground beyond which a leaf of 5 cm has fewer than 25 pixels."""

ABOUT_LEAVES = frozenset({PhotoReason.NO_LEAF, PhotoReason.TOO_FAR, PhotoReason.MANY_LEAVES})
"""Faults that a picture of a whole field cannot have."""


def faults_of(measures: Mapping[str, float]) -> tuple[PhotoReason, ...]:
    """Return why a picture cannot be judged, by ``measures.measure``; nothing where it can.

    Colours mean nothing in a picture that is too dark or too bright, so whether it shows a leaf is
    asked of the others alone.
    """
    faults = []
    has_moved = (
        measures["least sharpness"] < MOVED_SHARPNESS and measures["sharpness ratio"] < MOVED_RATIO
    )
    if measures["sharpness"] < LEAST_SHARPNESS or has_moved:
        faults.append(PhotoReason.BLURRED)
    if measures["bright end"] < DARK_BRIGHT_END or measures["brightest"] < DARK_BRIGHTEST:
        faults.append(PhotoReason.TOO_DARK)
    elif measures["clipped colour"] > MOST_CLIPPED_COLOUR or _is_white(measures):
        faults.append(PhotoReason.TOO_BRIGHT)
    elif measures["green"] < LEAST_GREEN:
        faults.append(PhotoReason.NO_LEAF)
    elif measures["largest leaf"] < LEAST_LEAF:
        faults.append(PhotoReason.TOO_FAR)
    return tuple(faults)


def _is_white(measures: Mapping[str, float]) -> bool:
    """Return whether nearly all is clipped and no leaf is left, as one on white paper would be."""
    return measures["clipped"] > MOST_CLIPPED and measures["largest leaf"] < LEAST_LEAF


def leaf_faults_of(
    measures: Mapping[str, float], sample_distance_m: float | None = None
) -> tuple[PhotoReason, ...]:
    """Return ``faults_of`` and what else keeps one leaf on plain ground from being judged.

    Args:
        measures: By ``measures.measure``.
        sample_distance_m: Metres a pixel of the ground, where a drone states them.
    """
    faults = list(faults_of(measures))
    second, largest = measures["second leaf"], measures["largest leaf"]
    if second > LEAST_SECOND_LEAF and second > SECOND_OVER_LARGEST * largest:
        faults.append(PhotoReason.MANY_LEAVES)
    is_coarse = sample_distance_m is not None and sample_distance_m > COARSEST_SAMPLE_M
    if is_coarse and PhotoReason.TOO_FAR not in faults:
        faults.append(PhotoReason.TOO_FAR)
    return tuple(faults)

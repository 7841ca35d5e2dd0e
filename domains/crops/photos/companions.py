"""Files that belong to a photo beside them: films, thumbnails, tracks, and its raw twin."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from posixpath import splitext

SIDE_FILES = frozenset({".mov", ".mp4", ".aae", ".thm", ".lrf", ".srt"})
RAW = frozenset({".dng", ".cr2", ".cr3", ".nef", ".arw", ".raf", ".rw2", ".orf"})


@dataclass(frozen=True, slots=True)
class Companions:
    """Which files of a folder are photos of their own.

    Attributes:
        photos: Places in the list of those that are, in order.
        raw_only: Which of these are raw files without a developed twin.
        raw_twins: How many raw files have one: each pair is one capture.
        side_files: How many films, thumbnails and tracks were left out.
    """

    photos: tuple[int, ...]
    raw_only: frozenset[int]
    raw_twins: int
    side_files: int


def find_companions(names: Sequence[str]) -> Companions:
    """Return what of a list of files is a photo of its own.

    Two files belong together by folder and name without its ending, in any case.

    Args:
        names: Paths with ``/`` between folders.
    """
    developed = {_stem(name) for name in names if _suffix(name) not in SIDE_FILES | RAW}
    photos, raw_only, twins, side_files = [], set(), 0, 0
    for number, name in enumerate(names):
        suffix = _suffix(name)
        if suffix in SIDE_FILES:
            side_files += 1
        elif suffix in RAW and _stem(name) in developed:
            twins += 1
        else:
            photos.append(number)
            if suffix in RAW:
                raw_only.add(number)
    return Companions(tuple(photos), frozenset(raw_only), twins, side_files)


def count_side_files(others: Iterable[str], photos: Iterable[str]) -> int:
    """Return how many files that are no pictures stand beside a photo of the same name."""
    stems = {_stem(name) for name in photos}
    return sum(_suffix(name) in SIDE_FILES and _stem(name) in stems for name in others)


def _suffix(name: str) -> str:
    return splitext(name)[1].casefold()


def _stem(name: str) -> str:
    return splitext(name)[0].casefold()

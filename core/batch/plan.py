"""How a source's pictures are cut into parts: pure, in flat memory, the same for the same pictures.

A location names a picture file or an archive, as bytes: a path as the file system has it, or a URL.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from core.imaging.files import ARCHIVE

DIGEST = 16
_RECENT = 100_000

Digests = NDArray[np.bytes_]


def digest_of(location: bytes) -> bytes:
    """Return the 16 bytes by which a location is known: of ten million no two share them."""
    return hashlib.blake2b(location, digest_size=DIGEST).digest()


class DigestSet:
    """Digests of locations, 16 bytes each once there are many: ten million are 160 MB.

    Args:
        digests: Concatenated digests to begin with.
    """

    def __init__(self, digests: bytes = b"") -> None:
        self._sorted: Digests = np.unique(np.frombuffer(digests, f"S{DIGEST}"))
        self._recent: set[bytes] = set()

    def add(self, digest: bytes) -> bool:
        """Return whether a digest is new; it is in the set from now on."""
        if digest in self._recent or self._has(digest):
            return False
        self._recent.add(digest)
        if len(self._recent) > max(_RECENT, len(self._sorted) // 4):
            recent = np.frombuffer(b"".join(self._recent), f"S{DIGEST}")
            self._sorted = np.union1d(self._sorted, recent)
            self._recent.clear()
        return True

    def _has(self, digest: bytes) -> bool:
        # NumPy drops zero bytes at the end on both sides; all are of one length, so none is lost.
        wanted = np.frombuffer(digest, f"S{DIGEST}")
        at = int(np.searchsorted(self._sorted, wanted)[0])
        return at < len(self._sorted) and bool(self._sorted[at] == wanted[0])


def is_archive(location: bytes) -> bool:
    """Return whether a location names a zip, by its name."""
    return PurePath(os.fsdecode(location)).suffix.lower() == ARCHIVE


def cut(locations: Iterable[bytes], known: DigestSet, size: int) -> Iterator[list[bytes]]:
    """Yield the parts of a source, each as its locations; an archive is a part of its own.

    Args:
        locations: In the order of the source; one that comes again is left out.
        known: What was judged before, which is left out; gets what is yielded.
        size: Locations a part.
    """
    part: list[bytes] = []
    for location in locations:
        if not known.add(digest_of(location)):
            continue
        if is_archive(location):
            yield [location]
            continue
        part.append(location)
        if len(part) == size:
            yield part
            part = []
    if part:
        yield part


def name_part(locations: Sequence[bytes]) -> str:
    """Return the file name of a part: the same pictures are the same file, whoever judges them."""
    whole = b"".join(map(digest_of, locations))
    return f"part-{hashlib.sha256(whole).hexdigest()[:20]}.parquet"

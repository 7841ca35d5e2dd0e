"""Reads a NIfTI-1 volume: a header of 348 bytes, then the voxels.

The format's definition: Cox et al., *A (sort of) new image data format standard: NIfTI-1*, 2004.
"""

from __future__ import annotations

import gzip
import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_TYPES = {2: "<u1", 4: "<i2", 8: "<i4", 16: "<f4", 64: "<f8", 256: "<i1", 512: "<u2"}


@dataclass(frozen=True)
class Volume:
    """One volume.

    Attributes:
        voxels: Axes ``i j k`` as stored, the slope and intercept not applied.
        intercept: What is added to a voxel for its value.
        directions: Millimetres to the right, front and head for one step along i, j and k, rows
            being right, front, head: float64 ``3 3``. (NIfTI's x grows to the patient's right.)
    """

    voxels: NDArray[np.generic]
    intercept: float
    directions: NDArray[np.float64]


def read(packed: bytes) -> Volume:
    """Return a gzipped little-endian single-file volume with a slope of 1 and an sform.

    Args:
        packed: The bytes of a ``.nii.gz`` file.

    Raises:
        ValueError: It is something else.
    """
    raw = gzip.decompress(packed)
    if raw[344:348] != b"n+1\0" or struct.unpack_from("<i", raw, 0) != (348,):
        raise ValueError("expected a little-endian NIfTI-1 file, got something else")
    rank, *shape = struct.unpack_from("<4h", raw, 40)
    (kind,) = struct.unpack_from("<h", raw, 70)
    start, slope, intercept = struct.unpack_from("<3f", raw, 108)
    (oriented,) = struct.unpack_from("<h", raw, 254)
    if rank != 3 or kind not in _TYPES or slope not in (0.0, 1.0) or not oriented:
        raise ValueError(
            f"expected 3 axes, a known type, slope 1 and an sform, "
            f"got {rank}, {kind}, {slope}, {oriented}"
        )
    voxels = np.frombuffer(raw, _TYPES[kind], int(np.prod(shape)), int(start))
    rows = np.array(struct.unpack_from("<12f", raw, 280)).reshape(3, 4)
    return Volume(voxels.reshape(shape, order="F"), intercept, rows[:, :3])

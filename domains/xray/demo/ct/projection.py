"""From a volume to what remains of the beam behind it: sums along rays, slab by slab."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from core.types import F32
from domains.xray.demo.ct.chest import Chest


@dataclass(frozen=True)
class Pose:
    """How the patient stands between source and detector.

    Attributes:
        direction: ``PA`` from behind, ``AP`` from the front, ``LL`` left side at the detector.
        turn_deg: Turned about the long axis, left shoulder towards the detector when positive.
        tilt_deg: Leaning, head away from the detector when positive.
        roll_deg: Turned in the plane of the picture, clockwise when positive.
        across_mm: Moved to the right of the picture.
        down_mm: Moved towards the picture's foot.
        source_mm: From the source to the detector.
    """

    direction: str = "PA"
    turn_deg: float = 0.0
    tilt_deg: float = 0.0
    roll_deg: float = 0.0
    across_mm: float = 0.0
    down_mm: float = 0.0
    source_mm: float = 1800.0


@dataclass(frozen=True)
class Plate:
    """The detector's active area.

    Attributes:
        rows: Pixels from top to foot.
        columns: Pixels from left to right.
        pitch_mm: Distance between pixels.
    """

    rows: int
    columns: int
    pitch_mm: float


def line_integrals(chest: Chest, pose: Pose, plate: Plate) -> F32:
    """Return the attenuation summed along the rays from a point source to each pixel.

    Each slab of voxels parallel to the detector is enlarged, shifted and added (shear-warp:
    Lacroute and Levoy, SIGGRAPH 1994). A turned or leaning patient is a shear of slabs, which is
    exact for parallel rays; the enlargement is taken at the middle of a slab, so that at 10
    degrees the edge of a chest is misplaced by about 3 mm.

    Args:
        chest: What the beam passes.
        pose: How it stands.
        plate: What is hit; its middle lies behind the chest's middle.

    Returns:
        float32 ``rows columns``, dimensionless; the patient's right is at the left, a lateral
        looks to the left.
    """
    slabs, (thick, high, wide) = _from_detector(chest, pose.direction)
    turn, tilt = np.deg2rad([pose.turn_deg, pose.tilt_deg])
    total = np.zeros((plate.rows, plate.columns), np.float32)
    middle = (len(slabs) - 1) / 2
    for k, slab in enumerate(slabs):
        enlarged = pose.source_mm / (pose.source_mm - (k + 0.5) * thick)
        aside, up = (k - middle) * thick * np.sin([turn, tilt])
        sizes = enlarged * np.array([wide * np.cos(turn), high * np.cos(tilt)]) / plate.pitch_mm
        centre = (np.array(slab.shape[::-1]) - 1) / 2
        moved = np.array([pose.across_mm + aside, pose.down_mm + up]) * enlarged / plate.pitch_mm
        place = _placing(sizes, centre, moved, np.deg2rad(pose.roll_deg), plate)
        total += cv2.warpAffine(
            slab,
            place,
            (plate.columns, plate.rows),
            flags=cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_REPLICATE,
        )
    along = thick / (np.cos(turn) * np.cos(tilt))
    return np.asarray(total * along * _obliqueness(plate, pose.source_mm), np.float32)


def _obliqueness(plate: Plate, source_mm: float) -> F32:
    """Return how much longer a ray is in a slab than the one that hits the plate's middle."""
    down, across = (
        (np.arange(n) - (n - 1) / 2) * plate.pitch_mm / source_mm
        for n in (plate.rows, plate.columns)
    )
    return np.asarray(np.sqrt(1 + down[:, None] ** 2 + across**2), np.float32)


def _from_detector(chest: Chest, direction: str) -> tuple[F32, tuple[float, float, float]]:
    """Return the slabs from the detector to the source, each as the picture shows it."""
    d, h, w = chest.spacing_mm
    if direction == "PA":
        return chest.mu[::-1], (d, h, w)
    if direction == "AP":
        return chest.mu, (d, h, w)
    if direction == "LL":
        turned = chest.mu.transpose(2, 1, 0)[::-1, :, ::-1]
        return np.ascontiguousarray(turned), (w, h, d)
    raise ValueError(f"direction: expected PA, AP or LL, got {direction!r}")


def _placing(
    sizes: np.ndarray, centre: np.ndarray, moved: np.ndarray, roll: float, plate: Plate
) -> np.ndarray:
    turning = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    linear = turning * sizes
    middle = (np.array([plate.columns, plate.rows]) - 1) / 2
    return np.column_stack([linear, middle + turning @ moved - linear @ centre])

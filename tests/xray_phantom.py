"""Small radiographs for tests, computed from a chest made of ellipsoids: no data set is needed."""

from dataclasses import replace
from functools import cache

import numpy as np

from domains.xray.demo.ct.chest import HEART, LEFT_LUNG, RIGHT_LUNG, WATER_PER_MM, Chest
from domains.xray.demo.ct.dx_objects import Label, digital_xray
from domains.xray.demo.ct.projection import Plate
from domains.xray.demo.ct.studies import Study, draw, radiograph

SHAPE = (44, 110, 120)
SPACING_MM = (6.0, 3.0, 3.0)
SMALL = Plate(224, 256, 1.36)
# Middle and half axes in mm: from back to front, head to feet, patient's right to left.
BODY = ((0, 40, 0), (115, 330, 165))
CAVITY = ((0, 0, 0), (95, 150, 140))
LUNGS = {RIGHT_LUNG: ((0, -10, -68), (78, 120, 58)), LEFT_LUNG: ((0, -10, 72), (78, 118, 54))}
HEART_AT = ((25, 35, 25), (45, 58, 62))
SPINE = ((-70, 0, 0), (20, 1000, 17))
DIAPHRAGM = ((0, 150, 0), (130, 90, 170))


@cache
def phantom_chest() -> Chest:
    """A body with lungs, a heart to the left, a spine, ribs and a diaphragm."""
    relative = np.where(_inside(BODY) < 1, 1.0, 0.0)
    parts = np.zeros(SHAPE, np.uint8)
    wall = np.abs(_inside(CAVITY) - 1) < 0.12
    height = np.arange(SHAPE[1])[None, :, None] * SPACING_MM[1]
    relative[wall & (height % 27 < 9)] = 1.5
    for part, lung in LUNGS.items():
        parts[(_inside(lung) < 1) & (_inside(DIAPHRAGM) > 1)] = part
    parts[_inside(HEART_AT) < 1] = HEART
    relative[(parts == RIGHT_LUNG) | (parts == LEFT_LUNG)] = 0.25
    relative[parts == HEART] = 1.05
    relative[_inside(SPINE) < 1] = 1.45
    return Chest((relative * WATER_PER_MM).astype(np.float32), parts, SPACING_MM)


def phantom_study(number: int = 1, finding: str = "", fault: str = "", seed: int = 0) -> Study:
    """A study with one finding or one fault; same arguments, same radiograph."""
    one = draw(seed, 1, [finding] if finding else [], [fault] if fault else [])[0]
    drawn = draw(seed, number)[-1]
    pose = replace(drawn.pose, direction=one.pose.direction)
    return replace(drawn, finding=finding, fault=fault, pose=pose)


def phantom_pixels(study: Study, plate: Plate = SMALL) -> np.ndarray:
    """A study's radiograph, uint16 of twelve bits, bright where the phantom is dense."""
    return radiograph(phantom_chest(), study, plate)


def phantom_dx(
    number: int = 1,
    finding: str = "",
    fault: str = "",
    seed: int = 0,
    image: int = 1,
    projection: str = "PA",
    priority: str = "ROUTINE",
    plate: Plate = SMALL,
) -> bytes:
    """A DX object, 224 x 256 and 116 kB in 10 ms; ``projection`` is what its header says."""
    pixels = phantom_pixels(phantom_study(number, finding, fault, seed), plate)
    label = Label(str(seed), number, image, projection, priority)
    return digital_xray(pixels, plate.pitch_mm, label)


def _inside(ellipsoid: tuple[tuple[float, ...], tuple[float, ...]]) -> np.ndarray:
    """Say of each voxel how far out it lies; 1 is the ellipsoid's surface."""
    grids = np.ogrid[tuple(slice(n) for n in SHAPE)]
    distances = [
        ((g - (n - 1) / 2) * step - middle) / half
        for g, n, step, middle, half in zip(grids, SHAPE, SPACING_MM, *ellipsoid, strict=True)
    ]
    return np.sqrt(distances[0] ** 2 + distances[1] ** 2 + distances[2] ** 2)

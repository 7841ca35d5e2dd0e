from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import map_coordinates

from domains.xray.demo.ct.chest import HEART, LEFT_LUNG, RIGHT_LUNG, Chest
from domains.xray.demo.ct.projection import Plate, Pose, line_integrals
from tests.xray_phantom import phantom_chest

PLATE = Plate(112, 128, 2.7)


def only(part):
    """The phantom with nothing but one part in it."""
    chest = phantom_chest()
    return replace(chest, mu=np.where(chest.parts == part, np.float32(0.02), np.float32(0)))


def middle_of(shadow):
    rows, columns = np.mgrid[: shadow.shape[0], : shadow.shape[1]]
    return float((rows * shadow).sum() / shadow.sum()), float(
        (columns * shadow).sum() / shadow.sum()
    )


def width_mm(shadow, pitch_mm):
    lit = np.flatnonzero((shadow > 0.02 * shadow.max()).any(axis=0))
    return float((lit[-1] - lit[0] + 1) * pitch_mm)


def marched(chest, turn_deg, tilt_deg, across_mm, plate, step_mm=1.5, source_mm=1800):
    """Walk along every ray through the turned volume, step by step: slow, and nothing assumed."""
    depth = chest.mu.shape[0] * chest.spacing_mm[0]
    turn, tilt = np.deg2rad([turn_deg, tilt_deg])
    down, across = (
        (np.mgrid[: plate.rows, : plate.columns][axis] - (n - 1) / 2) * plate.pitch_mm
        for axis, n in enumerate((plate.rows, plate.columns))
    )
    length = np.sqrt(source_mm**2 + down**2 + across**2)
    total = np.zeros(down.shape)
    for walked in np.arange(0, 1.2 * depth, step_mm) + step_mm / 2:
        left = 1 - walked / length
        # Away from the detector, down and across, from the patient's middle.
        s, v, u = walked / length * source_mm - depth / 2, down * left, across * left - across_mm
        s, u = s * np.cos(turn) + u * np.sin(turn), u * np.cos(turn) - s * np.sin(turn)
        s, v = s * np.cos(tilt) + v * np.sin(tilt), v * np.cos(tilt) - s * np.sin(tilt)
        steps = zip((-s, v, u), chest.spacing_mm, chest.mu.shape, strict=True)
        places = [value / step + (n - 1) / 2 for value, step, n in steps]
        total += map_coordinates(chest.mu, places, order=1, mode="nearest") * step_mm
    return total


@pytest.mark.parametrize(
    ("turn_deg", "tilt_deg", "across_mm"), [(0, 0, 0), (0, 0, 12), (8, 0, 0), (-8, 0, 5), (0, 6, 0)]
)
def test_the_sums_are_those_of_walking_along_every_ray(turn_deg, tilt_deg, across_mm):
    chest, small = phantom_chest(), Plate(56, 64, 5.4)
    pose = Pose(turn_deg=turn_deg, tilt_deg=tilt_deg, across_mm=across_mm)
    found = line_integrals(chest, pose, small)
    walked = marched(chest, turn_deg, tilt_deg, across_mm, small)
    inner = np.s_[6:-6, 6:-6]
    assert np.abs(found - walked)[inner].mean() < 0.03 * walked[inner].mean()
    assert np.corrcoef(found[inner].ravel(), walked[inner].ravel())[0, 1] > 0.995


def test_a_slab_attenuates_by_its_thickness():
    mu = np.full((10, 80, 80), 0.02, np.float32)
    slab = Chest(mu, np.zeros(mu.shape, np.uint8), (3.0, 5.0, 5.0))
    sums = line_integrals(slab, Pose(), Plate(41, 41, 4.0))
    assert sums[20, 20] == pytest.approx(0.02 * 30, rel=1e-4)
    aslant = np.hypot(np.hypot(80, 80), 1800) / 1800
    assert sums[0, 0] == pytest.approx(0.02 * 30 * aslant, rel=1e-4)


def test_a_heart_in_front_throws_a_larger_shadow_when_the_beam_comes_from_the_front():
    heart = only(HEART)
    behind = width_mm(line_integrals(heart, Pose("PA"), PLATE), PLATE.pitch_mm)
    before = width_mm(line_integrals(heart, Pose("AP"), PLATE), PLATE.pitch_mm)
    assert before > behind


def test_the_patients_left_is_at_the_right_of_the_picture():
    for direction in ("PA", "AP"):
        shadows = [
            middle_of(line_integrals(only(part), Pose(direction), PLATE))[1]
            for part in (RIGHT_LUNG, HEART, LEFT_LUNG)
        ]
        assert shadows == sorted(shadows)


def test_a_lateral_shows_the_front_at_the_left_and_is_another_picture():
    heart = middle_of(line_integrals(only(HEART), Pose("LL"), PLATE))[1]
    assert heart < (PLATE.columns - 1) / 2
    frontal = line_integrals(phantom_chest(), Pose(), PLATE)
    lateral = line_integrals(phantom_chest(), Pose("LL"), PLATE)
    mirrored = np.corrcoef(frontal.ravel(), frontal[:, ::-1].ravel())[0, 1]
    assert np.corrcoef(frontal.ravel(), lateral.ravel())[0, 1] < mirrored


def test_a_patient_who_moves_is_moved_and_enlarged():
    still = middle_of(line_integrals(only(HEART), Pose(), PLATE))
    moved = middle_of(line_integrals(only(HEART), Pose(across_mm=20, down_mm=10), PLATE))
    assert (np.subtract(moved, still) * PLATE.pitch_mm) == pytest.approx((10.7, 21.5), abs=0.6)


def test_a_direction_that_is_none_is_refused():
    with pytest.raises(ValueError, match="PA, AP or LL"):
        line_integrals(phantom_chest(), Pose("RL"), PLATE)

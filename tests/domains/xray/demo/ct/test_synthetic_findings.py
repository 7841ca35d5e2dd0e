import numpy as np
import pytest

from domains.xray.demo.ct import synthetic_findings
from domains.xray.demo.ct.chest import HEART, LEFT_LUNG, RIGHT_LUNG, WATER_PER_MM, Chest
from domains.xray.demo.ct.projection import Plate, Pose, line_integrals
from tests.xray_phantom import phantom_chest

PLATE = Plate(112, 128, 2.7)
MIDDLE = (0.5, 0.5, 0.5)
SIDES = pytest.mark.parametrize("side", [RIGHT_LUNG, LEFT_LUNG])


def shadow(changed):
    """What a changed chest adds to the sums along the rays."""
    plain = line_integrals(phantom_chest(), Pose(), PLATE)
    return line_integrals(changed, Pose(), PLATE) - plain


def opacity(side, radius_mm=25.0, filled=0.9, seed=0):
    rng = np.random.default_rng(seed)
    return synthetic_findings.opacity(phantom_chest(), side, MIDDLE, radius_mm, filled, rng)


@SIDES
def test_an_opacity_adds_attenuation_in_its_lung_alone(side):
    chest, changed = phantom_chest(), opacity(side)
    added = changed.mu - chest.mu
    assert added.min() == 0
    assert not added[chest.parts != side].any()
    assert added.max() == pytest.approx(
        0.9 * (synthetic_findings.SOFT - 0.25 * WATER_PER_MM), rel=0.05
    )
    assert shadow(changed)[:, : PLATE.columns // 2].any() == (side == RIGHT_LUNG)


def test_a_denser_or_larger_opacity_lets_less_through():
    sizes = [shadow(opacity(LEFT_LUNG, radius_mm=r)).sum() for r in (12, 20, 30)]
    fillings = [shadow(opacity(LEFT_LUNG, filled=f)).max() for f in (0.3, 0.6, 0.9)]
    assert sizes == sorted(sizes)
    assert fillings == sorted(fillings)
    assert fillings[2] == pytest.approx(3 * fillings[0], rel=0.01)


def test_an_opacity_is_drawn_by_its_seed():
    assert np.array_equal(opacity(LEFT_LUNG).mu, opacity(LEFT_LUNG).mu)
    assert not np.array_equal(opacity(LEFT_LUNG).mu, opacity(LEFT_LUNG, seed=1).mu)


@SIDES
def test_an_effusion_stands_in_the_foot_of_its_lung(side):
    chest = phantom_chest()
    added = synthetic_findings.effusion(chest, side, 0.5).mu - chest.mu
    rows = np.flatnonzero((chest.parts == side).any(axis=(0, 2)))
    upper, foot = rows[: len(rows) // 3], rows[-len(rows) // 5 :]
    assert not added[chest.parts != side].any()
    assert added[:, upper].max() < 0.01 * WATER_PER_MM
    inside = chest.parts[:, foot] == side
    full = synthetic_findings.SOFT - 0.25 * WATER_PER_MM
    assert added[:, foot][inside].mean() > 0.9 * full


def test_an_effusion_is_higher_at_the_wall_than_beside_the_heart():
    added = shadow(synthetic_findings.effusion(phantom_chest(), LEFT_LUNG, 0.5))
    lit = added > 0.2 * added.max()
    columns = np.flatnonzero(lit.any(axis=0))
    tops = lit[:, columns].argmax(axis=0)
    inner, outer = tops[: len(tops) // 3], tops[-len(tops) // 5 :]
    assert outer.min() < inner.min()


def test_more_fluid_stands_higher():
    amounts = [
        shadow(synthetic_findings.effusion(phantom_chest(), RIGHT_LUNG, h)).sum()
        for h in (0.2, 0.4, 0.6)
    ]
    assert amounts == sorted(amounts)


@pytest.mark.parametrize("times", [1.15, 1.35])
def test_a_heart_grows_by_what_is_asked(times):
    chest = phantom_chest()
    changed = synthetic_findings.enlarged_heart(chest, times)
    slab = np.flatnonzero((chest.parts == HEART).any(axis=(1, 2))).mean().astype(int)
    heart = chest.parts[slab] == HEART
    before = np.flatnonzero(heart.any(axis=0))
    row = np.argmax(heart.sum(axis=1))
    grown = (changed.mu[slab] > 0.6 * synthetic_findings.SOFT)[row]
    start = before[len(before) // 2]
    reach = np.argmin(grown[start:]), np.argmin(grown[start::-1])
    assert sum(reach) / heart[row].sum() == pytest.approx(times, abs=0.1)


def test_a_part_that_is_not_there_cannot_be_changed():
    empty = Chest(np.zeros((4, 4, 4), np.float32), np.zeros((4, 4, 4), np.uint8), (1, 1, 1))
    with pytest.raises(ValueError, match="no such part"):
        synthetic_findings.effusion(empty, LEFT_LUNG, 0.3)

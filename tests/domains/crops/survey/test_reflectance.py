"""Raw values to reflectance and indices (C-10), against the formulas written out again here."""

import math

import numpy as np
import pytest

from core.errors import UnreadableImage
from domains.crops.survey.reflectance import (
    BandCalibration,
    PolynomialVignette,
    RadialVignette,
    factor_by_light_sensor,
    factor_by_panel,
    mean_reflectance,
    radiance,
)

RAW = np.random.default_rng(3).integers(5000, 60_000, (24, 32), np.uint16)
COEFFICIENTS = (2.8e-4, -5.6e-6, 1.2e-8, -6.7e-12, -8.5e-15, 7.9e-18)
CENTER = (17.2, 11.4)


def test_radiance_is_what_the_makers_model_says_of_every_pixel():
    calibration = BandCalibration(
        4800.0, 0.0018, 2.0, RadialVignette(CENTER, COEFFICIENTS), (2.4e-4, 8.4e-8, -5.6e-6)
    )

    found = radiance(RAW, calibration)

    for y, x in ((0, 0), (5, 30), (23, 17)):
        r = math.sqrt((x - 17.2) ** 2 + (y - 11.4) ** 2)
        fall_off = 1 + sum(k * r ** (n + 1) for n, k in enumerate(COEFFICIENTS))
        p, p_black = float(RAW[y, x]) / 65536, 4800 / 65536
        exposure = 0.0018 + 8.4e-8 * y - -5.6e-6 * 0.0018 * y
        expected = (1 / fall_off) * (2.4e-4 / 2.0) * (p - p_black) / exposure
        assert found[y, x] == pytest.approx(expected, rel=1e-12)


def test_dji_multiplies_where_micasense_divides():
    one = RadialVignette(CENTER, COEFFICIENTS).correction((24, 32))
    other = RadialVignette(CENTER, COEFFICIENTS, is_multiplied=True).correction((24, 32))

    assert np.allclose(one * other, 1.0, rtol=1e-12)
    assert one[0, 31] != other[0, 31]


def test_parrots_vignette_is_a_polynomial_of_x_and_y():
    vignette = PolynomialVignette(((0, 0), (1, 0), (0, 2), (2, 1)), (0.7, 1.3, -0.4, 0.2))

    found = vignette.correction((24, 32))

    x, y = 20 / 32, 6 / 24
    assert found[6, 20] == pytest.approx(
        1 / (0.7 + 1.3 * x - 0.4 * y**2 + 0.2 * x**2 * y), rel=1e-12
    )


def test_a_panel_and_a_light_sensor_make_reflectance_of_radiance():
    assert factor_by_panel(0.13, 0.49) * 0.13 == pytest.approx(0.49)
    assert factor_by_light_sensor(0.957) == math.pi / 0.957
    with pytest.raises(UnreadableImage, match="light sensor measured 0"):
        factor_by_light_sensor(0.0)
    for radiance_, reflectance in ((0.0, 0.49), (0.1, 49.0), (math.nan, 0.49)):
        with pytest.raises(UnreadableImage, match="panel has a radiance"):
            factor_by_panel(radiance_, reflectance)


def test_what_is_below_0_or_above_1_is_counted_and_is_in_no_mean():
    made = np.array([[-0.1, 0.0, 0.5], [1.0, 1.1, 0.2]])

    found = mean_reflectance(made, 1.0)

    assert found.clipped == pytest.approx(2 / 6)
    assert found.mean == pytest.approx((0 + 0.5 + 1.0 + 0.2) / 4)
    assert math.isnan(mean_reflectance(-made - 9, 1.0).mean)

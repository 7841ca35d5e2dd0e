"""From a multispectral camera's raw values to reflectance, in the order that its makers state.

Black level, vignette, exposure and gain, row gradient and radiometric calibration, then a panel or
a light sensor (MicaSense, "RedEdge camera radiometric calibration model"; Parrot, "Application
note: pixel value to irradiance").
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import UnreadableImage

MOST_CLIPPED = 0.05
"""Share of reflectances below 0 or above 1 from which a calibration is not believed."""

_WHITE = 65536.0

F64 = NDArray[np.float64]
Raw = NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class RadialVignette:
    """Fall-off of light by the distance r in pixels from a centre: 1 + k0 r + k1 r^2 + ...

    Attributes:
        center: Column and row.
        coefficients: k0 and so on.
        is_multiplied: Whether values are multiplied by it (DJI) instead of divided (MicaSense).
    """

    center: tuple[float, float]
    coefficients: tuple[float, ...]
    is_multiplied: bool = False

    def correction(self, shape: tuple[int, int]) -> F64:
        """Return what raw values are multiplied by, ``h w``."""
        row, column = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
        distance = np.hypot(column - self.center[0], row - self.center[1])
        fall_off = np.ones(shape)
        for power, coefficient in enumerate(self.coefficients, 1):
            fall_off = fall_off + coefficient * distance**power
        return fall_off if self.is_multiplied else 1.0 / fall_off


@dataclass(frozen=True, slots=True)
class PolynomialVignette:
    """Fall-off as a polynomial of x and y from 0 to 1, by which values are divided (Parrot).

    Attributes:
        powers: Of x and of y, of each term.
        coefficients: Of each term.
    """

    powers: tuple[tuple[int, int], ...]
    coefficients: tuple[float, ...]

    def correction(self, shape: tuple[int, int]) -> F64:
        """Return what raw values are multiplied by, ``h w``."""
        row, column = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
        x, y = column / shape[1], row / shape[0]
        fall_off = np.zeros(shape)
        for (of_x, of_y), coefficient in zip(self.powers, self.coefficients, strict=True):
            fall_off = fall_off + coefficient * x**of_x * y**of_y
        return np.asarray(1.0 / fall_off)


@dataclass(frozen=True, slots=True)
class BandCalibration:
    """What turns the raw values of one band into radiance.

    Attributes:
        black: Raw value without light.
        exposure_s: Exposure time.
        gain: Sensitivity, 1 at ISO 100.
        vignette: Fall-off of light towards the corners; None where the file states none.
        radiometric: a1, a2 and a3; None where the camera states none, so that radiance is only
            relative.
    """

    black: float
    exposure_s: float
    gain: float
    vignette: RadialVignette | PolynomialVignette | None = None
    radiometric: tuple[float, float, float] | None = None


def radiance(raw: Raw, calibration: BandCalibration) -> F64:
    """Return radiance, W / (m2 sr nm), ``h w``; in a unit of its own without radiometric figures.

    Values below the black level stay negative, so that they are counted.
    """
    made = raw.astype(np.float64) - calibration.black
    if calibration.vignette is not None:
        made = made * calibration.vignette.correction(raw.shape)
    made = made / (calibration.gain * calibration.exposure_s) / _WHITE
    if calibration.radiometric is None:
        return np.asarray(made)
    first, second, third = calibration.radiometric
    row = np.arange(raw.shape[0], dtype=np.float64)[:, None]
    gradient = 1.0 + second * row / calibration.exposure_s - third * row
    return np.asarray(first * made / gradient)


def factor_by_light_sensor(irradiance: float) -> float:
    """Return by what radiance is multiplied to give reflectance, for W / (m2 nm) from the sky.

    The ground is taken to reflect alike in all directions. The sensor's tilt is not corrected.

    Raises:
        UnreadableImage: The sensor measured no light.
    """
    if not 0.0 < irradiance < math.inf:
        raise UnreadableImage(
            f"The light sensor measured {irradiance:g} W/m2/nm.",
            hint="Photograph the reflectance panel before and after the flight.",
        )
    return math.pi / irradiance


def factor_by_panel(panel_radiance: float, panel_reflectance: float) -> float:
    """Return by what radiance is multiplied to give reflectance.

    Args:
        panel_radiance: Mean over the panel, in the band's own unit.
        panel_reflectance: Of the panel in this band, as its maker measured it.

    Raises:
        UnreadableImage: The panel is dark, or its reflectance none.
    """
    if not (panel_radiance > 0.0 and 0.0 < panel_reflectance <= 1.0):
        raise UnreadableImage(
            f"The panel has a radiance of {panel_radiance:g} and a reflectance of "
            f"{panel_reflectance:g}; expected more than 0, and 1 at most.",
            hint="Photograph the panel dry, level and in full light.",
        )
    return panel_reflectance / panel_radiance


@dataclass(frozen=True, slots=True)
class MeanReflectance:
    """A band's mean.

    Attributes:
        mean: Over its pixels from 0 to 1; NaN without one.
        clipped: Share of pixels below 0 or above 1.
    """

    mean: float
    clipped: float


def mean_reflectance(made: F64, factor: float) -> MeanReflectance:
    """Return the mean reflectance of a band with its clip report.

    Args:
        made: Radiance, ``h w``.
        factor: From radiance to reflectance.
    """
    reflectance = made * factor
    is_within = (reflectance >= 0.0) & (reflectance <= 1.0)
    count = int(np.count_nonzero(is_within))
    mean = float(reflectance[is_within].mean()) if count else math.nan
    return MeanReflectance(mean, 1.0 - count / reflectance.size)

"""What goes wrong in front of a camera, done to a picture: each fault at any strength.

Lengths are shares of the shorter side, so that a strength means the same on a small crop and on a
large photograph. The same state of the generator goes the same way at every strength.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import cv2
import numpy as np

from core.types import F32, U8

_LINEAR = 2.2  # Exponent from stored grey levels to light, near enough to sRGB's curve.
_GREY = 2  # Largest difference between the channels of a grey picture, after a JPEG too.


class Fault(NamedTuple):
    """One fault: what it does to float32 ``h w c`` from 0 to 1, and strengths worth knowing.

    ``mild`` shows when looked for, ``plain`` at a glance.
    """

    work: Callable[[F32, float, np.random.Generator], F32]
    mild: float
    plain: float


def faulty(pixels: U8, name: str, strength: float, rng: np.random.Generator) -> U8:
    """Return a picture with one corruption applied.

    Args:
        pixels: uint8 ``h w c``, c = 1 or 3.
        name: A name in ``FAULTS``.
        strength: In the fault's own unit, named by the function that does it.
        rng: Draws directions, places and noise.
    """
    light = pixels.astype(np.float32) / 255.0
    out = FAULTS[name].work(light, strength, rng).reshape(pixels.shape)
    return (np.clip(out, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)


def corrupt_randomly(pixels: U8, name: str, rng: np.random.Generator) -> U8:
    """Return a picture with one fault, at a strength drawn between mild and plain."""
    low, high = FAULTS[name].mild, FAULTS[name].plain
    return faulty(pixels, name, float(low * (high / low) ** rng.uniform()), rng)


def suits(name: str, pixels: U8) -> bool:
    """Return whether a fault can be done: a grey picture has no colour to cast."""
    return name != TINTED or not is_grey(pixels)


def is_grey(pixels: U8) -> bool:
    """Return whether a picture ``h w c`` shows no colour."""
    return pixels.shape[2] == 1 or bool((np.ptp(pixels, axis=2) <= _GREY).all())


def _blur(light: F32, share: float, _rng: np.random.Generator) -> F32:
    """Return it defocused by a Gaussian whose deviation is a share of the shorter side."""
    return np.asarray(cv2.GaussianBlur(light, (0, 0), share * min(light.shape[:2])))


def _motion(light: F32, share: float, rng: np.random.Generator) -> F32:
    """Return it smeared along a line of random direction, a share of the shorter side long."""
    length = max(2.0, share * min(light.shape[:2]))
    side = 2 * int(np.ceil(length / 2)) + 1
    angle = rng.uniform(0.0, np.pi)
    places = np.linspace(-length / 2, length / 2, 8 * side)
    # Sub-pixel sampling spreads each point of the line over its four neighbours.
    kernel = np.zeros((side + 1, side + 1), np.float32)
    x, y = places * np.cos(angle) + side / 2 - 0.5, places * np.sin(angle) + side / 2 - 0.5
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    for dx, dy in ((0, 0), (1, 0), (0, 1), (1, 1)):
        weight = np.abs(1 - dx - (x - left)) * np.abs(1 - dy - (y - top))
        np.add.at(kernel, (top + dy, left + dx), weight)
    kernel = kernel[:side, :side]
    return np.asarray(
        cv2.filter2D(light, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)
    )


def _expose(light: F32, gain: float, _rng: np.random.Generator) -> F32:
    """Return it under more or less light: a gain before the camera's tone curve, clipped."""
    return np.asarray(np.minimum(gain * light**_LINEAR, 1.0) ** (1.0 / _LINEAR))


def _noise(light: F32, level: float, rng: np.random.Generator) -> F32:
    """Return it with normal noise of so many grey levels out of 255."""
    return light + rng.normal(0.0, level / 255.0, light.shape).astype(np.float32)


def _jpeg(light: F32, quality: float, _rng: np.random.Generator) -> F32:
    """Return it compressed at a quality from 1 to 100."""
    pixels = np.ascontiguousarray((light * 255.0 + 0.5).astype(np.uint8)[:, :, ::-1])
    coded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, int(quality)])[1]
    decoded = np.asarray(cv2.imdecode(coded, cv2.IMREAD_UNCHANGED)).reshape(light.shape)
    return decoded[:, :, ::-1].astype(np.float32) / np.float32(255.0)


def _shift(light: F32, share: float, rng: np.random.Generator) -> F32:
    """Return it moved by a share of the shorter side in a random direction."""
    angle, length = rng.uniform(0.0, 2 * np.pi), share * min(light.shape[:2])
    return _moved(light, np.array([[1, 0, length * np.cos(angle)], [0, 1, length * np.sin(angle)]]))


def _rotation(light: F32, degrees: float, rng: np.random.Generator) -> F32:
    """Return it turned by so many degrees, either way."""
    height, width = light.shape[:2]
    turned = degrees if rng.random() < 0.5 else -degrees
    return _moved(light, cv2.getRotationMatrix2D((width / 2, height / 2), turned, 1.0))


def _moved(light: F32, matrix: np.ndarray) -> F32:
    size = (light.shape[1], light.shape[0])
    return np.asarray(cv2.warpAffine(light, matrix, size, borderMode=cv2.BORDER_REPLICATE))


def _occlusion(light: F32, share: float, rng: np.random.Generator) -> F32:
    """Return it with an even rectangle of random grey over a share of it."""
    height, width = light.shape[:2]
    h, w = round(height * share**0.5), round(width * share**0.5)
    y, x = rng.integers(0, height - h + 1), rng.integers(0, width - w + 1)
    out = light.copy()
    out[y : y + h, x : x + w] = rng.uniform(0.0, 1.0)
    return out


def _cast(light: F32, share: float, rng: np.random.Generator) -> F32:
    """Return it in warmer or cooler light: red up and blue down by a share, or the reverse."""
    side = 1.0 if rng.random() < 0.5 else -1.0
    gains = np.array([1.0 + side * share, 1.0, 1.0 - side * share], np.float32)
    return _tone(light**_LINEAR * gains, 1.0 / _LINEAR)


def _camera(light: F32, strength: float, rng: np.random.Generator) -> F32:
    """Return it as by a camera with coarser pixels, dark corners, sharpening and noise."""
    height, width = light.shape[:2]
    factor = 1.0 / (1.0 + strength)
    small = cv2.resize(light, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    out = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC).reshape(light.shape)
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    corners = 1.0 - 0.25 * strength * (x**2 + y**2)[:, :, None]
    out = out * corners.astype(np.float32)
    soft = cv2.GaussianBlur(out, (0, 0), 1.0).reshape(light.shape)
    out = out + strength * (out - soft)
    gamma = (1.0 + 0.4 * strength) ** (1.0 if rng.random() < 0.5 else -1.0)
    return _noise(_tone(out, gamma), 4.0 * strength, rng)


def _tone(light: F32, exponent: float) -> F32:
    return np.clip(light, 0.0, None) ** exponent


TINTED = "tinted"
FAULTS: Mapping[str, Fault] = {
    "out of focus": Fault(_blur, 0.004, 0.014),
    "smeared by motion": Fault(_motion, 0.02, 0.07),
    "too bright": Fault(_expose, 1.6, 2.8),
    "too dark": Fault(_expose, 0.6, 0.25),
    "noisy": Fault(_noise, 8.0, 24.0),
    "compressed hard": Fault(_jpeg, 40.0, 10.0),
    "shifted": Fault(_shift, 0.06, 0.2),
    "turned": Fault(_rotation, 5.0, 20.0),
    "partly covered": Fault(_occlusion, 0.03, 0.16),
    TINTED: Fault(_cast, 0.12, 0.32),
    "taken with another camera": Fault(_camera, 0.4, 1.0),
}
"""Names complete the sentence "It looks ...". """

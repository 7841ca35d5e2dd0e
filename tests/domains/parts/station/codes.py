"""Pictures of codes, whole and damaged."""

from __future__ import annotations

import cv2
import numpy as np
import zxingcpp

BarcodeFormat = zxingcpp.BarcodeFormat


def draw_code(text: str, kind: str = "QRCode", scale: int = 2) -> np.ndarray:
    """Draw a code in black on white with a quiet zone; QR codes by OpenCV's own encoder."""
    if kind == "QRCode":
        modules = cv2.QRCodeEncoder.create().encode(text)
        drawn = np.kron(modules, np.ones((scale + 1,) * 2, np.uint8))
    else:
        code = zxingcpp.create_barcode(text, BarcodeFormat[kind])
        drawn = np.array(zxingcpp.write_barcode_to_image(code, scale=scale))
    return cv2.copyMakeBorder(drawn, 30, 30, 30, 30, cv2.BORDER_CONSTANT, value=255)


def damage(code: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Blur, smear, speckle, cover, turn or shrink a code, at a contrast of 20 % or more."""
    drawn = code.astype(np.float32)
    height, width = drawn.shape
    kind = rng.integers(0, 7)
    if kind in (0, 4):
        drawn = cv2.GaussianBlur(drawn, (0, 0), rng.uniform(0.5, 3.5))
    if kind in (1, 4, 5):
        drawn += rng.normal(0, rng.uniform(10, 110), drawn.shape).astype(np.float32)
    if kind in (2, 5):
        for _ in range(rng.integers(1, 12)):
            left, top = rng.integers(0, width), rng.integers(0, height)
            across, down = rng.integers(2, 25, 2)
            drawn[top : top + down, left : left + across] = rng.integers(0, 256)
    if kind == 3:
        length = 2 * int(rng.uniform(1, 7)) + 1
        drawn = cv2.filter2D(drawn, -1, np.full((1, length), 1 / length, np.float32))
    if kind == 6:
        turn, shrink = rng.uniform(-40, 40), rng.uniform(0.3, 1)
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), turn, shrink)
        drawn = cv2.warpAffine(drawn, matrix, (width, height), borderValue=255)
    drawn = (drawn - 128) * rng.uniform(0.2, 1) + rng.uniform(90, 160)
    return np.clip(drawn, 0, 255).astype(np.uint8)


def on_part(code: np.ndarray, size: tuple[int, int] = (480, 640), at=(40, 60)) -> np.ndarray:
    """Lay a code on a grey part; RGB."""
    grey = np.full(size, 150, np.uint8)
    top, left = at
    grey[top : top + code.shape[0], left : left + code.shape[1]] = code
    return np.repeat(grey[:, :, None], 3, axis=2)

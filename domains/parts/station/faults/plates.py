"""Drawn plates to inspect where no camera is: brushed metal, good or scratched.

They are kept as a station keeps the frames of its camera. A bundle trained on lossless files would
meet other pictures on the line: of one plate, p-values of the OOD gate were .11 to .19 (n 8) as
JPEG and .27 to 1 (n 40) as PNG, which a monitor takes for a change, and rightly.
"""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np

from core.types import U8
from domains.parts.station.capture.sources.encoding import encode

SIDE = 96
SPLITS = {"train": 60, "cal": 60}


def draw_plate(rng: np.random.Generator, scratch: float = 0.0) -> U8:
    """Return a brushed plate, uint8 ``h w 3``, the same picture for the same generator.

    Args:
        rng: Source of what differs from plate to plate.
        scratch: How deep the scratch is, from 0 (none) to 1 (plain to see).
    """
    brushed = cv2.GaussianBlur(rng.normal(0, 40, (SIDE, SIDE)), (0, 0), sigmaX=6, sigmaY=0.6)
    light = np.linspace(120, 120 + rng.uniform(5, 25), SIDE)[:, None]
    plate = light + brushed + rng.normal(0, 2, (SIDE, SIDE))
    if scratch:
        mask = np.zeros((SIDE, SIDE), np.uint8)
        start, angle = rng.uniform(25, 60, 2), rng.uniform(0.2, 2.9)
        end = start + rng.uniform(25, 40) * np.array([np.cos(angle), np.sin(angle)])
        cv2.line(mask, start.astype(int).tolist(), end.astype(int).tolist(), 255, 2, cv2.LINE_AA)
        plate -= scratch * 90 * (mask / 255.0)
    grey = np.clip(plate, 0, 255).astype(np.uint8)
    return np.repeat(grey[:, :, None], 3, axis=2)


def write_plates(folder: Path, seed: int = 7) -> None:
    """Write plates to train and certify on, half of them scratched, with a manifest."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    with (folder / "manifest.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["file", "label", "split", "group"])
        for split, count in SPLITS.items():
            for number in range(count):
                label = ("good", "scratched")[number % 2]
                depth = rng.uniform(0.3, 0.8) if label == "scratched" else 0.0
                name = f"{split}-{number:02}.jpg"
                (folder / name).write_bytes(encode(draw_plate(rng, depth)))
                table.writerow([name, label, split, name])

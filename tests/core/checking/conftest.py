"""Drawn data sets with one fault each."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import pytest

from core.checking.check import check_rows
from core.checking.facts import (
    FileFacts,
    PictureFacts,
    ShrunkPicture,
    ShrunkPixels,
    UnreadablePicture,
    facts_of,
)
from core.checking.result import CheckReport
from core.labelled import Row
from core.types import Finding, Prepared, Reason

SIDE = 64
SHRUNK = ShrunkPixels()
SPLITS = ("train", "train", "cal", "test")
POSITIVE = {"good": False, "scratched": True, "dented": True}


@dataclass
class Draft:
    """One picture of a drawn set, to be spoiled before it is looked at."""

    number: int
    pixels: np.ndarray
    label: str
    split: str
    group: str
    columns: dict[str, str] = field(default_factory=dict)
    kind: str = "PNG"
    suffix: str = ".png"
    length: int = 40_000
    quality: float = 0.0
    size: tuple[int, int] = (300, 400)
    refusals: tuple[str, ...] = ()

    @property
    def positive(self) -> bool:
        return POSITIVE[self.label]

    def facts(self) -> PictureFacts:
        row = Row(
            Path(f"images/{self.number}{self.suffix}"),
            self.label,
            self.split,
            self.group,
            dict(self.columns),
        )
        digest = hashlib.sha256(self.pixels.tobytes()).hexdigest()
        findings = tuple(Finding(Reason.POOR_QUALITY, detail) for detail in self.refusals)
        prepared = Prepared(self.pixels, digest, self.size, findings)
        file = FileFacts(self.kind, self.length, self.quality)
        return facts_of(prepared, ShrunkPicture.of(self.pixels), row, file, SHRUNK)


@lru_cache
def _set(n: int, seed: int, labels: tuple[str, ...]) -> tuple[Draft, ...]:
    """Draw two views of every part, the label and everything else drawn independently."""
    rng = np.random.default_rng(seed)
    drafts = []
    for number in range(n):
        if number % 2 == 0:
            label = labels[int(rng.integers(len(labels)))]
            split = SPLITS[int(rng.integers(len(SPLITS)))]
        blobs = cv2.resize(rng.normal(0, 30, (16, 16)), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        grey = 120 + rng.normal(0, 6) + blobs + rng.normal(0, 4, (SIDE, SIDE))
        pixels = np.repeat(np.clip(grey, 0, 255).astype(np.uint8)[:, :, None], 3, axis=2)
        columns = {
            "camera": "AB"[int(rng.integers(2))],
            "speed": f"{rng.normal(3, 1):.3f}",
            "blob": hashlib.sha256(str(number).encode()).hexdigest(),
        }
        draft = Draft(number, pixels, label, split, f"part-{number // 2}", columns)
        draft.length += int(rng.integers(5000))
        drafts.append(draft)
    return tuple(drafts)


def a_set(
    n: int = 160, seed: int = 5, labels: tuple[str, ...] = ("good", "scratched")
) -> list[Draft]:
    return copy.deepcopy(list(_set(n, seed, labels)))


@pytest.fixture
def drawn() -> Callable[..., list[Draft]]:
    return a_set


@pytest.fixture
def check_pictures() -> Callable[..., CheckReport]:
    def check(
        drafts: list[Draft], *lost: UnreadablePicture, positive: Mapping[str, bool] = POSITIVE
    ) -> CheckReport:
        present = {draft.label for draft in drafts}
        label_sides = {label: side for label, side in positive.items() if label in present}
        return check_rows(
            [*(one.facts() for one in drafts), *lost], label_sides, frozenset({"good"})
        )

    return check

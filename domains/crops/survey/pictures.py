"""Small pictures of the tiles that call most for action, kept while a survey runs."""

from __future__ import annotations

import heapq
import json
from base64 import b64decode, b64encode
from collections.abc import Mapping

import cv2

from core.types import U8
from domains.crops.survey.values import SurveyTile

MOST = 12
_SIDE, _QUALITY = 224, 85

Place = tuple[int, int]
"""Row and column of a tile."""


class UrgentPictures:
    """Keeps the pictures of the tiles most probably sick; no more of them however many come."""

    def __init__(self) -> None:
        self._pending: dict[Place, U8] = {}
        self._kept: list[tuple[float, Place, U8]] = []

    def add(self, tile: SurveyTile, pixels: U8) -> None:
        """Keep a picture until its verdict is there.

        Args:
            tile: The tile.
            pixels: RGB, uint8 ``h w 3``.
        """
        self._pending[tile.row, tile.column] = pixels

    def judge(self, tile: SurveyTile) -> None:
        """Keep the picture of a judged tile where it is among the most urgent."""
        place = tile.row, tile.column
        pixels = self._pending.pop(place)
        chance = tile.verdict.positive_probability if tile.verdict else None
        if chance is None:
            return
        # No two places are the same, so that pixels are never compared.
        heapq.heappush(self._kept, (chance, (-place[0], -place[1]), pixels))
        if len(self._kept) > MOST:
            heapq.heappop(self._kept)

    def jpegs(self) -> dict[Place, bytes]:
        """Return what was kept as JPEGs by place, the most urgent first."""
        found = sorted(self._kept, key=lambda one: (-one[0], one[1]))
        return {(-row, -column): _jpeg(pixels) for _, (row, column), pixels in found}


def _jpeg(pixels: U8) -> bytes:
    small = cv2.resize(pixels, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    bgr = cv2.cvtColor(small, cv2.COLOR_RGB2BGR)
    return bytes(cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1])


def pictures_json(pictures: Mapping[Place, bytes]) -> str:
    """Return pictures as a file, in their order."""
    lines = {
        f"{row}-{column}": b64encode(jpeg).decode() for (row, column), jpeg in pictures.items()
    }
    return json.dumps(lines)


def read_pictures(text: str) -> dict[Place, bytes]:
    """Return pictures out of their file.

    Raises:
        ValueError: It is no such file.
    """
    found = {}
    for name, jpeg in json.loads(text).items():
        row, column = name.split("-")
        found[int(row), int(column)] = b64decode(jpeg, validate=True)
    return found

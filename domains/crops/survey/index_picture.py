"""A vegetation index as a picture with its legend."""

from __future__ import annotations

import cv2
import numpy as np

from core.types import F32, U8
from domains.crops.survey.indices import Index

_COLOURS = cv2.COLORMAP_VIRIDIS  # even steps, also for who tells red from green badly
_PAPER, _INK = 255, (40, 30, 20)
_BAR_ROWS, _FOOT_ROWS, _LEAST_COLUMNS = 14, 44, 240
_FONT, _SIZE = cv2.FONT_HERSHEY_SIMPLEX, 0.45


def draw_index(values: F32, index: Index) -> bytes:
    """Return an index as PNG: violet to yellow over ``Index.shown``, white without a value.

    Args:
        values: ``h w``, NaN where there is none.
        index: Which it is.
    """
    low, high = index.shown
    has_value = np.isfinite(values)
    share = np.clip((np.where(has_value, values, low) - low) / (high - low), 0, 1)
    colours = cv2.applyColorMap(np.rint(255 * share).astype(np.uint8), _COLOURS)
    colours[~has_value] = _PAPER
    width = max(colours.shape[1], _LEAST_COLUMNS)
    sheet = np.full((colours.shape[0] + _FOOT_ROWS, width, 3), _PAPER, np.uint8)
    sheet[: colours.shape[0], : colours.shape[1]] = colours
    _draw_legend(sheet[colours.shape[0] :], index)
    return bytes(cv2.imencode(".png", sheet)[1])


def _draw_legend(foot: U8, index: Index) -> None:
    low, high = index.shown
    ramp = np.linspace(0, 255, foot.shape[1]).round().astype(np.uint8)[None]
    foot[6 : 6 + _BAR_ROWS] = cv2.applyColorMap(ramp, _COLOURS)
    words = (f"<= {low:g}", index.name.upper(), f">= {high:g}")
    for number, word in enumerate(words):
        wide = cv2.getTextSize(word, _FONT, _SIZE, 1)[0][0]
        left = round((foot.shape[1] - wide) * number / 2)
        cv2.putText(foot, word, (left, _FOOT_ROWS - 8), _FONT, _SIZE, _INK, 1, cv2.LINE_AA)

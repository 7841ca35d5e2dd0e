"""How pictures of chest radiographs are read: grey and whole, with a look for the chest."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from core.imaging import square
from core.types import U8, Finding, Frame, Prepared, Reason

COLOURED = 30  # grey levels between the strongest and the weakest channel of a pixel
MOST_COLOUR = 0.05
_COARSE = 32
_MIDDLE = np.s_[8:22, 14:18]
_LUNGS = (np.s_[8:22, 6:12], np.s_[8:22, 20:26])


def prepare(frame: Frame, size: int) -> Prepared:
    """Shrink a radiograph to the network's square, check that it is one, measure its quality.

    The shape and the size of the source are no measures here: both differ between machines, and
    between exports of one machine, without a loss of quality.

    Args:
        frame: Grey or RGB of any depth; small coloured marks are turned grey.
        size: Side in pixels of the square.

    Returns:
        Three equal grey channels; WRONG_INPUT for a colour picture.
    """
    ready = square.prepare(frame, size)
    grey: U8 = np.asarray(cv2.cvtColor(ready.pixels, cv2.COLOR_RGB2GRAY))
    measures = {name: x for name, x in ready.measures.items() if name not in square.SHAPE}
    return replace(
        ready,
        pixels=np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)),
        findings=(*ready.findings, *_colour(ready.pixels)),
        measures={**measures, "middle over lungs": _middle_over_lungs(grey)},
    )


def _colour(pixels: U8) -> tuple[Finding, ...]:
    red, green, blue = cv2.split(pixels)
    strongest = cv2.max(cv2.max(red, green), blue)
    weakest = cv2.min(cv2.min(red, green), blue)
    coloured = cv2.compare(cv2.subtract(strongest, weakest), COLOURED, cv2.CMP_GT)
    share = cv2.countNonZero(coloured) / coloured.size
    if share <= MOST_COLOUR:
        return ()
    detail = (
        f"not a radiograph: expected a grey picture with at most {MOST_COLOUR:.0%} of it coloured, "
        f"got {share:.0%}."
    )
    return (Finding(Reason.WRONG_INPUT, detail),)


def _middle_over_lungs(grey: U8) -> float:
    """Say by how much, from -1 to 1, the spine and heart are brighter than the fields beside them.

    A frontal chest shows a bright band between two dark lungs; a lateral one, a limb or an
    inverted picture mostly does not.
    """
    coarse = cv2.resize(grey, (_COARSE, _COARSE), interpolation=cv2.INTER_AREA)
    beside = np.mean([coarse[place].mean() for place in _LUNGS])
    return float(coarse[_MIDDLE].mean() - beside) / 255

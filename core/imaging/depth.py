"""Which value of a picture is white, where its file does not say it.

A camera of 10 or 12 bits writes its values into files of 16, and read over all 16 bits they are
all but black. A file's container says what it can hold, never what the data use, so that is
measured on the training pictures, once for each source (format, bits and channels), kept in the
bundle and used for every picture after it. Never on the picture itself: what is too dark or too
bright would then look as it should.

White is the end of 8, 10, 12, 14 or 16 bits, the fewest that hold all but ``STRAY`` of a source's
training pictures; of each picture all but ``HOT`` of its values count, since single cells of a
sensor are hot and lossy codes overshoot.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import cv2
import numpy as np

from core.types import Finding, Frame, Prepared, Reason

Depths = Mapping[str, int]  # source to the bits that its data use

STEPS = (8, 10, 12, 14, 16)
STRAY = 0.02
HOT = 1e-4
APART = 4  # bits
SHARE_APART = 0.05
CHECK = "bit_depth"
_ROW_BINS = 1 << 16


def source_of(kind: str, bits: int, channels: int) -> str:
    """Return the name of a source whose files do not say which value is white."""
    return f"{kind} of {bits} bits, {'grey' if channels == 1 else 'colour'}"


def peak_of(frame: Frame) -> int:
    """Return the value that all but ``HOT`` of a picture's values do not exceed."""
    values = np.ascontiguousarray(frame.pixels).reshape(1, -1)
    if values.dtype != np.uint16:
        return int(values.max())
    counts = cv2.calcHist([values], [0], None, [_ROW_BINS], [0, _ROW_BINS]).ravel()
    above = np.cumsum(counts[::-1].astype(np.float64))
    return _ROW_BINS - 1 - int(np.searchsorted(above, HOT * values.size, side="right"))


Peaks = Iterable[tuple[str, int]]
"""Source and peak of each picture; of one whose file says which value is white no source."""


def measure(peaks: Peaks) -> dict[str, int]:
    """Return how many bits the data of each source use, by its training pictures."""
    return {source: _bits(values) for source, values in _by_source(peaks).items()}


def describe_depths(peaks: Peaks) -> list[str]:
    """Return where white is in sources whose data use less than the files hold, or several ranges.

    Two cameras of which one uses a sixteenth of the other's range or less are recognised by many
    pictures that end there.
    """
    lines = []
    for source, values in _by_source(peaks).items():
        bits = _bits(values)
        if bits < STEPS[-1]:
            lines.append(f"{source}: the data use {bits} bits, white is {(1 << bits) - 1}.")
        low = 1 << max(bits - APART, 0)
        narrow = sum(value < low for value in values)
        if narrow >= max(2, SHARE_APART * len(values)):
            lines.append(
                f"{source}: in {narrow} of {len(values)} pictures no value reaches {low}, though "
                f"white is {(1 << bits) - 1}. If two cameras wrote them, save those of one with "
                "its full range: files of one kind are read alike."
            )
    return lines


def _by_source(peaks: Peaks) -> dict[str, list[int]]:
    by_source: dict[str, list[int]] = {}
    for source, peak in peaks:
        if source:
            by_source.setdefault(source, []).append(peak)
    return dict(sorted(by_source.items()))


def _bits(peaks: list[int]) -> int:
    ordered = sorted(peaks)
    highest = ordered[len(ordered) - 1 - int(STRAY * len(ordered))]
    return next(bits for bits in STEPS if highest < 1 << bits)


def scale_depth(frame: Frame, depths: Depths | None) -> Frame:
    """Return a frame with the bits that its source's data use, as far as these were measured."""
    bits = (depths or {}).get(frame.source)
    return replace(frame, bit_depth=bits) if bits else frame


def judged_by_source(prepared: Prepared, frame: Frame, depths: Depths | None) -> Prepared:
    """Return the picture with what its values state of its source.

    Args:
        prepared: The picture as the network takes it.
        frame: The frame that it comes from.
        depths: What was measured on the training pictures; None while that is being done.
    """
    if not frame.source:
        return prepared
    peak = peak_of(frame)
    measured = replace(prepared, source=frame.source, peak=peak)
    if depths is None:
        return measured
    return replace(measured, findings=(*_findings(frame.source, peak, depths), *measured.findings))


def _findings(source: str, peak: int, depths: Depths) -> tuple[Finding, ...]:
    if source in depths:
        white = (1 << depths[source]) - 1
        if peak <= white:
            return ()
        detail = (
            f"bit depth: values reach {peak}; in the training pictures ({source}) they end at "
            f"{white}."
        )
    elif peak >= 1 << STEPS[-2]:
        return ()
    else:
        known = ", ".join(sorted(depths)) or "files of 8 bits"
        detail = (
            f"bit depth: a {source} whose values reach {peak} only, and no training picture says "
            f"which value is white in such a file; they were {known}."
        )
    return (Finding(Reason.WRONG_INPUT, detail, CHECK),)

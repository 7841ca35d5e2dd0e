"""From stored values to what a viewer shows, as one table that every pixel is looked up in.

The order is the standard's (PS3.3 C.11, PS3.4 N.2): rescale or modality LUT, VOI LUT or window,
presentation. All of it is a function of one stored value, and there are at most 65,536 of these.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from core.types import F64
from domains.xray.decoding.values import code_of, is_stated, items_of, number_of, value_of

if TYPE_CHECKING:
    from pydicom import Dataset

WHITE = 65_535
NO_WINDOW = "none: full range of the stored bits"


def display_table(
    dataset: Dataset, bits: int, used: tuple[int, int], *, signed: bool
) -> tuple[NDArray[np.uint16], str]:
    """Return the display value of every stored bit pattern.

    Args:
        dataset: Holds the grey-scale attributes of the image.
        bits: How many bits are stored, 1 to 16.
        used: Lowest and highest stored value of the image, which count where no window is stated.
        signed: Whether the patterns are two's complement.

    Returns:
        uint16 ``2**bits``, 0 = black and 65,535 = white, as a viewer shows the image; and which
        window was applied, in words.
    """
    stored = np.arange(2**bits, dtype=np.float64)
    if signed:
        stored[2 ** (bits - 1) :] -= 2**bits
    values, lowest, highest = _modality(dataset, stored, signed=signed)
    shown, applied = _voi(dataset, values, lowest, highest)
    in_use = bits_in_use(used, bits)
    if applied == NO_WINDOW and in_use < bits:
        first = -(2 ** (in_use - 1)) if used[0] < 0 else 0
        ends = values[[first % 2**bits, first + 2**in_use - 1]]
        shown = np.clip((values - ends.min()) / max(float(np.ptp(ends)), math.ulp(0)), 0, 1)
        applied = f"none: range of the {in_use} bits in use"
    if _is_inverse(dataset):
        shown = 1 - shown
    return np.rint(WHITE * shown).astype(np.uint16), applied


def bits_in_use(used: tuple[int, int], bits: int) -> int:
    """Return how many bits the values of an image need, where those stored say far too many.

    Devices write 10 to 14 bits as if they were 16. Without a window viewers show such an image by
    its own range; by that of the bits stored it would be all but black.

    Args:
        used: Lowest and highest stored value.
        bits: How many bits are stored; given back unless the values need at least two less.
    """
    lowest, highest = used
    needed = max(highest, -lowest - 1, 1).bit_length() + (lowest < 0)
    return needed if needed <= bits - 2 else bits


def unclear(dataset: Dataset) -> Iterator[str]:
    """Yield what of the display is stated and cannot be applied; without it another image shows."""
    windows = ("WindowCenter", "WindowWidth")
    tables = {"modality table": "ModalityLUTSequence", "table of values": "VOILUTSequence"}
    for name, keyword in tables.items():
        items = items_of(dataset, keyword)
        if is_stated(dataset, keyword) and not any(_lut(one, signed=False) for one in items):
            yield name
    if any(is_stated(dataset, one) for one in windows) and _window(dataset) is None:
        yield "window"
    for keyword in ("RescaleSlope", "RescaleIntercept"):
        if is_stated(dataset, keyword) and number_of(dataset, keyword) is None:
            yield "rescale"
    if code_of(dataset, "PresentationLUTShape") not in ("", "INVERSE", "IDENTITY"):
        yield "presentation"


def _window(dataset: Dataset) -> tuple[float, float, str] | None:
    """Return centre, width and function of the first window; None where none can be applied."""
    centre, width = (number_of(dataset, f"Window{name}") for name in ("Center", "Width"))
    stated = code_of(dataset, "VOILUTFunction")
    function = stated if stated in ("SIGMOID", "LINEAR_EXACT") else "LINEAR"
    if centre is None or width is None or width < (1 if function == "LINEAR" else math.ulp(0)):
        return None
    return centre, width, function


def _modality(dataset: Dataset, stored: F64, *, signed: bool) -> tuple[F64, float, float]:
    """Return modality LUT or rescale applied (PS3.3 C.11.1), and which values can come out."""
    for item in items_of(dataset, "ModalityLUTSequence"):
        lut = _lut(item, signed=signed)
        if lut is not None:
            first, table, depth = lut
            return _looked_up(stored, first, table), 0.0, 2.0**depth - 1
    slope, intercept = (number_of(dataset, f"Rescale{name}") for name in ("Slope", "Intercept"))
    values = stored * (1.0 if slope is None else slope) + (intercept or 0.0)
    return values, float(values.min()), float(values.max())


def _voi(dataset: Dataset, values: F64, lowest: float, highest: float) -> tuple[F64, str]:
    """Return the first VOI LUT, or else the first window, applied: 0 to 1 (PS3.3 C.11.2)."""
    for item in items_of(dataset, "VOILUTSequence"):
        lut = _lut(item, signed=lowest < 0)
        if lut is not None:
            first, table, depth = lut
            shown = _looked_up(values, first, table) / (2.0**depth - 1)
            return np.clip(shown, 0, 1), "VOI LUT"
    window = _window(dataset)
    if window is None:
        return (values - lowest) / max(highest - lowest, math.ulp(0)), NO_WINDOW
    centre, width, function = window
    return apply_window(values, *window), f"{centre:g} / {width:g} {function}"


def apply_window(values: F64, centre: float, width: float, function: str) -> F64:
    """Return one window applied (PS3.3 C.11.2.1.2 and C.11.2.1.3), linear, exact or sigmoid.

    Returns:
        0 to 1, same shape as the values.
    """
    if function == "SIGMOID":
        with np.errstate(over="ignore"):
            return np.asarray(1 / (1 + np.exp(-4 * (values - centre) / width)))
    if function == "LINEAR":
        centre, width = centre - 0.5, width - 1
    if width == 0:
        return (values > centre).astype(np.float64)
    shown: F64 = np.clip((values - centre) / width + 0.5, 0, 1)
    return shown


def _is_inverse(dataset: Dataset) -> bool:
    """Return whether the lowest value is shown white (PS3.3 C.7.6.3.1.2 and C.11.6.1)."""
    shape = code_of(dataset, "PresentationLUTShape")
    if shape in ("INVERSE", "IDENTITY"):
        return shape == "INVERSE"
    return code_of(dataset, "PhotometricInterpretation") == "MONOCHROME1"


def _looked_up(values: F64, first: int, table: F64) -> F64:
    places = np.clip(np.rint(values) - first, 0, len(table) - 1).astype(np.intp)
    looked_up: F64 = table[places]
    return looked_up


def _lut(item: Dataset, *, signed: bool) -> tuple[int, F64, int] | None:
    """Return a LUT (PS3.3 C.11.1.1): first input value, entries and their depth in bits."""
    try:
        length, first, depth = (int(one) for one in value_of(item, "LUTDescriptor"))
        entries = _entries(item, length or 65_536)
    except (TypeError, ValueError):
        return None
    if not 1 <= depth <= 16 or entries.size == 0:
        return None
    if signed and first >= 32_768:  # the descriptor was read as unsigned
        first -= 65_536
    return first, entries, depth


def _entries(item: Dataset, length: int) -> F64:
    data: Any = value_of(item, "LUTData")
    if isinstance(data, bytes):
        order = "<" if item.original_encoding[1] in (True, None) else ">"
        kind = "u1" if len(data) < 2 * length else f"{order}u2"
        return np.frombuffer(data, kind)[:length].astype(np.float64)
    return np.asarray(data, np.float64).reshape(-1)[:length]

"""A pack for mosaics of five float32 bands, and the function that cuts them into tiles."""

import io
from dataclasses import replace

import numpy as np

from core.errors import UnreadableImage
from core.imaging import square
from core.imaging.functions import Output
from core.types import Frame, Tile
from domains.parts import pack as parts

BANDS = ("blue", "green", "red", "red edge", "near infrared")
SIDE = 96


def mosaic(data):
    try:
        return np.load(io.BytesIO(data), allow_pickle=False)
    except (ValueError, EOFError) as exc:
        raise UnreadableImage("It is no mosaic.") from exc


def read(data, max_pixels, min_side):
    return frame_of(mosaic(data), "0" * 64)


def frame_of(pixels, sha256, tile=None):
    return Frame(pixels, 32, sha256, pixels.shape[:2], bands=BANDS, tile=tile)


def prepare(frame, size):
    """Make the network's square out of near infrared, red and green (false colour)."""
    shown = np.stack([frame.band(name) for name in ("near infrared", "red", "green")], axis=2)
    grey_levels = np.rint(255 * np.clip(shown, 0, 1)).astype(np.uint8)
    return square.prepare(replace(frame, pixels=grey_levels, bit_depth=8, bands=()), size)


def cut(data, arguments):
    """Cut a mosaic into tiles, as a function of the sandbox."""
    whole, side = mosaic(data), arguments["side"]
    corners = [
        (row, column)
        for row in range(0, whole.shape[0], side)
        for column in range(0, whole.shape[1], side)
    ]
    tiles = {
        f"{r},{c}": np.ascontiguousarray(whole[r : r + side, c : c + side]) for r, c in corners
    }
    return Output(tiles, {"corners": corners})


def frames_of(output, parent):
    """Return the tiles that ``cut`` gave as frames."""
    for row, column in output.record["corners"]:
        pixels = output.arrays[f"{row},{column}"]
        yield frame_of(pixels, f"{row:032}{column:032}", Tile(parent, row, column))


def crash(data, arguments):
    import os

    os.abort()


def boast(data, arguments):
    return Output({"large": np.zeros(1000, np.float64)})


def read_at(data, arguments):
    """Give the byte of a file that is open in both processes at the place asked for."""
    import os

    at = int(data)
    if at == 13:
        os.abort()
    (value,) = os.pread(arguments["file"], 1, at)
    return Output({"byte": np.array([value], np.uint8)}, {"pid": os.getpid()})


def say(data, arguments):
    return Output({"twice": 2 * np.frombuffer(data, np.uint8)}, {"name": "Jané", **arguments})


pack = replace(parts, name="bands", outputs=(), read=read, prepare=prepare, describe=None)
tiled = replace(
    pack, read=lambda data, _pixels, _side: frame_of(mosaic(data), "0" * 64, Tile("f" * 64, 7, 8))
)

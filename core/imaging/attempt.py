"""One picture through one pack, whatever the pack does: the per-picture border."""

from __future__ import annotations

import logging
from dataclasses import replace
from time import perf_counter

from core.errors import InputError
from core.imaging.depth import Depths, judged_by_source, scale_depth
from core.imaging.file_traits import read_traits
from core.packs import DomainPack
from core.types import Description, Frame, Prepared, Unreadable

CAMERA = "camera"
_LONGEST_MESSAGE = 500

logger = logging.getLogger(__name__)


def attempt(
    pack: DomainPack, data: bytes, size: int, max_pixels: int, depths: Depths | None = None
) -> tuple[Prepared | Unreadable, float]:
    """Return one picture read and prepared, or why there is none, with the time it took.

    This is one of the few places that catch everything. Decoders raise what they like (a Rust
    decoder's panic is a BaseException), and one bad picture must not take its neighbours along.
    Only the requests to stop the process itself pass.

    Args:
        pack: The pack whose ``read`` and ``prepare`` are called.
        data: The whole file.
        size: Side in pixels of the square that the network takes.
        max_pixels: Largest width times height that may be decoded.
        depths: Bits that the data of each source use; None while they are being measured.

    Returns:
        The prepared picture, or the reason why there is none with what the file says of itself;
        and the milliseconds that it took.
    """
    start = perf_counter()
    outcome = _attempted(pack, data, size, max_pixels, depths)
    if isinstance(outcome, Unreadable):
        described = describe(pack, data)
        outcome = replace(described, message=f"{outcome.message} {described.message}".rstrip())
    return outcome, 1e3 * (perf_counter() - start)


def describe(pack: DomainPack, data: bytes) -> Unreadable:
    """Return what a file states besides its pixels, whatever the pack does.

    Args:
        pack: The pack whose ``describe`` is called, where it has one.
        data: The whole file or its beginning.

    Returns:
        With a message only where not even that reads.
    """
    described, message = Description(), ""
    if pack.describe is not None:
        try:
            described = pack.describe(data)
        except (KeyboardInterrupt, SystemExit, GeneratorExit):
            raise
        except BaseException as exc:
            if not isinstance(exc, InputError):
                logger.exception("the header reader of the pack %s failed", pack.name)
            message = "Its header does not read either: nothing says whose it is."
    return Unreadable(message, meta=described.meta, group=described.group)


def _attempted(
    pack: DomainPack, data: bytes, size: int, max_pixels: int, depths: Depths | None
) -> Prepared | Unreadable:
    outcome: Prepared | Unreadable
    try:
        outcome = prepare_frame(pack, pack.read(data, max_pixels, size), size, depths)
        if outcome.pixels.shape[:2] != (size, size):
            raise ValueError(f"pixels: expected {size} x {size}, got {outcome.pixels.shape[:2]}")
        outcome = with_camera(replace(outcome, traits=read_traits(data)))
    except InputError as exc:
        outcome = Unreadable(str(exc)[:_LONGEST_MESSAGE])
    except MemoryError:
        outcome = Unreadable("The decoder ran out of memory on this picture.")
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as exc:
        logger.exception("the reader of the pack %s failed", pack.name)
        detail = f"{type(exc).__name__}: {exc}"[:_LONGEST_MESSAGE]
        outcome = Unreadable(f"The reader of the pack {pack.name} failed: {detail}")
    return outcome


def with_camera(picture: Prepared) -> Prepared:
    """Return a picture whose header and traits both name the camera that either of them names.

    Drift is watched by the trait, and rates are shown by the header's column.
    """
    camera = picture.meta.get(CAMERA) or picture.traits.get(CAMERA)
    if not isinstance(camera, str):
        return picture
    own = {CAMERA: camera}
    return replace(picture, meta={**picture.meta, **own}, traits={**picture.traits, **own})


def prepare_frame(pack: DomainPack, frame: Frame, size: int, depths: Depths | None) -> Prepared:
    """Return a decoded picture prepared with the bits that the data of its source use.

    Args:
        pack: The pack whose ``prepare`` is called.
        frame: The picture.
        size: Side in pixels of the square that the network takes.
        depths: As in ``attempt``.
    """
    frame = scale_depth(frame, depths)
    prepared = judged_by_source(pack.prepare(frame, size), frame, depths)
    return replace(prepared, tile=frame.tile) if frame.tile else prepared

"""A pack's reading and preparing as functions of the sandbox, and what they give as a picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from core.imaging.attempt import attempt
from core.imaging.attempt import describe as describe_by
from core.imaging.functions import Arguments, Output
from core.packs import load
from core.types import Finding, Prepared, Reason, Tile, Unreadable

PREPARE, DESCRIBE = f"{__name__}:prepare", f"{__name__}:describe"


def arguments_of(
    entry: str, size: int, max_pixels: int, depths: Mapping[str, int] | None
) -> dict[str, Any]:
    """Return what ``prepare`` and ``describe`` take.

    Args:
        entry: Import path of the pack, ``module:attribute``.
        size: Side in pixels of the prepared square.
        max_pixels: Largest picture decoded.
        depths: Bits that the data of each source use; None while they are being measured.
    """
    known = None if depths is None else dict(depths)
    return {"entry": entry, "size": size, "max_pixels": max_pixels, "depths": known}


def prepare(data: bytes, arguments: Arguments) -> Output:
    """Return one picture prepared by the pack's functions; never raise for what is in it."""
    pack = load(arguments["entry"])
    size, max_pixels = arguments["size"], arguments["max_pixels"]
    return _output(attempt(pack, data, size, max_pixels, arguments["depths"])[0])


def describe(data: bytes, arguments: Arguments) -> Output:
    """Return what a file states besides its pixels."""
    return _output(describe_by(load(arguments["entry"]), data))


def _output(outcome: Prepared | Unreadable) -> Output:
    if isinstance(outcome, Prepared):
        return Output({"pixels": outcome.pixels}, record_of(outcome))
    stated = {"meta": dict(outcome.meta), "group": outcome.group}
    return Output(record={**stated, "error": outcome.message})


def record_of(outcome: Prepared) -> dict[str, Any]:
    """Return all of a prepared picture but its pixels, which ``picture_of`` reads, as JSON."""
    tile = outcome.tile
    return {
        "meta": dict(outcome.meta),
        "group": outcome.group,
        "size": outcome.source_size,
        "findings": [(f.reason.value, f.detail, f.check) for f in outcome.findings],
        "measures": {name: float(value) for name, value in outcome.measures.items()},
        "stated": {name: float(value) for name, value in outcome.stated.items()},
        "source": outcome.source,
        "peak": outcome.peak,
        "tile": tile and [tile.parent, tile.row, tile.column],
        "traits": dict(outcome.traits),
    }


def picture_of(output: Output, size: int, sha256: str) -> Prepared | Unreadable:
    """Return what ``prepare`` or ``describe`` gave, checked.

    Args:
        output: From a process that is not trusted.
        size: Side in pixels of the prepared square.
        sha256: Digest of the file, as this process computed it.

    Raises:
        ValueError: It is no such thing.
    """
    record = output.record
    try:
        meta = {name: _text(value) for name, value in record["meta"].items()}
        group = _text(record["group"])
        if "error" in record:
            return Unreadable(_text(record["error"]), sha256, meta=meta, group=group)
        pixels = output.arrays["pixels"]
        if pixels.shape != (size, size, 3) or pixels.dtype != np.uint8:
            raise ValueError(f"pixels: got {pixels.dtype} {pixels.shape}")
        height, width = record["size"]
        return Prepared(
            pixels=pixels,
            sha256=sha256,
            source_size=(_count(height), _count(width)),
            findings=tuple(
                Finding(Reason(code), _text(text), _text(check))
                for code, text, check in record["findings"]
            ),
            measures={name: _number(value) for name, value in record["measures"].items()},
            meta=meta,
            stated={name: _number(value) for name, value in record["stated"].items()},
            group=group,
            source=_text(record["source"]),
            peak=_value(record["peak"]),
            tile=_tile(record["tile"]),
            traits={
                name: value if isinstance(value, str) else _number(value)
                for name, value in record["traits"].items()
            },
        )
    except (KeyError, TypeError, AttributeError, OverflowError) as exc:
        raise ValueError(f"no picture: {type(exc).__name__}") from exc


def _tile(value: Any) -> Tile | None:  # noqa: ANN401
    if value is None:
        return None
    parent, row, column = value
    return Tile(_text(parent), _index(row), _index(column))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("expected text")
    return value


def _number(value: object) -> float:
    if type(value) is not float and type(value) is not int:
        raise TypeError("expected a number")
    return float(value)


def _value(value: object) -> int:
    if type(value) is not int or not 0 <= value < 2**16:
        raise TypeError("expected a value of 16 bits")
    return value


def _count(value: object) -> int:
    if type(value) is not int or not 0 < value < 2**32:
        raise TypeError("expected a count")
    return value


def _index(value: object) -> int:
    if type(value) is not int or not 0 <= value < 2**32:
        raise TypeError("expected an index")
    return value

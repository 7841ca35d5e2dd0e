"""Named functions that run in a disposable process: bytes in, arrays and JSON out.

A function has an import path ``module:function`` and takes the whole file and its arguments, which
are JSON. Reading a pack's pictures (`core.imaging.reading`), levels for a screen
(`core.imaging.display16`), headers and digests are such functions; a pack may bring its own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pkgutil import resolve_name
from typing import Any, cast

from numpy.typing import NDArray

from core.errors import ConfigError, InputError
from core.types import Unreadable

LONGEST_MESSAGE = 500

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Output:
    """What a function makes of a file.

    Attributes:
        arrays: By name; uint8, uint16, float32, float64 or int64, none of them empty.
        record: Everything else, as JSON.
    """

    arrays: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    record: Mapping[str, Any] = field(default_factory=dict)


Arguments = Mapping[str, Any]
Function = Callable[[bytes, Arguments], Output]


def load(path: str) -> Function:
    """Return a function by its ``module:function`` path.

    Raises:
        ConfigError: It does not import, or is none.
    """
    try:
        function = resolve_name(path)
    except (ImportError, AttributeError, ValueError) as exc:
        raise ConfigError(
            f"{path!r} does not import: {exc}.", hint="Reinstall the distribution that brings it."
        ) from exc
    if not callable(function):
        raise ConfigError(f"{path!r} is a {type(function).__name__}, not a function.")
    return cast("Function", function)


def call(function: Function, data: bytes, arguments: Arguments) -> Output | Unreadable:
    """Return what a function makes of a file, or why it makes nothing.

    This is one of the few places that catch everything. Decoders raise what they like (a Rust
    decoder's panic is a BaseException), and one bad file must not take its neighbours along.
    Only the requests to stop the process itself pass.
    """
    try:
        return function(data, arguments)
    except InputError as exc:
        return Unreadable(str(exc)[:LONGEST_MESSAGE])
    except MemoryError:
        return Unreadable("The process ran out of memory on this file.")
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as exc:
        logger.exception("a function failed")
        detail = f"{type(exc).__name__}: {exc}"[:LONGEST_MESSAGE]
        return Unreadable(f"Reading failed: {detail}")

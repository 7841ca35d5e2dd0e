"""Whether a file decodes to its end; a function of the sandbox, for files of a watched folder."""

from __future__ import annotations

import hashlib

from core.imaging.decode import decode
from core.imaging.functions import Arguments, Output

CHECK = f"{__name__}:check"


def check(data: bytes, arguments: Arguments) -> Output:
    """Return the digest of a file's pixels, so that a frozen camera shows behind new file headers.

    Raises:
        UnreadableImage: It is cut short, damaged, or no picture.
    """
    frame = decode(data, int(arguments["max_pixels"]), 0)
    return Output(record={"pixels": hashlib.sha256(frame.pixels.data).hexdigest()})

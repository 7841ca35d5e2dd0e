"""Pictures with every pixel that they have, by address, for those who look closely.

They are decoded in disposable processes when a browser asks, encoded by us and kept by the browser,
since what lies under an address never changes.
"""

from __future__ import annotations

import struct
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial

from core.errors import UnreadableImage
from core.imaging import display8, display16
from core.imaging.function_sandbox import FunctionSandbox, unparsed
from core.imaging.functions import Output
from core.packs import entry_of
from core.records.values import StoredDecision
from core.service.bundles.archived import depths_on_shelf
from core.service.review.explanations import RETAKE
from core.service.review.review import ReviewSession
from core.types import Unreadable
from dashboard.offered import LEVELS, OFFERS
from dashboard.overlay import FULL_QUALITY, jpeg

SIDE = 6000
"""Longest side in pixels of what is shown; larger pictures are shrunk to it."""


class FullPictures:
    """Offers pictures of decisions with all their pixels; shared between threads."""

    def __init__(self, session: ReviewSession) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._stack = ExitStack()
        self._sandboxes: dict[tuple[object, ...], FunctionSandbox[Output]] = {}
        self._closed = False

    def colours_at(self, decision: StoredDecision) -> str:
        """Return the address of a decision's picture in colour, as JPEG."""
        return OFFERS.put(f"{decision.id} colours", partial(self.colours, decision))

    def levels_at(self, decision: StoredDecision) -> str:
        """Return the address of a decision's grey levels: height and width, then uint16 by rows."""
        return OFFERS.put(f"{decision.id} levels", partial(self.levels, decision), LEVELS)

    def colours(self, decision: StoredDecision) -> bytes:
        """Return a decision's picture in colour, as JPEG.

        Raises:
            AssayError: The picture does not read, or its bytes are missing.
        """
        depths = depths_on_shelf(decision.bundle_sha256, self._session.settings)
        read = self._read(decision, display8.READ, depths, display8.outbox_bytes(SIDE))
        return jpeg(display8.colours_in(read), FULL_QUALITY)

    def levels(self, decision: StoredDecision) -> bytes:
        """Return a decision's grey levels.

        Raises:
            AssayError: The picture does not read, or its bytes are missing.
        """
        read = self._read(decision, display16.READ, {}, display16.outbox_bytes(SIDE))
        levels = display16.levels_in(read)
        return struct.pack("<II", *levels.shape) + levels.astype("<u2").tobytes()

    def close(self) -> None:
        """End the decoder processes; whoever still waits for a picture is refused."""
        with self._lock:
            self._closed = True
            self._stack.close()
            self._sandboxes.clear()

    def _read(
        self,
        decision: StoredDecision,
        function: str,
        depths: Mapping[str, int],
        outbox_bytes: int,
    ) -> Output:
        data = self._session.explainer.received(decision)
        key = (function, decision.pack, tuple(sorted(depths.items())))
        with self._lock:
            if self._closed:
                raise UnreadableImage("The server is being stopped.", hint="Start it again.")
            if key not in self._sandboxes:
                sandbox = FunctionSandbox(
                    function,
                    self._session.settings,
                    unparsed,
                    entry=entry_of(decision.pack),
                    arguments={"size": SIDE, "depths": dict(depths)},
                    outbox_bytes=outbox_bytes,
                    batch=1,
                )
                self._sandboxes[key] = self._stack.enter_context(sandbox)
            sandbox = self._sandboxes[key]
        read = sandbox.call(data)
        if isinstance(read, Unreadable):
            raise UnreadableImage(read.message, hint=RETAKE)
        return read

"""Pictures with all their grey levels, and where a verdict was decided, worked out ahead of time.

As in `dashboard.pictures`: decoded in disposable processes, on a thread of our own, kept as bytes
that all sessions share.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, cast

from core.errors import UnreadableImage
from core.imaging import display16
from core.imaging.function_sandbox import FunctionSandbox, unparsed
from core.records.values import StoredDecision
from core.service.review.explanations import RETAKE
from core.service.review.review import ReviewSession
from core.types import Policy, Unreadable
from dashboard.overlay import Heat, heat_of

SIDE = 1024
KEPT = 32
PATIENCE_S = 0.3

Work = Callable[[], object]


@dataclass(frozen=True, slots=True)
class DisplayPicture:
    """One picture ready to be looked at.

    Attributes:
        height: In pixels.
        width: In pixels.
        pixels: uint16 little-endian, row by row: grey levels, 0 = black.
        size: Height and width of the original in pixels.
    """

    height: int
    width: int
    pixels: bytes
    size: tuple[int, int]


class Lightbox:
    """Works out plates, heat maps and policies and keeps the last ones; shared between threads.

    A plate is worth waiting for. What needs the bundle is not: opening one takes seconds, and the
    picture must not wait for it.

    Args:
        session: The store and the explainer.
        entry: Import path of the pack that reads the pictures.
    """

    def __init__(self, session: ReviewSession, entry: str) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, ...], Future[Any]] = OrderedDict()
        self._decoding = ThreadPoolExecutor(max_workers=1, thread_name_prefix="plates")
        self._explaining = ThreadPoolExecutor(max_workers=1, thread_name_prefix="heat")
        self._sandbox = FunctionSandbox(
            display16.READ,
            session.settings,
            unparsed,
            entry=entry,
            arguments={"size": SIDE},
            outbox_bytes=display16.outbox_bytes(SIDE),
        ).__enter__()

    def plate(self, decision: StoredDecision) -> DisplayPicture:
        """Return the picture that a decision was made on; wait for it.

        Raises:
            AssayError: The picture does not read, or its bytes are missing.
        """
        return cast(
            "DisplayPicture", self._get(("plate", decision.id), self._plate_of(decision), None)
        )

    def heat(self, decision: StoredDecision, wait_s: float = PATIENCE_S) -> Heat | None:
        """Return the heat map of a decision; None while it is worked out, or not yet begun.

        As in `dashboard.pictures`: where the bundle is still to be opened, ``prepare`` begins it.

        Raises:
            AssayError: The picture does not read, or its bytes or its bundle are missing.
        """
        if not self._may_begin(decision):
            return None
        work = self._heat_of(decision)
        return cast("Heat | None", self._get(("heat", decision.id), work, wait_s))

    def has_heat(self, decision: StoredDecision) -> bool:
        """Return whether the heat map, or the reason why there is none, is ready."""
        if not self._may_begin(decision):
            return False
        return self._future(("heat", decision.id), self._heat_of(decision)).done()

    def policy(
        self, bundle_sha256: str, policy_id: str, wait_s: float = PATIENCE_S
    ) -> Policy | None:
        """Return the policy of a verdict; None while its bundle is being opened.

        That is not waited for: a list asks for the policies of all its cases.

        Raises:
            BundleError: The bundle or its policy is not on the shelf, or was altered.
        """
        key = ("policy", bundle_sha256, policy_id)
        wait_s = wait_s if self.is_quick(bundle_sha256) else 0.0
        return cast("Policy | None", self._get(key, self._policy_of(*key[1:]), wait_s))

    def is_quick(self, bundle_sha256: str) -> bool:
        """Return whether what needs a bundle comes at once: it is open, or known not to open."""
        return self._session.explainer.has_tried(bundle_sha256)

    def prepare(self, decision: StoredDecision, *, heat: bool) -> None:
        """Begin to work out what will be asked for soon."""
        self._future(("plate", decision.id), self._plate_of(decision))
        if heat:
            self._future(("heat", decision.id), self._heat_of(decision))

    def close(self) -> None:
        """Drop what has not begun, end the threads and the decoder processes."""
        self._explaining.shutdown(cancel_futures=True)
        self._decoding.shutdown(cancel_futures=True)
        self._sandbox.__exit__(None, None, None)

    def _may_begin(self, decision: StoredDecision) -> bool:
        with self._lock:
            has_begun = ("heat", decision.id) in self._kept
        return has_begun or self.is_quick(decision.bundle_sha256)

    def _get(self, key: tuple[str, ...], work: Work, wait_s: float | None) -> object:
        future = self._future(key, work)
        try:
            return future.result(wait_s)
        except TimeoutError:
            return None
        except BaseException:
            with self._lock:  # not kept, since it may be mended
                self._kept.pop(key, None)
            raise

    def _future(self, key: tuple[str, ...], work: Work) -> Future[Any]:
        thread = self._decoding if key[0] == "plate" else self._explaining
        with self._lock:
            if key not in self._kept:
                self._kept[key] = thread.submit(work)
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return self._kept[key]

    def _plate_of(self, decision: StoredDecision) -> Work:
        def work() -> DisplayPicture:
            data = self._session.explainer.received(decision)
            read = self._sandbox.call(data)
            if isinstance(read, Unreadable):
                raise UnreadableImage(read.message, hint=RETAKE)
            levels = display16.levels_in(read)
            height, width = levels.shape
            pixels, size = levels.astype("<u2").tobytes(), display16.size_in(read)
            return DisplayPicture(height, width, pixels, size)

        return work

    def _heat_of(self, decision: StoredDecision) -> Work:
        def work() -> Heat:
            return heat_of(self._session.explainer.explain(decision))

        return work

    def _policy_of(self, bundle_sha256: str, policy_id: str) -> Work:
        def work() -> Policy:
            from core.service.bundles.open import policy_of  # as late as the bundle itself

            return policy_of(self._session.explainer.bundle(bundle_sha256), policy_id)

        return work

"""The pictures of the cases before a person, worked out once for all sessions and ahead of time.

Ahead means on a thread of our own: while a page's script runs, Streamlit leaves what the run before
has drawn on the screen, a text box with the cursor in it included, and that swallows keys.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, cast

from core.records.values import StoredDecision
from core.service.review.explanations import Explainer
from dashboard.overlay import ColourPicture, Shown, picture_of, shown_of

KEPT = 256
PATIENCE_S = 0.3
HEAD_START_S = 1.0
"""By how much a bundle is opened later than asked: a browser paints the picture meanwhile."""

_KINDS = ("picture", "heat")


class Pictures:
    """Works out pictures and what explains them, and keeps the last ones; shared between threads.

    A picture is worth waiting for. What explains it is not: it needs the bundle, and opening one
    takes seconds.
    """

    def __init__(self, explainer: Explainer) -> None:
        self._desk = explainer
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], Future[Any]] = OrderedDict()
        self._decoding = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pictures")
        self._is_closed = threading.Event()
        self._explaining = ThreadPoolExecutor(max_workers=1, thread_name_prefix="heat")

    def of(self, decision: StoredDecision) -> bytes:
        """Return the picture that a decision was made on, as JPEG; wait for it.

        Raises:
            AssayError: The picture does not read, or its bytes are missing.
        """
        return self.colours(decision).jpeg

    def colours(self, decision: StoredDecision) -> ColourPicture:
        """Return the same as the viewer takes it, with the size of the original; wait for it.

        Raises:
            AssayError: The picture does not read, or its bytes are missing.
        """
        return cast("ColourPicture", self._get(("picture", decision.id), decision, None))

    def explained(self, decision: StoredDecision, wait_s: float = PATIENCE_S) -> Shown | None:
        """Return what explains a decision; None while it is being worked out, or not yet begun.

        It is not begun here where its bundle is still to be opened, which would take the processor
        from the page that is being drawn: ``prepare`` begins it after that.

        Raises:
            AssayError: The picture does not read, or its bytes or its bundle are missing.
        """
        if not self._may_begin(decision):
            return None
        return cast("Shown | None", self._get(("heat", decision.id), decision, wait_s))

    def is_explained(self, decision: StoredDecision) -> bool:
        """Return whether the explanation, or the reason why there is none, is ready."""
        return self._may_begin(decision) and self._future(("heat", decision.id), decision).done()

    def prepare(self, decision: StoredDecision) -> None:
        """Begin to work out what will be asked for soon."""
        for kind in _KINDS:
            self._future((kind, decision.id), decision)

    def close(self) -> None:
        """Drop what has not begun and end the threads."""
        self._is_closed.set()
        self._explaining.shutdown(cancel_futures=True)
        self._decoding.shutdown(cancel_futures=True)

    def _may_begin(self, decision: StoredDecision) -> bool:
        with self._lock:
            has_begun = ("heat", decision.id) in self._kept
        return has_begun or self._desk.has_tried(decision.bundle_sha256)

    def _get(
        self, key: tuple[str, str], decision: StoredDecision, wait_s: float | None
    ) -> ColourPicture | Shown | None:
        future = self._future(key, decision)
        try:
            return cast("ColourPicture | Shown", future.result(wait_s))
        except TimeoutError:
            if not future.done():
                return None
            raise
        except BaseException:
            with self._lock:  # not kept, since it may be mended
                self._kept.pop(key, None)
            raise

    def _future(self, key: tuple[str, str], decision: StoredDecision) -> Future[Any]:
        thread = self._decoding if key[0] == "picture" else self._explaining
        work = self._picture if key[0] == "picture" else self._explain
        with self._lock:
            if key not in self._kept:
                self._kept[key] = thread.submit(work, decision)
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return self._kept[key]

    def _picture(self, decision: StoredDecision) -> ColourPicture:
        prepared = self._desk.picture(decision)
        return ColourPicture(prepared.source_size, picture_of(prepared))

    def _explain(self, decision: StoredDecision) -> Shown:
        if self._desk.has_to_open(decision.bundle_sha256):
            self._is_closed.wait(HEAD_START_S)
        model = self._desk.bundle(decision.bundle_sha256).model
        sides = dict(zip(model.classes, model.positive, strict=True))
        return shown_of(self._desk.explain(decision), sides)

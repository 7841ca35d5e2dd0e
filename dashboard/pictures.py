"""The pictures of the cases before a person, worked out once for all sessions and ahead of time.

Ahead means on a thread of our own: while a page's script runs, Streamlit leaves what the run before
has drawn on the screen, a text box with the cursor in it included, and that swallows keys.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import Future, ThreadPoolExecutor

from core.records.values import StoredDecision
from core.service.desk import Desk
from dashboard.overlay import Shown, shown_of

KEPT = 128


class Pictures:
    """Explains decisions and keeps the last ``KEPT`` of them as bytes; shared between threads."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lock = threading.Lock()
        self._shown: OrderedDict[str, Future[Shown]] = OrderedDict()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pictures")

    def of(self, decision: StoredDecision) -> Shown:
        """Give what is shown of a decision; a failure is not kept, since it may be mended.

        Raises:
            AssayError: The picture does not read, or its bytes or its bundle are missing.
        """
        try:
            return self._future(decision).result()
        except BaseException:
            with self._lock:
                self._shown.pop(decision.id, None)
            raise

    def prepare(self, decision: StoredDecision) -> None:
        """Begin to work out what will be asked for soon."""
        self._future(decision)

    def close(self) -> None:
        """Drop what has not begun and end the thread."""
        self._thread.shutdown(cancel_futures=True)

    def _future(self, decision: StoredDecision) -> Future[Shown]:
        with self._lock:
            if decision.id not in self._shown:
                self._shown[decision.id] = self._thread.submit(self._explain, decision)
            self._shown.move_to_end(decision.id)
            while len(self._shown) > KEPT:
                self._shown.popitem(last=False)
            return self._shown[decision.id]

    def _explain(self, decision: StoredDecision) -> Shown:
        model = self._desk.bundle(decision.bundle_sha256).model
        sides = dict(zip(model.classes, model.positive, strict=True))
        return shown_of(self._desk.explain(decision), sides)

"""What answering needs for every case and takes long to open: bundles, a process for headers."""

from __future__ import annotations

import atexit
from contextlib import ExitStack
from dataclasses import dataclass, field
from threading import Lock, RLock

from core.imaging.function_sandbox import FunctionSandbox
from core.records.connection import Store
from core.service.review.explanations import Explainer
from core.settings import Settings
from domains.xray.decoding.source import Header, sandbox


@dataclass(frozen=True)
class Resources:
    """One at a time uses them, under ``lock``.

    Attributes:
        store: Whose decisions are explained.
        settings: Where things run.
        explainer: Explains decisions.
        headers: The disposable process that reads the headers of untrusted files.
    """

    store: Store
    settings: Settings
    explainer: Explainer
    headers: FunctionSandbox[Header]
    lock: RLock = field(default_factory=RLock)
    _stack: ExitStack = field(default_factory=ExitStack)

    def close(self) -> None:
        """End the disposable processes."""
        with self.lock:
            self._stack.close()


_open: list[Resources] = []
_taking = Lock()


def resources_for(store: Store, settings: Settings) -> Resources:
    """Return the resources of this process, which stay open from job to job.

    A worker has one store. Asked for another one, they are closed and opened anew.
    """
    with _taking:
        if _open and (_open[0].store is not store or _open[0].settings != settings):
            _open.pop().close()
        if not _open:
            explainer, headers = Explainer(store, settings), sandbox(settings)
            one = Resources(store, settings, explainer, headers)
            one._stack.callback(explainer.close)
            one._stack.enter_context(headers)
            _open.append(one)
        return _open[0]


@atexit.register
def _close_all() -> None:
    while _open:
        _open.pop().close()

"""Whether an object that came under a known name is the one that is here, encoded otherwise."""

from __future__ import annotations

import atexit
import logging
from threading import Lock

from core.errors import AssayError
from core.imaging.function_sandbox import FunctionSandbox, unparsed
from core.imaging.functions import Output
from core.logs import Event, Word
from core.settings import Settings

_DIGESTS = "domains.xray.decoding.identity:read_digests"
_DATA_SET, _PIXELS = "data set", "pixels"

_LOG = logging.getLogger(__name__)


class Comparer:
    """Reads objects in a disposable process, which starts with the first pair and stays.

    Args:
        settings: The limits of that process.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._sandbox: FunctionSandbox[Output] | None = None
        self._lock = Lock()

    def is_same(self, one: bytes, other: bytes, *, is_own: bool) -> bool:
        """Return whether two files hold one object; in doubt they do not.

        Args:
            one: A whole file.
            other: Another one under the same name.
            is_own: Whether we sent the first: receivers may change what it says of the patient, and
                only its picture is compared.
        """
        with self._lock:
            try:
                first, second = self._digests(one, other)
            except AssayError as exc:
                _LOG.error(Event(Word.FAILED, {"error": type(exc).__name__}))
                return False
        if not first or not second:
            return False
        if is_own:
            return bool(first[_PIXELS]) and first[_PIXELS] == second[_PIXELS]
        return first == second

    def close(self) -> None:
        """End the process."""
        with self._lock:
            if self._sandbox is not None:
                self._sandbox.__exit__(None, None, None)
                self._sandbox = None

    def _digests(self, *files: bytes) -> list[dict[str, str]]:
        """Return the files' digests, nothing for a file that does not read."""
        if self._sandbox is None:
            self._sandbox = FunctionSandbox(_DIGESTS, self._settings, unparsed).__enter__()
            atexit.register(self.close)
        read = [self._sandbox.call(data) for data in files]
        return [dict(one.record) if isinstance(one, Output) else {} for one in read]

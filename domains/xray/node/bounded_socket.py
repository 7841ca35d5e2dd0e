"""Sockets that give up on a peer before it costs anything.

pynetdicom reads a whole PDU, and a whole message, into memory with no bound on size or time: a
peer that sends a byte now and then, or declares four gigabytes, would hold a thread for ever. The
bounds stand here, below it, where every byte passes.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import time
from dataclasses import dataclass

from core.service.intake.limits import MEBI, Budget, Limits

_HANDSHAKE_BYTES = MEBI


@dataclass(slots=True)
class _Bounds:
    budget: Budget
    limits: Limits
    most: int
    deadline: float
    used: int = 0


_UNARMED = _Bounds(Budget(0), Limits(), 0, 0.0)


class BoundedSocket(socket.socket):
    """A connection within bounds; it takes nothing before it is armed."""

    _bounds = _UNARMED

    def arm(self, budget: Budget, limits: Limits) -> None:
        """Set the bounds for a caller that has not introduced itself yet."""
        until = time.monotonic() + limits.silence_s
        self._bounds = _Bounds(budget, limits, min(_HANDSHAKE_BYTES, limits.object_bytes), until)
        self.settimeout(limits.silence_s)

    def widen(self) -> None:
        """Widen the bounds for a caller that is known now."""
        bounds = self._bounds
        # An eighth for the envelope: headers of PDUs and fragments, and the commands.
        bounds.most = bounds.limits.object_bytes // 8 * 9 + _HANDSHAKE_BYTES
        self.renew()

    def finish_object(self, count: int | None) -> None:
        """Note that an object has come to its end.

        Args:
            count: Its bytes; None when nothing else is under way either.
        """
        bounds = self._bounds
        given = bounds.used if count is None else min(count, bounds.used)
        bounds.used -= given
        bounds.budget.release(given)
        self.renew()

    def renew(self) -> None:
        """Give the caller time for another object."""
        self._bounds.deadline = time.monotonic() + self._bounds.limits.object_s

    def recv(self, size: int = 4096, flags: int = 0) -> bytes:
        """Return what was received.

        Raises:
            OSError: It is too much, or takes too long: pynetdicom then closes the connection.
        """
        received = super().recv(size, flags)
        bounds = self._bounds
        if time.monotonic() > bounds.deadline:
            raise TimeoutError("no object came to its end in time")
        count = len(received)
        if bounds.used + count > bounds.most or not bounds.budget.acquire(count):
            raise OSError("more bytes than are taken")
        bounds.used += count
        return received

    def shutdown(self, how: int) -> None:
        """Shut down; were this to fail, pynetdicom would leave the descriptor open."""
        with contextlib.suppress(OSError):
            super().shutdown(how)

    def close(self) -> None:
        """Close, and give back what was counted."""
        self.finish_object(None)
        super().close()


class BoundedTlsSocket(BoundedSocket, ssl.SSLSocket):
    """A TLS connection within bounds."""

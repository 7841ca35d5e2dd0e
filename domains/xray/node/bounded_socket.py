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

from domains.xray.node.reception import MEBI, Budget, Limits

_GREETING = MEBI


@dataclass(slots=True)
class _Bounds:
    budget: Budget
    limits: Limits
    most: int
    deadline: float
    held: int = 0


_SHUT = _Bounds(Budget(0), Limits(), 0, 0.0)


class Guarded(socket.socket):
    """A connection within bounds; it takes nothing before it is armed."""

    _bounds = _SHUT

    def arm(self, budget: Budget, limits: Limits) -> None:
        """Set the bounds for a caller that has not introduced itself yet."""
        until = time.monotonic() + limits.silence_s
        self._bounds = _Bounds(budget, limits, min(_GREETING, limits.object_bytes), until)
        self.settimeout(limits.silence_s)

    def admit(self) -> None:
        """Widen the bounds for a caller that is known now."""
        bounds = self._bounds
        # An eighth for the envelope: headers of PDUs and fragments, and the commands.
        bounds.most = bounds.limits.object_bytes // 8 * 9 + _GREETING
        self.renew()

    def settle(self, count: int | None) -> None:
        """Note that an object has come to its end.

        Args:
            count: Its bytes; None when nothing else is under way either.
        """
        bounds = self._bounds
        given = bounds.held if count is None else min(count, bounds.held)
        bounds.held -= given
        bounds.budget.give(given)
        self.renew()

    def renew(self) -> None:
        """Give the caller time for another object."""
        self._bounds.deadline = time.monotonic() + self._bounds.limits.object_s

    def recv(self, size: int = 4096, flags: int = 0) -> bytes:
        """Receive.

        Raises:
            OSError: It is too much, or takes too long: pynetdicom then closes the connection.
        """
        received = super().recv(size, flags)
        bounds = self._bounds
        if time.monotonic() > bounds.deadline:
            raise TimeoutError("no object came to its end in time")
        count = len(received)
        if bounds.held + count > bounds.most or not bounds.budget.take(count):
            raise OSError("more bytes than are taken")
        bounds.held += count
        return received

    def shutdown(self, how: int) -> None:
        """Shut down; were this to fail, pynetdicom would leave the descriptor open."""
        with contextlib.suppress(OSError):
            super().shutdown(how)

    def close(self) -> None:
        """Close, and give back what was held."""
        self.settle(None)
        super().close()


class GuardedTls(Guarded, ssl.SSLSocket):
    """A TLS connection within bounds."""

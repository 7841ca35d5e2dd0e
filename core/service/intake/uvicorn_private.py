"""The private parts of uvicorn that an HTTP listener needs, all of them; a test holds them to it.

A release may change them without a word, so `pyproject.toml` bounds the version.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol


class ImpatientProtocol(H11Protocol):
    """uvicorn waits for ever for a connection's first request; this does not."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give the caller as long as between two requests."""
        super().connection_made(transport)
        self.loop.call_later(self.timeout_keep_alive, self._abort_if_silent)

    def _abort_if_silent(self) -> None:
        if not self.headers:
            self.transport.abort()

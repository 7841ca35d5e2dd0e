"""Serves the DICOMweb door with uvicorn, in a thread, and hangs up on callers who say nothing."""

from __future__ import annotations

import socket
import ssl
import threading

import uvicorn

from core.errors import ConfigError
from domains.xray.node.addressing import authority
from domains.xray.node.stow import WebDesk
from domains.xray.node.tls import Tls
from domains.xray.node.uvicorn_private import ImpatientProtocol

_BACKLOG = 32
_HEAD_BYTES = 16 * 1024


class WebDoor:
    """Takes requests at one address.

    Args:
        address: Host and port; port 0 takes any.
        desk: Answers them.
        tls: Our certificate, and who must have signed the callers'.

    Raises:
        ConfigError: The port cannot be had, or there is no certificate for TLS.
    """

    def __init__(self, address: tuple[str, int], desk: WebDesk, tls: Tls | None) -> None:
        context = tls.server() if tls else None
        try:
            family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
            self._socket = socket.create_server(address, family=family, backlog=_BACKLOG)
        except OSError as exc:
            raise ConfigError(
                f"No requests can be taken at {address[0]}:{address[1]}: {exc}.",
                hint="Give another --stow-port, or stop what is listening there.",
            ) from exc
        self._server = uvicorn.Server(_config(desk, context))
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="dicomweb", daemon=True
        )

    @property
    def port(self) -> int:
        """The port that was bound."""
        return int(self._socket.getsockname()[1])

    @property
    def said(self) -> str:
        """Where it is, in one line."""
        scheme = "http" if self._server.config.ssl_context_factory is None else "https"
        return f"STOW-RS {scheme}://{authority(self._socket.getsockname()[0], self.port)}/studies"

    @property
    def alive(self) -> bool:
        """Whether requests are taken."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Take requests until `stop`."""
        self._thread.start()

    def stop(self, grace_s: float) -> None:
        """Take no more requests, and let those under way come to their end."""
        self._server.config.timeout_graceful_shutdown = max(1, round(grace_s))
        self._server.should_exit = True
        self._thread.join(grace_s + 5)


def _config(desk: WebDesk, context: ssl.SSLContext | None) -> uvicorn.Config:
    limits = desk.reception.limits
    config = uvicorn.Config(
        desk.app(),
        http=ImpatientProtocol,
        ws="none",
        lifespan="off",
        loop="asyncio",
        log_config=None,
        access_log=False,
        # Behind no proxy an X-Forwarded-For is a caller's own word on who he is.
        proxy_headers=False,
        server_header=False,
        limit_concurrency=4 * limits.senders,
        timeout_keep_alive=max(1, round(limits.silence_s)),
        h11_max_incomplete_event_size=_HEAD_BYTES,
    )
    if context is not None:
        config.ssl_context_factory = lambda *_: context
    return config

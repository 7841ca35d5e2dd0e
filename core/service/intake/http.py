"""An HTTP listener: serves an ASGI app with uvicorn, in a thread, and closes silent connections."""

from __future__ import annotations

import socket
import ssl
import threading
from dataclasses import dataclass

import uvicorn
from starlette.types import ASGIApp

from core.errors import ConfigError
from core.service.intake.addressing import authority
from core.service.intake.limits import Limits
from core.service.intake.listener import ThreadListener
from core.service.intake.tls import Tls
from core.service.intake.uvicorn_private import ImpatientProtocol

_BACKLOG = 32
_HEAD_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class Service:
    """What an HTTP listener serves.

    Attributes:
        app: Answers requests.
        name: What people call it, such as ``STOW-RS``.
        path: Where objects go, such as ``/studies``.
        port_option: Option of the command line that sets its port, for messages.
    """

    app: ASGIApp
    name: str
    path: str
    port_option: str


class HttpListener(ThreadListener):
    """Takes requests at one address.

    Args:
        address: Host and port; port 0 takes any.
        service: Answers them.
        limits: What senders may ask.
        tls: Our certificate, and who must have signed the callers'.

    Raises:
        ConfigError: The port cannot be had, or there is no certificate for TLS.
    """

    def __init__(
        self, address: tuple[str, int], service: Service, limits: Limits, tls: Tls | None
    ) -> None:
        self._service = service
        context = tls.server() if tls else None
        try:
            family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
            self._socket = socket.create_server(address, family=family, backlog=_BACKLOG)
        except OSError as exc:
            raise ConfigError(
                f"No requests can be taken at {address[0]}:{address[1]}: {exc}.",
                hint=f"Give another {service.port_option}, or stop what is listening there.",
            ) from exc
        self._server = uvicorn.Server(_config(service.app, limits, context))
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="http", daemon=True
        )

    @property
    def port(self) -> int:
        """The port that was bound."""
        return int(self._socket.getsockname()[1])

    @property
    def location(self) -> str:
        """Where it is, in one line."""
        scheme = "http" if self._server.config.ssl_context_factory is None else "https"
        host = authority(self._socket.getsockname()[0], self.port)
        return f"{self._service.name} {scheme}://{host}{self._service.path}"

    def stop(self, grace_s: float) -> None:
        """Take no more requests, and let those under way come to their end."""
        self._server.config.timeout_graceful_shutdown = max(1, round(grace_s))
        self._server.should_exit = True
        self._thread.join(grace_s + 5)


def _config(app: ASGIApp, limits: Limits, context: ssl.SSLContext | None) -> uvicorn.Config:
    config = uvicorn.Config(
        app,
        http=ImpatientProtocol,
        ws="none",
        lifespan="off",
        loop="asyncio",
        log_config=None,
        access_log=False,
        # Behind no proxy an X-Forwarded-For is the caller's own claim.
        proxy_headers=False,
        server_header=False,
        limit_concurrency=4 * limits.senders,
        timeout_keep_alive=max(1, round(limits.silence_s)),
        h11_max_incomplete_event_size=_HEAD_BYTES,
    )
    if context is not None:
        config.ssl_context_factory = lambda *_: context
    return config

"""Which web requests are meant for this node.

A page in a browser reaches whatever its machine reaches, loopback too. It cannot choose the Host
that its browser names, however: a name of its own that it lets point here (DNS rebinding) stands in
every request, and so does, as Origin, the place that a page was loaded from. No page is served
here, so that an Origin other than the node itself is always another place's.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection
from ipaddress import IPv6Address, ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from core.logs import Event, Word

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})

# RFC 9110 section 7.2: a name, an IPv4 address or an IPv6 address in brackets, perhaps a port.
_AUTHORITY = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\s:@/?#\\\[\]]+))(?::[0-9]*)?")
_LOG = logging.getLogger(__name__)


class AddressGuard:
    """Middleware that refuses requests under another name than the node's, and other pages' ones.

    Args:
        app: What answers the others.
        names: Names and addresses under which the node is called, besides those of loopback and
            the local address of the connection.
        transport: How the log names this way in.
    """

    def __init__(self, app: ASGIApp, names: Collection[str], transport: str) -> None:
        self._app, self._transport = app, transport
        self._names = {canonical_host(name) for name in names} | LOOPBACK_NAMES

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            headers, server = Headers(scope=scope), scope.get("server") or ("",)
            names = self._names | {canonical_host(server[0])}
            if problem := address_problem(headers.get("host", ""), headers.get("origin"), names):
                _LOG.warning(Event(Word.REFUSED, {"transport": self._transport, "code": "403"}))
                answer = JSONResponse({"error": problem}, 403, {"Connection": "close"})
                await answer(scope, receive, send)
                return
        await self._app(scope, receive, send)


def address_problem(host: str, origin: str | None, names: Collection[str]) -> str:
    """Return why a request is not meant for this node; empty when it is.

    Args:
        host: Its Host header.
        origin: Its Origin header; None without one, as from any client but a browser.
        names: What `canonical_host` makes of the node's names.
    """
    found = _AUTHORITY.fullmatch(host)
    if found is None or canonical_host(found[1] or found[2]) not in names:
        return "the node is not called by the name in the Host header: [node] hosts in peers.toml"
    if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
        return "pages of other places may not send"
    return ""


def authority(host: str, port: int) -> str:
    """Return host and port as they are written together; an IPv6 address stands in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def canonical_host(name: str) -> str:
    """Return a host name in small letters without the root's dot, an address in its usual form."""
    try:
        address = ip_address(name)
    except ValueError:
        return name.lower().removesuffix(".")
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)

"""Small pictures by the digest of their file: ``/t/<sha256>?s=160``, which never change.

A digest names the content, so a browser asks once and keeps the answer. Only a page of ours may
ask, for a person who may look: what another site embeds is refused.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence

import anyio
import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from streamlit import config

from core.errors import AssayError
from core.service.review.thumbnails import SIDES, Thumbnails
from dashboard.addresses import root_path

_NAME = re.compile(r"[0-9a-f]{64}")
_HEADERS = {"X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin"}
_LASTING = "private, max-age=31536000, immutable"
_AT_ONCE = anyio.CapacityLimiter(2)


class _Source:
    """Where the pictures come from, once a page has opened the store."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.thumbnails: Thumbnails | None = None

    def open(self, make: Callable[[], Thumbnails]) -> None:
        with self._lock:
            if self.thumbnails is None:
                self.thumbnails = make()


_SOURCE = _Source()


def serve_from(make: Callable[[], Thumbnails]) -> None:
    """Serve pictures from now on; the first call counts.

    Args:
        make: Opens them.
    """
    _SOURCE.open(make)


def address(sha256: str, side: int = SIDES[0]) -> str:
    """Return the address of a small picture; empty where no bytes were kept."""
    return f"{root_path()}/t/{sha256}?s={side}" if _NAME.fullmatch(sha256) else ""


def routes() -> Sequence[Route]:
    """Return the route under which small pictures are served."""
    return [Route("/t/{sha256}", _serve, methods=["GET"])]


async def _serve(request: Request) -> Response:
    sha256, side = request.path_params["sha256"], request.query_params.get("s", str(SIDES[0]))
    if not _may_ask(request):
        return _refused(403)
    if not _NAME.fullmatch(sha256) or side not in map(str, SIDES):
        return _refused(404)
    source = _SOURCE.thumbnails
    if source is None:
        return _refused(503)
    try:
        data = await anyio.to_thread.run_sync(source.get, sha256, int(side), limiter=_AT_ONCE)
    except AssayError as exc:
        return _refused(404, exc.message)
    return Response(data, media_type="image/webp", headers={"Cache-Control": _LASTING, **_HEADERS})


def _may_ask(request: Request) -> bool:
    """Return whether a page of ours asks: the browser itself says so in ``Sec-Fetch-Site``."""
    allowed = config.get_option("server.allowedHosts")
    if allowed and request.url.hostname not in allowed:
        return False
    # A browser that does not say it (before 2023) is let through where nobody can be signed in.
    return request.headers.get("sec-fetch-site", "same-origin") == "same-origin"


def _refused(code: int, why: str = "") -> Response:
    return Response(
        why, code, media_type="text/plain", headers={"Cache-Control": "no-store", **_HEADERS}
    )

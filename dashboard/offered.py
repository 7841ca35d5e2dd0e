"""Pictures and figures by address, for pages that change many times a second.

A page offers something and tells the browser the address; the browser fetches it without a run of
the page's script. Only what a page has offered is served, under a name that nobody can make up:
names are keyed by a secret of the process. Bytes are prepared when they are asked for, and kept by
whoever prepares them.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from streamlit import config

from core.errors import AssayError
from dashboard.addresses import root_path

KEPT = 512
JPEG, JSON, SCRIPT = "image/jpeg", "application/json", "text/javascript"
LEVELS = "application/octet-stream"
_FOLDER = "/assay-offered"
# One day: the address names what is shown, and that never changes.
_LASTING = "private, max-age=86400, immutable"
_CACHING = {JPEG: _LASTING, LEVELS: _LASTING, SCRIPT: _LASTING, JSON: "no-store"}

Load = Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class Offer:
    """What lies under an address."""

    load: Load
    media_type: str


class Offers:
    """What pages have offered last, by name; shared between threads."""

    def __init__(self, most: int = KEPT) -> None:
        self._most, self._key = most, secrets.token_bytes(32)
        self._lock = threading.Lock()
        self._offers: OrderedDict[str, Offer] = OrderedDict()

    def put(self, identity: str, load: Load, media_type: str = JPEG) -> str:
        """Return the address of something from now on.

        Args:
            identity: What is shown and how, such as a decision's id and ``small``; the same
                picture is to have the same identity, and another one another.
            load: Returns its bytes; called in a thread whenever a browser asks.
            media_type: A JPEG, grey levels or a script, which never change, or JSON, which does.
        """
        name = hashlib.blake2b(identity.encode(), key=self._key, digest_size=20).hexdigest()
        with self._lock:
            self._offers[name] = Offer(load, media_type)
            self._offers.move_to_end(name)
            while len(self._offers) > self._most:
                self._offers.popitem(last=False)
        return f"{root_path()}{_FOLDER}/{name}"

    def find(self, name: str) -> Offer | None:
        """Return what lies under a name; None where nothing does."""
        with self._lock:
            if name in self._offers:
                self._offers.move_to_end(name)
            return self._offers.get(name)


OFFERS = Offers()


def routes() -> Sequence[Route]:
    """Return the routes under which the offers are served."""
    return [Route(f"{_FOLDER}/{{name}}", _serve, methods=["GET"])]


async def _serve(request: Request) -> Response:
    allowed = config.get_option("server.allowedHosts")
    if allowed and request.url.hostname not in allowed:
        return Response(status_code=403)
    offer = OFFERS.find(request.path_params["name"])
    if offer is None:
        return Response(status_code=404)
    try:
        data = await anyio.to_thread.run_sync(offer.load)
    except AssayError as exc:
        return Response(exc.message, status_code=404, media_type="text/plain")
    headers = {
        "Cache-Control": _CACHING[offer.media_type],
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    return Response(data, media_type=offer.media_type, headers=headers)

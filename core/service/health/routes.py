"""/healthz and /metrics, on the dashboard's server and on a worker's port of its own.

Who may read the metrics: whoever asks from this machine, or sends the token that is set. A request
that a proxy passed on does not count as from this machine.
"""

from __future__ import annotations

import ipaddress
import secrets
import threading
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic

from anyio.to_thread import run_sync
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from core.errors import AssayError
from core.records import audit
from core.records.connection import Store
from core.records.figures import read_figures
from core.service.anchors import anchor_file, check_anchors
from core.service.health.metrics import CONTENT_TYPE, render
from core.service.intake.addressing import LOOPBACK_NAMES, address_problem
from core.service.intake.http import HttpListener, Service
from core.service.intake.limits import Limits
from core.service.store import open_store
from core.settings import Settings

KEPT_S = 2.0
_PASSED_ON = ("forwarded", "via", "x-forwarded-for", "x-real-ip")
_NO_STORE = {"Cache-Control": "no-store"}


class Health:
    """Answers both requests; opens the store when it is asked first.

    Args:
        settings: Where the store is, and who may read its figures.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._store: Store | None = None
        self._kept: tuple[float, bytes] = (float("-inf"), b"")

    def routes(self) -> Sequence[Route]:
        """Return the two routes."""
        return [
            Route("/healthz", self._healthz, methods=["GET"]),
            Route("/metrics", self._metrics, methods=["GET"]),
        ]

    def check(self) -> None:
        """Read the store.

        Raises:
            AssayError: It cannot be read.
        """
        audit.head(self._opened())

    def render(self) -> bytes:
        """Return the figures; asked again at once, those of a moment ago.

        Raises:
            AssayError: The store or the anchors cannot be read.
        """
        store = self._opened()
        with self._lock:
            made, text = self._kept
            if monotonic() - made > KEPT_S:
                file = anchor_file(self._settings)
                text = render(read_figures(store), check_anchors(store, file) if file else None)
                self._kept = monotonic(), text
        return text

    def close(self) -> None:
        """Let go of the store."""
        if self._store is not None:
            self._store.close()

    def _opened(self) -> Store:
        with self._lock:
            if self._store is None:
                self._store = open_store(self._settings)
            return self._store

    async def _healthz(self, request: Request) -> Response:
        del request
        try:
            await run_sync(self.check)
        except AssayError as exc:
            failed = {"status": "failed", "error": type(exc).__name__}
            return JSONResponse(failed, 503, headers=_NO_STORE)
        return JSONResponse({"status": "ok"}, headers=_NO_STORE)

    async def _metrics(self, request: Request) -> Response:
        if not _may_read(request, self._settings.metrics_token):
            return JSONResponse(
                {"error": "Asked from another machine, this takes the token ASSAY_METRICS_TOKEN."},
                401,
                headers={"WWW-Authenticate": "Bearer", **_NO_STORE},
            )
        try:
            text = await run_sync(self.render)
        except AssayError as exc:
            return JSONResponse({"error": type(exc).__name__}, 503, headers=_NO_STORE)
        return Response(text, headers={"Content-Type": CONTENT_TYPE, **_NO_STORE})


class HealthListener(HttpListener):
    """Answers both requests at an address of its own.

    Args:
        settings: Where the store is, and who may read its figures.
        address: Host and port; port 0 takes any.

    Raises:
        ConfigError: The port cannot be had.
    """

    def __init__(self, settings: Settings, address: tuple[str, int]) -> None:
        self._health = Health(settings)
        app = Starlette(routes=self._health.routes())
        service = Service(app, "health", "/metrics", "--health-port")
        super().__init__(address, service, Limits(senders=4), None)

    def stop(self, grace_s: float) -> None:
        """Take no more requests, and let go of the store."""
        super().stop(grace_s)
        self._health.close()


def _may_read(request: Request, token: str) -> bool:
    scheme, _, sent = request.headers.get("authorization", "").partition(" ")
    if token and scheme.lower() == "bearer":
        return secrets.compare_digest(sent.strip().encode(), token.encode())
    if any(name in request.headers for name in _PASSED_ON):
        return False
    # A page of another place, whose name now points here, would come from this machine too.
    if address_problem(
        request.headers.get("host", ""), request.headers.get("origin"), LOOPBACK_NAMES
    ):
        return False
    with suppress(ValueError):
        host = request.client.host if request.client else ""
        return ipaddress.ip_address(host).is_loopback
    return False

"""Our own routes beside Streamlit's: pictures, uploads, health, the view log.

What answers them is imported with the first request: it takes longer than everything that the
server needs for its first answer, and meanwhile the browser loads Streamlit's own files.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from anyio.to_thread import run_sync
from starlette.routing import BaseRoute, Match, Route, Router
from starlette.types import Receive, Scope, Send

from core.settings import Settings
from dashboard.addresses import below_root, root_path

FOLDERS = ("assay-offered", "assay-upload", "assay-views", "healthz", "metrics", "t")
"""First parts of the paths; nothing of Streamlit's lies below them."""


class LateRoutes(BaseRoute):
    """Every path below ``FOLDERS``, answered by the routes that ``list_routes`` returns."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Return whether a request is for one of ours."""
        if scope["type"] != "http":
            return Match.NONE, {}
        path = str(scope["path"]).removeprefix(f"{root_path()}/")
        return (Match.FULL if path.split("/")[0] in FOLDERS else Match.NONE), {}

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        await (await run_sync(_router))(scope, receive, send)


@cache
def list_routes() -> Sequence[Route]:
    """Return our routes, below the path of the reverse proxy."""
    from core.service.health.routes import Health
    from dashboard import offered, thumbnails, upload, view_events

    return below_root(
        [
            *offered.routes(),
            *upload.routes(),
            *thumbnails.routes(),
            *Health(Settings()).routes(),
            *view_events.routes(),
        ]
    )


@cache
def _router() -> Router:
    return Router(list_routes())

"""Where routes of our own lie: below the path that a reverse proxy serves the dashboard under."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.routing import Route
from streamlit import config


def root_path() -> str:
    """Return the path of the reverse proxy, such as ``/assay``; empty for none."""
    path = str(config.get_option("server.baseUrlPath") or "").strip("/")
    return f"/{path}" if path else ""


def below_root(routes: Iterable[Route]) -> list[Route]:
    """Return routes with the path of the reverse proxy before their own."""
    return [
        Route(root_path() + one.path, one.endpoint, methods=list(one.methods or ()))
        for one in routes
    ]

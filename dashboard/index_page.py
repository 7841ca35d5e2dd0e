"""Streamlit's index page, which is given the address of its server and the frame's style.

Left to itself the page at ``/cases`` asks ``/cases/_stcore/health`` before ``/_stcore/health``,
since it cannot tell a page's name from a reverse proxy's path: each page would begin with requests
that are answered 404.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import file_util

from dashboard.addresses import root_path
from dashboard.frame_style import FRAME

_HEAD = b"<head>"
_TITLE = b"<title>Streamlit</title>"
_UNWANTED = {b"accept-encoding", b"if-none-match", b"if-modified-since"}


class IndexPage:
    """Sends our index page wherever Streamlit answers with its own.

    Args:
        app: What answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, with the index page where a browser opens an address that is no file."""
        if scope["type"] != "http" or not _opens_a_page(scope):
            await self._app(scope, receive, send)
            return
        # As a whole and as plain bytes, to be known again.
        headers = [one for one in scope["headers"] if one[0] not in _UNWANTED]
        await self._app({**scope, "headers": headers}, receive, _Replaced(send))


class _Replaced:
    """Passes an answer on, Streamlit's index page replaced by ours.

    Args:
        send: What hears the answer.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None

    async def __call__(self, message: Message) -> None:
        """Hear a part of the answer; its start waits for the body that it belongs to."""
        if message["type"] == "http.response.start":
            self._start = message
            return
        if self._start is not None:
            start, self._start = self._start, None
            if message.get("body") == _streamlits():
                message = {**message, "body": ours(_streamlits(), root_path())}
                headers = MutableHeaders(raw=start["headers"])
                headers["content-length"] = str(len(message["body"]))
                del headers["etag"], headers["last-modified"]
            await self._send(start)
        await self._send(message)


def ours(index: bytes, root: str) -> bytes:
    """Return the index page with our title and frame, and its server below the path ``root``."""
    path = json.dumps(root).replace("<", "\\u003c")
    script = f"<script>window.__streamlit = {{BACKEND_BASE_URL: location.origin + {path}}}</script>"
    named = index.replace(_TITLE, b"<title>Assay</title>", 1)
    return named.replace(_HEAD, _HEAD + f"{script}<style>{FRAME}</style>".encode(), 1)


def _opens_a_page(scope: Scope) -> bool:
    asked = dict(scope["headers"]).get(b"accept", b"")
    return scope["method"] == "GET" and b"text/html" in asked


@cache
def _streamlits() -> bytes:
    return (Path(file_util.get_static_dir()) / "index.html").read_bytes()
